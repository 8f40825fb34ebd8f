import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { staleness } from '#domain/partition/staleness.ts';
import type { StalenessQuestion, UpstreamPartition } from '#domain/partition/staleness.ts';

const MINUTE_MS = 60_000;
const MADE_MS = 1_000_000_000;

const upstream = (name: string, materializedAtMs?: number): UpstreamPartition => ({
  assetKey: `m.${name}`,
  partitionKey: 'date=d:2026-01-02',
  ...(materializedAtMs === undefined ? {} : { materializedAtMs }),
});

const ask = (over: Partial<StalenessQuestion> = {}): ReturnType<typeof staleness> =>
  staleness({
    nowMs: MADE_MS + MINUTE_MS,
    codeVersion: 'git-1',
    maximumLagMinutes: 1_440,
    materialized: { atMs: MADE_MS, codeVersion: 'git-1' },
    upstreams: [],
    ...over,
  });

describe('a partition', () => {
  it('is stale without an instant when it was never materialized, whatever else holds', () => {
    const { materialized: _none, ...question } = {
      nowMs: MADE_MS,
      codeVersion: 'git-2',
      maximumLagMinutes: 1,
      materialized: undefined,
      upstreams: [upstream('a')],
    };

    expect(staleness(question)).toEqual({ isStale: true, reason: 'NEVER_MATERIALIZED', causes: [] });
  });

  it.each([{ codeVersion: 'git-0' }, {}])('is stale since now when other code made it: %o', (made) => {
    const nowMs = MADE_MS + 7;

    expect(ask({ nowMs, materialized: { atMs: MADE_MS, ...made }, upstreams: [upstream('a')] })).toEqual({
      isStale: true,
      reason: 'CODE_CHANGED',
      sinceMs: nowMs,
      causes: [],
    });
  });

  it('names every upstream that was never materialized, before those that changed', () => {
    const upstreams = [upstream('c'), upstream('b', MADE_MS + 1), upstream('a')];

    expect(ask({ upstreams })).toEqual({
      isStale: true,
      reason: 'UPSTREAM_NEVER_MATERIALIZED',
      causes: [upstream('a'), upstream('c')],
    });
  });

  it('is stale since the first upstream that changed after it, and names them all', () => {
    const upstreams = [upstream('c', MADE_MS + 9), upstream('a', MADE_MS), upstream('b', MADE_MS + 2)];

    expect(ask({ upstreams })).toEqual({
      isStale: true,
      reason: 'UPSTREAM_CHANGED',
      sinceMs: MADE_MS + 2,
      causes: [upstream('b', MADE_MS + 2), upstream('c', MADE_MS + 9)],
    });
  });

  it('is fresh beside an upstream of the same instant', () => {
    expect(ask({ upstreams: [upstream('a', MADE_MS)] })).toEqual({ isStale: false });
  });

  it('is fresh to the end of its lag, and stale since then one millisecond later', () => {
    const deadlineMs = MADE_MS + 10 * MINUTE_MS;

    expect(ask({ maximumLagMinutes: 10, nowMs: deadlineMs })).toEqual({ isStale: false });
    expect(ask({ maximumLagMinutes: 10, nowMs: deadlineMs + 1 })).toEqual({
      isStale: true,
      reason: 'FRESHNESS_POLICY',
      sinceMs: deadlineMs,
      causes: [],
    });
  });

  it('is judged alike whatever the order of its upstreams, and grows no fresher by waiting', () => {
    const instants = fc.option(fc.integer({ min: MADE_MS - 5, max: MADE_MS + 5 }), { nil: undefined });
    const upstreams = fc
      .array(instants, { maxLength: 6 })
      .map((all) => all.map((atMs, index) => upstream(`u${index}`, atMs)));
    const shuffled = upstreams.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    const waits = fc.tuple(
      fc.integer({ min: 0, max: 3 * MINUTE_MS }),
      fc.integer({ min: 0, max: 3 * MINUTE_MS }),
    );
    fc.assert(
      fc.property(shuffled, waits, ([given, other], [first, more]) => {
        const nowMs = MADE_MS + first;
        const at = (nowMs: number, upstreams: readonly UpstreamPartition[]) =>
          ask({ nowMs, upstreams, maximumLagMinutes: 2 });

        expect(at(nowMs, other)).toEqual(at(nowMs, given));
        if (at(nowMs, given).isStale) expect(at(nowMs + more, given)).toEqual(at(nowMs, given));
      }),
    );
  });
});
