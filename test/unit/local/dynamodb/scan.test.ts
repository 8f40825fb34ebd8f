import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, invalidity, key, openBench } from './support.ts';
import type { Answer, Bench } from './support.ts';

const fill = (count: number): Bench => {
  const bench = openBench();
  createTable(bench);
  for (let place = 0; place < count; place += 1) {
    bench.call('PutItem', {
      TableName: 'things',
      Item: { ...key(`p${place % 17}`, String(place)), n: { N: String(place) } },
    });
  }
  return bench;
};

const all = (bench: Bench, extra: Json = {}, between: (key: Json) => void = () => undefined): string[] => {
  const seen: string[] = [];
  let start: Json | undefined;
  do {
    const answer: Answer = bench.call('Scan', {
      TableName: 'things',
      ...extra,
      ...(start ? { ExclusiveStartKey: start } : {}),
    });
    seen.push(...answer.Items.map((item) => item.sk.S));
    start = answer.LastEvaluatedKey;
    if (start) between(start);
  } while (start);
  return seen;
};

const numbers = (count: number): string[] => Array.from({ length: count }, (_, place) => String(place));
const sorted = (texts: readonly string[]): string[] =>
  [...texts].sort((left, right) => Number(left) - Number(right));

describe('scans', () => {
  it('see every item once, whatever the page', () => {
    const bench = fill(100);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), (Limit) => {
        expect(sorted(all(bench, { Limit }))).toEqual(numbers(100));
      }),
      { numRuns: 30 },
    );
  });

  it('see every item once in all segments together', () => {
    const bench = fill(100);
    for (const TotalSegments of [1, 2, 3, 8, 1_000]) {
      const seen = numbers(TotalSegments).flatMap((segment) =>
        all(bench, { TotalSegments, Segment: Number(segment), Limit: 7 }),
      );
      expect(sorted(seen)).toEqual(numbers(100));
    }
  });

  it('go on when the key they stopped at has been deleted', () => {
    const bench = fill(60);
    const seen = all(bench, { Limit: 5 }, (Key) => bench.call('DeleteItem', { TableName: 'things', Key }));
    expect(sorted(seen)).toEqual(numbers(60));
  });

  it('filter and count', () => {
    const bench = fill(30);
    const answer = bench.call('Scan', {
      TableName: 'things',
      FilterExpression: 'n < :n',
      ExpressionAttributeValues: { ':n': { N: '10' } },
      Select: 'COUNT',
    });
    expect(answer).toEqual({ Count: 10, ScannedCount: 30 });
  });

  it('may filter by keys, which queries may not', () => {
    const bench = fill(30);
    const answer = bench.call('Scan', {
      TableName: 'things',
      FilterExpression: 'pk = :p',
      ExpressionAttributeValues: { ':p': { S: 'p3' } },
    });
    expect(answer.Count).toBe(2);
  });

  it.each([
    [
      { TotalSegments: 2 },
      'The Segment parameter is required but was not present in the request when parameter TotalSegments is present',
    ],
    [
      { Segment: 0 },
      'The TotalSegments parameter is required but was not present in the request when Segment parameter is present',
    ],
    [
      { Segment: 2, TotalSegments: 2 },
      'The Segment parameter is zero-based and must be less than parameter TotalSegments: ' +
        'Segment: 2 is not less than TotalSegments: 2',
    ],
  ])('refuse %j', (extra, message) => {
    const bench = fill(0);
    expect(invalidity(() => bench.call('Scan', { TableName: 'things', ...extra }))).toBe(message);
  });

  it('refuse to start in another segment', () => {
    const bench = fill(50);
    const first = bench.call('Scan', { TableName: 'things', Segment: 0, TotalSegments: 2, Limit: 1 });
    expect(
      invalidity(() =>
        bench.call('Scan', {
          TableName: 'things',
          Segment: 1,
          TotalSegments: 2,
          ExclusiveStartKey: first.LastEvaluatedKey,
        }),
      ),
    ).toContain('TotalSegments: 2 Segment: 1');
  });
});
