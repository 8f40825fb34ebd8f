/** The read-model row of a feed: its configuration, state and counts, listed by workspace. */
import type { RecordedEvent } from '#contracts/event.ts';
import type {
  FeedResumed,
  PlannedTick,
  PublicationHalted,
  PublicationRecovered,
  RecordsIngested,
  TicksPlanned,
} from '#contracts/market/feed.ts';
import type { RecordsSpilled } from '#contracts/market/feed-spill.ts';
import type { FeedView } from '#contracts/market/feed-view.ts';
import { feedEvents } from '#contracts/market/feed.ts';
import { feedHealth, lifecycleState } from '#contracts/market/feed-health.ts';
import type { FeedHealth } from '#contracts/market/feed-health.ts';
import { isSkipped } from '#domain/market/cut.ts';
import type { Projection, RowContent, RowKey } from '#domain/kernel/projection.ts';
import { parseFeedStream } from '#domain/market/streams.ts';
import { statusAfter } from '#domain/market/feed/evolve-flow.ts';
import type { FeedRef } from '#domain/market/streams.ts';

/** The key of a feed's row. */
export const feedRow = (stream: string): RowKey => ({ pk: stream, sk: 'feed' });

/** The list of a workspace's feeds, by feed id. */
export const feedList = ({ tenantId, workspaceId }: Pick<FeedRef, 'tenantId' | 'workspaceId'>): string =>
  `feeds#${tenantId}/${workspaceId}`;

/** The health of a feed as its row has it. */
export const healthOf = ({
  state,
  ingestionPaused,
  spilledRecordCount = 0,
  schedulingPaused,
  halts = [],
}: FeedView): FeedHealth =>
  feedHealth(lifecycleState[state], {
    ingestion_paused: ingestionPaused === true || spilledRecordCount > 0 || state === 'degraded',
    scheduling_paused: schedulingPaused === true || halts.some(({ status }) => status === 'halted'),
  });

const created = (event: RecordedEvent): FeedView => ({
  ...parseFeedStream(event.stream),
  state: 'created',
  config: feedEvents.FeedCreated.parse(event.data).config,
  recordCount: 0,
  decodeFailureCount: 0,
  tickCount: 0,
  idleTickCount: 0,
  plannedRunCount: 0,
  lastIngestSeq: 0,
  lastIngestTsMs: null,
  lastTickMs: null,
  lagMs: 0,
  updatedAtMs: event.occurredAtMs,
});

const lag = (view: FeedView): FeedView => {
  const receivedMs = view.lastIngestTsMs ?? 0;
  return { ...view, lagMs: Math.max(0, receivedMs - (view.lastTickMs ?? receivedMs)) };
};

const ingested = (view: FeedView, data: RecordsIngested): FeedView => ({
  ...view,
  recordCount: view.recordCount + data.chunk.count,
  decodeFailureCount: view.decodeFailureCount + data.decodeFailures,
  lastIngestSeq: data.chunk.lastSeq,
  lastIngestTsMs: data.lastIngestTsMs,
});

const withSpilled = ({ spilledRecordCount = 0, ...view }: FeedView, moreCount: number): FeedView => {
  const count = spilledRecordCount + moreCount;
  return count > 0 ? { ...view, spilledRecordCount: count } : view;
};

const ingestedFrom = (view: FeedView, data: RecordsIngested): FeedView =>
  ingested(data.fromSpill ? withSpilled(view, -data.chunk.count) : view, data);

/** Runs that ask the engine; those with an empty cut are only said to be skipped. */
const runCount = ({ runs, cutEnd }: PlannedTick): number =>
  runs.filter((run) => !isSkipped({ ...run, cutEnd })).length;

const ticked = (view: FeedView, data: TicksPlanned): FeedView => ({
  ...view,
  tickCount: view.tickCount + data.ticks.length + data.idleCount,
  idleTickCount: view.idleTickCount + data.idleCount,
  plannedRunCount: view.plannedRunCount + data.ticks.reduce((count, tick) => count + runCount(tick), 0),
  lastTickMs: data.lastTickMs,
});

type HaltView = NonNullable<FeedView['halts']>[number];

const haltsOf = ({ halts = [] }: FeedView): readonly HaltView[] => halts;

const without = (view: FeedView, symbols: readonly string[]): readonly HaltView[] =>
  haltsOf(view).filter(({ symbol }) => !symbols.includes(symbol));

const withHalts = ({ halts: _halts, ...view }: FeedView, halts: readonly HaltView[]): FeedView =>
  halts.length === 0
    ? view
    : { ...view, halts: [...halts].sort((one, other) => (one.symbol < other.symbol ? -1 : 1)) };

const next = (view: FeedView, event: RecordedEvent): FeedView => {
  switch (event.type) {
    case 'FeedConfigured':
      return { ...view, config: feedEvents.FeedConfigured.parse(event.data).config };
    case 'FeedStarted':
    case 'FeedDrained':
    case 'FeedStopped':
    case 'FeedDegraded':
    case 'FeedRecovered':
      return { ...view, state: statusAfter[event.type] };
    case 'IngestionPaused':
      return { ...view, ingestionPaused: true };
    case 'IngestionResumed':
      return { ...view, ingestionPaused: false };
    case 'SchedulingPaused':
      return { ...view, schedulingPaused: true };
    case 'SchedulingResumed':
      return { ...view, schedulingPaused: false };
    case 'RecordsIngested':
      return lag(ingestedFrom(view, event.data as RecordsIngested));
    case 'RecordsSpilled':
      return withSpilled(view, (event.data as RecordsSpilled).count);
    case 'TicksPlanned':
      return lag(ticked(view, event.data as TicksPlanned));
    case 'PublicationHalted': {
      const { symbol, blockedSinceMs, errorDetail } = event.data as PublicationHalted;
      return withHalts(view, [
        ...without(view, [symbol]),
        { symbol, blockedSinceMs, status: 'halted', errorDetail },
      ]);
    }
    case 'FeedResumed': {
      const { symbols } = event.data as FeedResumed;
      const isResumed = ({ symbol }: HaltView): boolean => symbols.some((resumed) => resumed === symbol);
      return withHalts(
        view,
        haltsOf(view).map((halt) => (isResumed(halt) ? { ...halt, status: 'resumed' } : halt)),
      );
    }
    case 'PublicationRecovered':
      return withHalts(view, without(view, [(event.data as PublicationRecovered).symbol]));
    default:
      return view;
  }
};

const content = (view: FeedView): RowContent => ({
  data: { ...view },
  listKey: feedList(view),
  listSort: view.feedId,
});

/** Folds a feed's events into its row. */
export const feedProjection: Projection = {
  kind: 'feed',
  cursor: feedRow,
  details: () => [],
  apply: (row, _key, event) => {
    if (!row) return event.type === 'FeedCreated' ? content(created(event)) : undefined;
    const view = row.data as unknown as FeedView;
    return content({ ...next(view, event), updatedAtMs: event.occurredAtMs });
  },
  operational: ['updatedAtMs'],
};
