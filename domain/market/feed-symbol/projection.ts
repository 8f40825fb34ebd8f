/** Read-model rows of a symbol's runs: one per run, listed by feed, and one for the symbol itself. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { FeedSymbolView } from '#contracts/market/feed-symbol.ts';
import type { Projection, RowContent, RowKey } from '#domain/kernel/projection.ts';
import { terminalRun } from '#domain/market/feed-symbol/feed-symbol.ts';
import { engineRunView } from '#domain/market/feed-symbol/run-facts.ts';
import type { ExecutedRun } from '#domain/market/feed-symbol/run-facts.ts';
import { parseFeedSymbolStream } from '#domain/market/streams.ts';
import type { FeedRef } from '#domain/market/streams.ts';

const path = ({ tenantId, workspaceId, feedId }: FeedRef): string => `${tenantId}/${workspaceId}/${feedId}`;

/** The key of a run's row; the id names one run of the feed. */
export const engineRunRow = (feed: FeedRef, runId: string): RowKey => ({
  pk: `engine-run#${path(feed)}`,
  sk: runId,
});

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

/** Folds a symbol's runs into rows; the symbol's own row is the cursor. */
export const feedSymbolProjection: Projection = {
  kind: 'feed-symbol',
  rowKinds: ['feed-symbol', 'engine-run'],
  cursor: (stream) => ({ pk: stream, sk: 'feed-symbol' }),
  details: (event) => {
    const run = executedRun(event);
    return run ? [engineRunRow(parseFeedSymbolStream(event.stream), run.data.runId)] : [];
  },
  apply: (row, key, event) => {
    const run = executedRun(event);
    if (!run) return row;
    return key.sk === 'feed-symbol' ? symbolContent(row, run, event) : runContent(run, event);
  },
  operational: ['completed_ts_ms'],
};
