/** The gates of partitions that concern runs, by the ids of docs/parity/matrix.md. */
import { expect, it } from 'vitest';
import type { PartitionDimension } from '#contracts/runs/manifest.ts';
import { normalizePartition } from '#domain/manifest/partition.ts';

const keyOf = (dimensions: readonly PartitionDimension[], values: Readonly<Record<string, string>>) =>
  normalizePartition(dimensions, {
    partitions: Object.entries(values).map(([key, value]) => ({ key, value })),
  });

it('m1.partition-canonical: the values of a key may come in any order, or be canonical already', () => {
  const dimensions: readonly PartitionDimension[] = [
    { name: 'date', kind: 'time', granularity: 'day' },
    { name: 'region', kind: 'static', values: ['eu', 'us'] },
  ];
  const key = 'date=d:2026-01-02,region=s:ZXU';

  expect(keyOf(dimensions, { date: '2026-01-02', region: 'eu' })).toEqual({ kind: 'key', key });
  expect(keyOf(dimensions, { region: 'eu', date: '2026-01-02' })).toEqual({ kind: 'key', key });
  expect(normalizePartition(dimensions, { partitionKey: key })).toEqual({ kind: 'key', key });
});

it('m1.partition-definitions: each kind of dimension takes its own values and refuses others', () => {
  const cases: readonly (readonly [Omit<PartitionDimension, 'name'>, string, string, string])[] = [
    [{ kind: 'time', granularity: 'day' }, '2026-01-02', 'd:2026-01-02', '2026-02-30'],
    [
      { kind: 'time', granularity: 'hour' },
      '2026-01-02T21:00Z',
      't:2026-01-02T21:00:00.000000Z',
      '2026-01-02',
    ],
    [{ kind: 'time', granularity: 'week' }, '2026-W02', 'd:2026-01-05', '2026-01-06'],
    [{ kind: 'time', granularity: 'month' }, '2026-02', 'd:2026-02-01', '2026-02-02'],
    [{ kind: 'static', values: ['eu'] }, 'eu', 's:ZXU', 'us'],
    [{ kind: 'dynamic' }, 'b', 's:Yg', ''],
  ];
  for (const [dimension, given, value, other] of cases) {
    const dimensions = [{ name: 'p', ...dimension }];
    expect(keyOf(dimensions, { p: given })).toEqual({ kind: 'key', key: `p=${value}` });
    expect(keyOf(dimensions, { p: other }).kind).not.toBe('key');
  }
});
