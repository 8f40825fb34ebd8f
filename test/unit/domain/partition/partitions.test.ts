import { describe, expect, it } from 'vitest';
import { RunId } from '#contracts/ids.ts';
import type { PartitionDimension } from '#contracts/runs/manifest.ts';
import { expectedPartitions } from '#domain/partition/expected-partitions.ts';
import { partitionItem } from '#domain/partition/partition-item.ts';
import { upstreamKeys } from '#domain/partition/upstream-partitions.ts';
import type { PartitionRow } from '#domain/run/partition-rows.ts';
import { assetsOf } from '#domain/run/plan.ts';
import { asset, manifest, validated } from '#test/support/manifest-fixtures.ts';

const DAY: PartitionDimension = { name: 'date', kind: 'time', granularity: 'day' };
const HOUR: PartitionDimension = { name: 'date', kind: 'time', granularity: 'hour' };
const VENUE: PartitionDimension = { name: 'venue', kind: 'static', values: ['x', 'y'] };
const by = (...dimensions: readonly PartitionDimension[]) => ({ partitioning: { dimensions } });

describe('the upstream partitions of a partition', () => {
  const assets = assetsOf(
    validated(
      manifest([
        asset('m', 'plain', []),
        asset('m', 'daily', [], by(DAY)),
        asset('m', 'hourly', [], by(HOUR)),
        asset('m', 'both', [], by(DAY, VENUE)),
        asset('m', 'subject', ['m.plain', 'm.daily', 'm.hourly', 'm.both'], by(VENUE, DAY)),
      ]),
    ),
  );
  const keysOf = (partitionKey: string, name = 'm.subject') => {
    const subject = [...assets].find(([key]) => key === name)?.[1];
    if (!subject) throw new Error(`${name} is not there`);
    return upstreamKeys(assets, subject, partitionKey).map(({ assetKey, partitionKeys }) => [
      assetKey,
      partitionKeys,
    ]);
  };
  const KEY = 'date=d:2026-01-02,venue=s:eA';

  it('stand under its own key and under what the upstream has of it; other cuts are left out', () => {
    expect(keysOf(KEY)).toEqual([
      ['m.plain', [KEY, '']],
      ['m.daily', [KEY, 'date=d:2026-01-02']],
      ['m.both', [KEY]],
    ]);
  });

  it('are those without a key for what ran without one', () => {
    expect(keysOf('').map(([, keys]) => keys)).toEqual([[''], [''], [''], ['']]);
  });

  it('are none for an asset that needs nothing, or needs what is not there', () => {
    expect(keysOf(KEY, 'm.plain')).toEqual([]);
    expect(
      upstreamKeys(
        new Map(),
        validated(manifest([asset('m', 'b', []), asset('m', 'a', ['m.b'])])).assets[1] ?? expect.fail(),
        KEY,
      ),
    ).toEqual([]);
  });

  it('have no values of a key that is not canonical', () => {
    expect(keysOf('date')).toContainEqual(['m.daily', ['date', '']]);
  });
});

describe('the partitions an asset promises', () => {
  const of = (...dimensions: readonly PartitionDimension[]) =>
    expectedPartitions(
      validated(manifest([asset('m', 'a', [], by(...dimensions))])).assets[0] ?? expect.fail(),
    );

  it('are all combinations of values that are listed', () => {
    const expected = of(VENUE, { name: 'region', kind: 'static', values: ['eu', 'us', 'eu'] });

    expect(expected.count).toBe(4);
    expect(expected.has('region=s:ZXU,venue=s:eA')).toBe(true);
    expect(expected.has('region=s:ZXU,venue=s:eg')).toBe(false);
    expect(expected.has('venue=s:eA')).toBe(false);
    expect(expected.has('region=i:1,venue=s:eA')).toBe(false);
    expect(expected.has('other=s:ZXU,venue=s:eA')).toBe(false);
    expect(expected.has('')).toBe(false);
  });

  it.each([[[DAY]], [[VENUE, DAY]], [[{ name: 'v', kind: 'static' } as const]], [[]]])(
    'are none where values cannot be listed: %o',
    (dimensions) => {
      const expected = of(...dimensions);
      expect([expected.count, expected.has('venue=s:eA')]).toEqual([0, false]);
    },
  );

  it('are none of an asset without partitions', () => {
    const [plain] = validated(manifest([asset('m', 'a', [])])).assets;
    expect(plain && expectedPartitions(plain).count).toBe(0);
  });
});

describe('a partition as its readers see it', () => {
  const runId = RunId.parse('run_01JQ8Z3T5N6M7P8Q9R0S1T2V3W');
  const at = '2026-01-02T21:03:10.000Z';
  const attempted: PartitionRow = {
    assetKey: 'm.a',
    partitionKey: 'date=d:2026-01-02,n=i:-3,venue=s:eA',
    lastAttemptRunId: runId,
    lastAttemptAt: at,
    lastAttemptOutcome: 'succeeded',
  };
  const made: PartitionRow = { ...attempted, lastMaterializationRunId: runId, lastMaterializationAt: at };
  const never = { isStale: true, reason: 'NEVER_MATERIALIZED', causes: [] } as const;

  it('has the values of its key in plain words', () => {
    expect(partitionItem(made, { isStale: false })).toEqual({
      ...made,
      state: 'MATERIALIZED',
      isStale: false,
      partitionValues: { date: '2026-01-02', n: '-3', venue: 'x' },
    });
    expect(partitionItem({ ...made, partitionKey: '' }, { isStale: false })).not.toHaveProperty(
      'partitionValues',
    );
  });

  it.each([
    [attempted, never, 'NEVER_MATERIALIZED'],
    [{ ...attempted, lastAttemptOutcome: 'failed' }, never, 'NEVER_MATERIALIZED'],
    [{ ...made, lastAttemptOutcome: 'failed' }, { isStale: false }, 'MATERIALIZED_BUT_LAST_ATTEMPT_FAILED'],
    [
      { ...made, lastAttemptOutcome: 'timed_out' },
      { ...never, reason: 'CODE_CHANGED' },
      'MATERIALIZED_BUT_LAST_ATTEMPT_FAILED',
    ],
    [{ ...made, lastAttemptOutcome: 'cancelled' }, { isStale: false }, 'MATERIALIZED'],
    [made, { ...never, reason: 'CODE_CHANGED' }, 'STALE'],
    [made, { isStale: false }, 'MATERIALIZED'],
    [made, undefined, 'MATERIALIZED'],
  ] as const)('stands as its row and the judgement say: %o %o', (row, judgement, state) => {
    expect(partitionItem(row, judgement).state).toBe(state);
  });

  it('names at most 20 causes, and since when', () => {
    const causes = Array.from({ length: 21 }, (_, index) => ({
      assetKey: `m.u${index}`,
      partitionKey: '',
      ...(index === 0 ? {} : { materializedAtMs: 5 }),
    }));

    const item = partitionItem(made, { isStale: true, reason: 'UPSTREAM_CHANGED', sinceMs: 5, causes });

    expect(item).toMatchObject({
      isStale: true,
      staleReason: 'UPSTREAM_CHANGED',
      staleSince: '1970-01-01T00:00:00.005Z',
    });
    expect(item.staleCauses).toHaveLength(20);
    expect(item.staleCauses?.slice(0, 2)).toEqual([
      { assetKey: 'm.u0', partitionKey: '' },
      { assetKey: 'm.u1', partitionKey: '', materializedAt: '1970-01-01T00:00:00.005Z' },
    ]);
  });

  it('of an asset that is deployed no more is never stale, and says so', () => {
    expect(partitionItem(attempted, undefined)).toMatchObject({ isStale: false, isAssetRemoved: true });
  });
});
