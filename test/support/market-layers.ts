/** Runs of one symbol as the later layers hear them, and the rows that come of them. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { FinishedRun } from '#contracts/market/feed-symbol.ts';
import { FeedLayersRow } from '#contracts/market/feed-layers.ts';
import type { Regime } from '#contracts/market/regime.ts';
import type { Remark, RowContent } from '#domain/kernel/projection.ts';
import { feedLayersPartition, feedSymbolProjection } from '#domain/market/feed-symbol/projection.ts';
import { layersOf } from '#domain/market/layers/config.ts';
import { demoConfig, symbolHarness } from '#test/support/market-harness.ts';
import type { SymbolHarness } from '#test/support/market-harness.ts';

const MINUTE_MS = 60_000;

const layersKey = {
  pk: feedLayersPartition({ tenantId: 'acme', workspaceId: 'prod', feedId: 'demo' }),
  sk: 'AAA',
};

/** A run at minute `runNo` that said a regime, or whatever else it ended with. */
export const runAt = (
  runNo: number,
  said: { readonly regime?: Regime; readonly invalidations?: readonly string[] } = {},
  over: Partial<FinishedRun> = {},
): FinishedRun => ({
  runNo,
  plannedTsMs: runNo * MINUTE_MS,
  engineTimestampMs: runNo * MINUTE_MS,
  cutKind: 'boundary',
  cutStart: runNo * 10,
  cutEnd: runNo * 10 + 9,
  engineMode: 'truth',
  attempts: 1,
  outcome: {
    kind: 'completed',
    regimeOutput: {
      symbol: 'AAA',
      timestamp: runNo * MINUTE_MS,
      regime: said.regime ?? 'SQUEEZE_UP',
      confidence: 0.75,
      drivers: ['driver'],
      invalidations: [...(said.invalidations ?? [])],
      permissions: [],
    },
  },
  ...over,
});

/** An outcome without an answer. */
export const failed: FinishedRun['outcome'] = {
  kind: 'failed',
  errorKind: 'engine_failure',
  errorDetail: 'boom',
};

/** One symbol of the harness's feed under a configuration of the layers; `send` records runs with it. */
export const layeredSymbol = (config: Readonly<Record<string, unknown>> = {}) => {
  const harness: SymbolHarness = symbolHarness('AAA');
  const layers = layersOf(demoConfig(config), 'AAA');
  return {
    harness,
    events: harness.events,
    send: (...runs: readonly FinishedRun[]) => harness.send({ type: 'RecordRuns', runs: [...runs], layers }),
  };
};

/** What a compactor would tell of each of some events. */
export const layersRemarks = (events: readonly RecordedEvent[]): readonly (readonly Remark[])[] => {
  let row: RowContent | undefined;
  return events.map((event) => {
    row = feedSymbolProjection.apply(row, layersKey, event);
    return row?.remarks ?? [];
  });
};

/** The row of the layers over some events, as a compactor folds it: read back from its JSON each time. */
export const layersRow = (events: readonly RecordedEvent[]): FeedLayersRow => {
  const row = events.reduce<RowContent | undefined>((known, event) => {
    const next = feedSymbolProjection.apply(known, layersKey, event);
    return next && (JSON.parse(JSON.stringify(next)) as RowContent);
  }, undefined);
  return FeedLayersRow.parse(row?.data);
};
