/**
 * Read-model rows of a symbol's runs: one per run, listed by feed, one for the symbol itself, and one for what the
 * later layers make of it.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { FeedLayersRow } from '#contracts/market/feed-layers.ts';
import type { FeedSymbolView } from '#contracts/market/feed-symbol.ts';
import type { Projection, RowContent, RowKey } from '#domain/kernel/projection.ts';
import { configuredLayers, terminalRun } from '#domain/market/feed-symbol/feed-symbol.ts';
import { engineRunView } from '#domain/market/feed-symbol/run-facts.ts';
import type { ExecutedRun } from '#domain/market/feed-symbol/run-facts.ts';
import { layerRemarks } from '#domain/market/layers/remarks.ts';
import { configureLayers, foldRun, initialLayers } from '#domain/market/layers/symbol-layers.ts';
import { parseFeedSymbolStream } from '#domain/market/streams.ts';
import type { FeedRef } from '#domain/market/streams.ts';

const path = ({ tenantId, workspaceId, feedId }: FeedRef): string => `${tenantId}/${workspaceId}/${feedId}`;

/** The key of a run's row; the id names one run of the feed. */
export const engineRunRow = (feed: FeedRef, runId: string): RowKey => ({
  pk: `engine-run#${path(feed)}`,
  sk: runId,
});

/** The partition of the rows of a feed's later layers, one per symbol under its name. */
export const feedLayersPartition = (feed: FeedRef): string => `feed-layers#${path(feed)}`;

/** The list of a feed's runs, by engine timestamp, then symbol. */
export const engineRunList = (feed: FeedRef): string => `engine-runs#${path(feed)}`;

/** The list of a feed's symbols, by name. */
export const feedSymbolList = (feed: FeedRef): string => `feed-symbols#${path(feed)}`;

const digits = (value: number): string => String(value).padStart(16, '0');

const runContent = (run: ExecutedRun, event: RecordedEvent): RowContent => ({
  data: { ...engineRunView(run, event.occurredAtMs) },
  listKey: engineRunList(parseFeedSymbolStream(event.stream)),
  listSort: `${digits(run.data.engineTimestampMs)}#${run.symbol}#${digits(run.data.runNo)}`,
});

const symbolContent = (row: RowContent | undefined, run: ExecutedRun, event: RecordedEvent): RowContent => {
  const ref = parseFeedSymbolStream(event.stream);
  const before = row?.data as unknown as FeedSymbolView | undefined;
  const isFailed = run.type === 'EngineRunFailed';
  const view: FeedSymbolView = {
    ...ref,
    runNo: run.data.runNo,
    completedCount: (before?.completedCount ?? 0) + (isFailed ? 0 : 1),
    failedCount: (before?.failedCount ?? 0) + (isFailed ? 1 : 0),
    lastEngineTimestampMs: run.data.engineTimestampMs,
    regimeOutput: isFailed ? (before?.regimeOutput ?? null) : run.data.regimeOutput,
  };
  return { data: { ...view }, listKey: feedSymbolList(ref), listSort: ref.symbol };
};

/** The run of an event, if the engine was asked: what was skipped leaves no row. */
const executedRun = (event: RecordedEvent): ExecutedRun | undefined => {
  const run = terminalRun(event);
  return run?.type === 'EngineRunSkipped' ? undefined : run;
};

const layersContent = (row: RowContent | undefined, event: RecordedEvent): RowContent | undefined => {
  const { symbol } = parseFeedSymbolStream(event.stream);
  const before = (row?.data as unknown as FeedLayersRow | undefined) ?? initialLayers(symbol);
  const configured = configuredLayers(event);
  if (configured) return { data: { ...configureLayers(before, configured) } };
  const run = terminalRun(event);
  if (!run) return row;
  const folded = foldRun(before, run);
  return { data: { ...folded.layers }, remarks: layerRemarks(before, folded) };
};

const isOfLayers = ({ pk }: RowKey): boolean => pk.startsWith('feed-layers#');

/** Folds a symbol's runs into rows; the symbol's own row is the cursor. */
export const feedSymbolProjection: Projection = {
  kind: 'feed-symbol',
  rowKinds: ['feed-symbol', 'engine-run', 'feed-layers'],
  cursor: (stream) => ({ pk: stream, sk: 'feed-symbol' }),
  details: (event) => {
    const ref = parseFeedSymbolStream(event.stream);
    const run = executedRun(event);
    return [
      ...(run ? [engineRunRow(ref, run.data.runId)] : []),
      ...((configuredLayers(event) ?? terminalRun(event))
        ? [{ pk: feedLayersPartition(ref), sk: ref.symbol }]
        : []),
    ];
  },
  apply: (row, key, event) => {
    if (isOfLayers(key)) return layersContent(row, event);
    const run = executedRun(event);
    if (!run) return row;
    return key.sk === 'feed-symbol' ? symbolContent(row, run, event) : runContent(run, event);
  },
  operational: ['completed_ts_ms'],
};
