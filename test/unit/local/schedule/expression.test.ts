import { describe, expect, it } from 'vitest';

import { parseScheduleExpression } from '#local/schedule/expression.ts';

const from = Date.parse('2026-11-20T00:00:00Z');
const next = (expression: string, timeZone?: string, count = 2): readonly string[] => {
  const firing = parseScheduleExpression(expression, timeZone);
  const found: string[] = [];
  for (let atMs = firing(from); atMs !== undefined && found.length < count; atMs = firing(atMs))
    found.push(new Date(atMs).toISOString().slice(0, 16));
  return found;
};

describe('a schedule expression', () => {
  it.each([
    ['rate(1 minute)', ['2026-11-20T00:01', '2026-11-20T00:02']],
    ['rate(5 minutes)', ['2026-11-20T00:05', '2026-11-20T00:10']],
    ['rate(1 day)', ['2026-11-21T00:00', '2026-11-22T00:00']],
    ['cron(0 10 * * ? *)', ['2026-11-20T10:00', '2026-11-21T10:00']],
    ['cron(15 12 ? * 2-6 *)', ['2026-11-20T12:15', '2026-11-23T12:15']],
    ['cron(0/15 8-17 ? * MON-FRI *)', ['2026-11-20T08:00', '2026-11-20T08:15']],
    ['cron(0 18 L * ? *)', ['2026-11-30T18:00', '2026-12-31T18:00']],
    ['cron(0 9 ? * 2#1 *)', ['2026-12-07T09:00', '2027-01-04T09:00']],
    ['at(2026-11-21T08:00:00)', ['2026-11-21T08:00']],
  ])('%s fires', (expression, expected) => {
    expect(next(expression)).toEqual(expected);
  });

  it('is read in its time zone', () => {
    expect(next('cron(0 10 * * ? *)', 'Europe/Vienna', 1)).toEqual(['2026-11-20T09:00']);
  });

  it.each([
    ['rate(30 seconds)', 'at least 1 minute'],
    ['rate(0 minutes)', 'at least 1 minute'],
    ['cron(0 10 * *)', 'six fields'],
    ['every minute', 'is not supported'],
  ])('%s is refused', (expression, message) => {
    expect(() => parseScheduleExpression(expression)).toThrow(message);
  });
});
