import { describe, expect, it } from 'vitest';

import { recordFilter } from '#local/mapping/filter.ts';

const passes = (pattern: unknown, record: unknown): boolean =>
  recordFilter([JSON.stringify(pattern)])(record);

describe('a filter pattern', () => {
  it.each([
    ['an equal string', { a: ['x'] }, { a: 'x' }, { a: 'y' }],
    ['one of several values', { a: ['x', 2, null] }, { a: 2 }, { a: 3 }],
    ['null', { a: [null] }, { a: null }, { a: '' }],
    ['a nested member', { a: { b: ['x'] } }, { a: { b: 'x' } }, { a: 'x' }],
    ['every member', { a: ['x'], b: ['y'] }, { a: 'x', b: 'y' }, { a: 'x' }],
    ['a member of a list', { a: ['x'] }, { a: ['w', 'x'] }, { a: ['w'] }],
    ['a prefix', { a: [{ prefix: 'run#' }] }, { a: 'run#1' }, { a: 'feed#1' }],
    [
      'a prefix ignoring case',
      { a: [{ prefix: { 'equals-ignore-case': 'RUN' } }] },
      { a: 'runs' },
      { a: 'feeds' },
    ],
    ['a suffix', { a: [{ suffix: '.fifo' }] }, { a: 'q.fifo' }, { a: 'q' }],
    ['an equal string ignoring case', { a: [{ 'equals-ignore-case': 'X' }] }, { a: 'x' }, { a: 'xx' }],
    ['a wildcard', { a: [{ wildcard: 'a*c.d' }] }, { a: 'abbc.d' }, { a: 'abbcxd' }],
    ['existence', { a: [{ exists: true }] }, { a: 0 }, { b: 0 }],
    ['absence', { a: [{ exists: false }] }, { b: 0 }, { a: 0 }],
    ['an equal number', { a: [{ numeric: ['=', 5] }] }, { a: 5 }, { a: '5' }],
    ['a range', { a: [{ numeric: ['>', 0, '<=', 5] }] }, { a: 5 }, { a: 0 }],
    ['anything but a value', { a: [{ 'anything-but': 'x' }] }, { a: 'y' }, { a: 'x' }],
    ['anything but several', { a: [{ 'anything-but': ['x', 'y'] }] }, { a: 'z' }, { a: 'y' }],
    ['anything but a prefix', { a: [{ 'anything-but': { prefix: 'x' } }] }, { a: 'yx' }, { a: 'xy' }],
    ['either of two', { $or: [{ a: ['x'] }, { b: ['y'] }] }, { b: 'y' }, { b: 'x' }],
  ])('matches %s', (_, pattern, matching, other) => {
    expect(passes(pattern, matching)).toBe(true);
    expect(passes(pattern, other)).toBe(false);
  });

  it('passes when one of several patterns matches, and always when there is none', () => {
    const either = recordFilter(['{"a":["x"]}', '{"a":["y"]}']);
    expect([either({ a: 'y' }), either({ a: 'z' })]).toEqual([true, false]);
    expect(recordFilter([])({})).toBe(true);
  });

  it.each([
    ['an unknown operator', '{"a":[{"like":"x"}]}', 'operator like'],
    ['a bare value', '{"a":"x"}', 'bare value'],
    ['no object', '[]', 'no object'],
  ])('refuses %s', (_, text, message) => {
    expect(() => recordFilter([text])).toThrow(message);
  });
});
