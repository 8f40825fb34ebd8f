/**
 * The decision state of a feed and its fold. It holds what planning needs and no more: where the buffer and the
 * schedule stand, how far each symbol was cut, and the ticks of the last commit, whose messages may still be owed.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { ChunkRef } from '#contracts/market/engine-run.ts';
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import type { FeedStatus } from '#contracts/market/feed-health.ts';
import { feedEvents } from '#contracts/market/feed.ts';
import type {
  IngestionPaused,
  RecordsIngested,
  RunsAcknowledged,
  SchedulingPaused,
  TicksPlanned,
} from '#contracts/market/feed.ts';
import type { RecordsSpilled } from '#contracts/market/feed-spill.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { emptyBuffer, isSchedulingPaused, pruneBuffer } from '#domain/market/feed/flow-control.ts';
import type { BufferState, ConsumedMark, HeldRuns, Pause } from '#domain/market/feed/flow-control.ts';
import { flowAfter, haltsAfter, statusAfter } from '#domain/market/feed/evolve-flow.ts';
import type { Halts } from '#domain/market/feed/halts.ts';
import { goneAfter, nothingGone } from '#domain/market/feed/pruning.ts';
import type { GoneChunks } from '#domain/market/feed/pruning.ts';
import { recoveryAfter, withRecovery } from '#domain/market/feed/recovery.ts';
import type { Recovery } from '#domain/market/feed/recovery.ts';
import { isSimulatedAlike, listedSymbols } from '#domain/market/feed/simulated-config.ts';
import { spillLess, spillMore } from '#domain/market/feed/spill.ts';
import type { Spill } from '#domain/market/feed/spill.ts';
import type { ScheduleState } from '#domain/market/scheduler.ts';

/** A symbol of the buffer: its first record, the last run planned, and the last run known to be terminal. */
export interface FeedSymbol {
  readonly firstSeq: number;
  readonly runNo: number;
  readonly acknowledged: number;
}

/** A chunk that the next cut may still read, with the sequence of the event that added it. */
export interface OpenChunk extends ChunkRef {
  readonly sequence: number;
}

/** A feed that exists. */
export interface ExistingFeed {
  readonly status: FeedStatus;
  readonly stream: string;
  readonly config: FeedConfig;
  /** The event that set the configuration. */
  readonly configSequence: number;
  /** The event since which a simulation has had one configuration. */
  readonly simulatedSequence: number;
  readonly version: number;
  /** Sequence of the last event that a plan depends on; acknowledgements do not move it. */
  readonly planVersion: number;
  readonly lastSeq: number;
  readonly lastIngestTsMs: number;
  readonly schedule?: ScheduleState;
  /** End of the last cut. */
  readonly lastCutEnd: number;
  readonly symbols: ReadonlyMap<string, FeedSymbol>;
  /** Last sequence number taken in, by shard, the most recently used last. */
  readonly shards: ReadonlyMap<string, string>;
  readonly openChunks: readonly OpenChunk[];
  /** First event with records after the last cut; set when `openChunks` no longer lists all of them. */
  readonly openChunksFrom?: number;
  /** What the last commit planned. */
  readonly planned?: TicksPlanned;
  /** The schedule moved with the last commit, so a timer for its next tick is owed. */
  readonly isTimerOwed: boolean;
  /** The oldest `TicksPlanned` with unacknowledged runs and since when somebody waits for them. */
  readonly unacknowledged?: { readonly sequence: number; readonly sinceMs: number };
  /** Symbols whose outputs were blocked for too long. */
  readonly halts: Halts;
  /** How the wait for a person stands; absent when nobody is needed. */
  readonly recovery?: Recovery;
  /** How much of the buffer still counts. */
  readonly buffer: BufferState;
  /** How much of it was deleted. */
  readonly gone: GoneChunks;
  /** Records that wait in the object store. */
  readonly spill?: Spill;
  /** Records wait in their stream because the buffer has no room. */
  readonly ingestionPaused?: Pause<IngestionPaused['reason']>;
  /** Planned runs are held back because the engine's queue has no room. */
  readonly schedulingPaused?: Pause<SchedulingPaused['reason']>;
  /** Runs that were planned and not sent yet. */
  readonly held?: HeldRuns;
}

export type Feed = { readonly status: 'none' } | ExistingFeed;

/** How many chunks a cut lists itself; beyond that its readers go to the ledger. */
export const OPEN_CHUNKS_MAX = 64;
/** How many shards a feed remembers; more than are ever open at once. */
export const SHARDS_MAX = 100;

const created = (event: RecordedEvent): ExistingFeed => ({
  status: 'created',
  stream: event.stream,
  config: feedEvents.FeedCreated.parse(event.data).config,
  configSequence: event.sequence,
  simulatedSequence: event.sequence,
  version: event.sequence,
  planVersion: event.sequence,
  lastSeq: 0,
  lastIngestTsMs: 0,
  lastCutEnd: 0,
  symbols: new Map(),
  shards: new Map(),
  openChunks: [],
  isTimerOwed: false,
  halts: new Map(),
  buffer: emptyBuffer,
  gone: nothingGone,
});

/**
 * The schedule goes on where its scheduler stays the same. Another one starts anew behind the last tick, and behind the
 * new delay, so that no engine timestamp is before one that was planned already.
 */
const configured = (feed: ExistingFeed, config: FeedConfig): ExistingFeed => {
  const { schedule, ...rest } = {
    ...feed,
    configSequence: feed.version,
    simulatedSequence: isSimulatedAlike(config, feed.config) ? feed.simulatedSequence : feed.version,
  };
  const isSame = canonicalJson(config.scheduler) === canonicalJson(feed.config.scheduler);
  if (isSame || schedule?.lastTickMs === undefined)
    return { ...rest, config, ...(schedule ? { schedule } : {}) };
  const delayMs = config.scheduler.mode === 'boundary' ? config.scheduler.boundary_delay_ms : 0;
  return { ...rest, config, schedule: { startMs: schedule.lastTickMs + 1 + delayMs } };
};

const moveShard = (
  feed: ExistingFeed,
  data: Pick<RecordsIngested, 'shardId' | 'lastSequenceNumber' | 'fromSpill'>,
): ReadonlyMap<string, string> => {
  if (data.fromSpill) return feed.shards;
  const shards = new Map(feed.shards);
  shards.delete(data.shardId);
  shards.set(data.shardId, data.lastSequenceNumber);
  return new Map([...shards].slice(-SHARDS_MAX));
};

const addSymbols = (feed: ExistingFeed, data: RecordsIngested): ReadonlyMap<string, FeedSymbol> => {
  const listed = listedSymbols(feed.config);
  const fresh = data.symbols.filter(({ symbol }) => listed.has(symbol) && !feed.symbols.has(symbol));
  if (fresh.length === 0) return feed.symbols;
  const symbols = new Map(feed.symbols);
  for (const { symbol, firstSeq } of fresh) symbols.set(symbol, { firstSeq, runNo: 0, acknowledged: 0 });
  return symbols;
};

const addChunk = (
  feed: ExistingFeed,
  chunk: OpenChunk,
): Pick<ExistingFeed, 'openChunks' | 'openChunksFrom'> => {
  const openChunks = [...feed.openChunks, chunk];
  const from = feed.openChunksFrom ?? (feed.openChunks[0] ?? chunk).sequence;
  return openChunks.length > OPEN_CHUNKS_MAX || feed.openChunksFrom !== undefined
    ? { openChunks: [chunk], openChunksFrom: from }
    : { openChunks };
};

const ingested = (feed: ExistingFeed, event: RecordedEvent, data: RecordsIngested): ExistingFeed => {
  const { planned: _planned, spill, ...rest } = feed;
  const left = spillLess(spill, data, event.occurredAtMs);
  return {
    ...rest,
    ...(left ? { spill: left } : {}),
    ...addChunk(feed, { ...data.chunk, sequence: event.sequence }),
    // Time has passed: more of what was consumed may lie outside the replay window.
    buffer: prunedAfter(feed, undefined, data.lastIngestTsMs),
    lastSeq: data.chunk.lastSeq,
    lastIngestTsMs: data.lastIngestTsMs,
    symbols: addSymbols(feed, data),
    shards: moveShard(feed, data),
    isTimerOwed: data.scheduleStartMs !== undefined,
    ...(data.scheduleStartMs === undefined ? {} : { schedule: { startMs: data.scheduleStartMs } }),
  };
};

const spilled = (feed: ExistingFeed, event: RecordedEvent, data: RecordsSpilled): ExistingFeed => ({
  ...feed,
  shards: moveShard(feed, data),
  spill: spillMore(feed.spill, data, event),
});

const planRuns = (feed: ExistingFeed, data: TicksPlanned): ReadonlyMap<string, FeedSymbol> => {
  const symbols = new Map(feed.symbols);
  for (const { symbol, runNo } of data.ticks.flatMap((tick) => tick.runs)) {
    const known = symbols.get(symbol);
    if (known) symbols.set(symbol, { ...known, runNo });
  }
  return symbols;
};

const ticked = (feed: ExistingFeed, event: RecordedEvent, data: TicksPlanned): ExistingFeed => {
  const schedule = { startMs: data.lastTickMs, ...feed.schedule, lastTickMs: data.lastTickMs };
  const last = data.ticks.at(-1);
  if (!last) return { ...feed, schedule, isTimerOwed: true };
  const { openChunksFrom: _from, planned: _planned, ...rest } = feed;
  return {
    ...rest,
    schedule,
    lastCutEnd: last.cutEnd,
    symbols: planRuns(feed, data),
    openChunks: feed.openChunks.filter((chunk) => chunk.lastSeq > last.cutEnd),
    ...sentOrHeld(feed, event, data),
    isTimerOwed: true,
    unacknowledged: feed.unacknowledged ?? { sequence: event.sequence, sinceMs: event.occurredAtMs },
  };
};

/** Runs go out with their commit, unless earlier ones are still held back: their order is the order of the plan. */
const sentOrHeld = (
  feed: ExistingFeed,
  { sequence, occurredAtMs }: RecordedEvent,
  planned: TicksPlanned,
): Pick<ExistingFeed, 'planned' | 'held'> =>
  feed.held || isSchedulingPaused(feed)
    ? { held: { fromSequence: sequence, sinceMs: occurredAtMs, ...feed.held, lastSequence: sequence } }
    : { planned };

const prunedAfter = (
  { buffer, config }: ExistingFeed,
  mark: ConsumedMark | undefined,
  lastIngestTsMs: number,
): BufferState =>
  pruneBuffer(buffer, mark, { lastIngestTsMs, replayWindowMs: config.buffer_retention.replay_window_ms });

const acknowledged = (feed: ExistingFeed, event: RecordedEvent, data: RunsAcknowledged): ExistingFeed => {
  const symbols = new Map(feed.symbols);
  for (const { symbol, runNo } of data.symbols) {
    const known = symbols.get(symbol);
    if (known) symbols.set(symbol, { ...known, acknowledged: Math.max(known.acknowledged, runNo) });
  }
  const { unacknowledged, ...rest } = feed;
  const isAll = [...symbols.values()].every((symbol) => symbol.acknowledged >= symbol.runNo);
  const mark = isAll ? { seq: feed.lastCutEnd, tsMs: feed.schedule?.lastTickMs ?? 0 } : data.consumed;
  const buffer = prunedAfter(feed, mark, feed.lastIngestTsMs);
  if (isAll || !unacknowledged) return { ...rest, symbols, buffer };
  const sequence = Math.max(unacknowledged.sequence, data.firstUnacknowledgedSequence ?? 0);
  return { ...rest, symbols, buffer, unacknowledged: { sequence, sinceMs: event.occurredAtMs } };
};

const evolveExisting = (feed: ExistingFeed, event: RecordedEvent): ExistingFeed => {
  const moved = { ...feed, version: event.sequence, planVersion: event.sequence };
  switch (event.type) {
    case 'FeedConfigured':
      return configured(moved, feedEvents.FeedConfigured.parse(event.data).config);
    case 'FeedStarted':
    case 'FeedDrained':
    case 'FeedStopped':
    case 'FeedDegraded':
    case 'FeedRecovered':
      return withRecovery({ ...moved, status: statusAfter[event.type] }, event);
    case 'IngestionPaused':
    case 'IngestionResumed':
    case 'SchedulingPaused':
    case 'SchedulingResumed':
    case 'HeldRunsDispatched':
      return flowAfter({ ...feed, version: event.sequence }, event.type, event);
    case 'RecordsIngested':
      return ingested(moved, event, event.data as RecordsIngested);
    case 'RecordsSpilled':
      return spilled(moved, event, event.data as RecordsSpilled);
    case 'TicksPlanned':
      return ticked(moved, event, event.data as TicksPlanned);
    case 'RunsAcknowledged':
      return acknowledged({ ...feed, version: event.sequence }, event, event.data as RunsAcknowledged);
    case 'PublicationHalted':
    case 'FeedResumed':
    case 'PublicationRecovered':
      return withRecovery(
        { ...feed, version: event.sequence, halts: haltsAfter(feed.halts, event.type, event) },
        event,
      );
    case 'RecoveryReminded':
    case 'RecoveryRestarted':
    case 'RecoveryEnded':
      return recoveryAfter({ ...feed, version: event.sequence }, event.type, event);
    case 'ChunksPruned':
    case 'ChunksDeleted':
      return { ...feed, version: event.sequence, gone: goneAfter(feed.gone, event.type, event) };
    default:
      return feed;
  }
};

/** Folds one event of a feed; types it does not know change nothing. */
export const evolveFeed = (feed: Feed, event: RecordedEvent): Feed => {
  if (feed.status !== 'none') return evolveExisting(feed, event);
  return event.type === 'FeedCreated' ? created(event) : feed;
};
