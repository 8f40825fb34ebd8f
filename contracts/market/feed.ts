/** Events and commands of a feed (stream kind `feed`): its configuration, its buffer and the runs it planned. */
import * as z from 'zod';
import { MarketSymbol } from '#contracts/ids.ts';
import { ChunkRef, CutKind } from '#contracts/market/engine-run.ts';
import { FeedConfig } from '#contracts/market/feed-config.ts';
import { FailureDomain } from '#contracts/market/feed-health.ts';
import { RecordsSpilled, SpillPlace, SpillRecords } from '#contracts/market/feed-spill.ts';
import { ChunksDeleted, ChunksPruned, ConfirmDeletion, PruneChunks } from '#contracts/market/feed-pruning.ts';
import {
  EndRecovery,
  RecoveryEnded,
  RecoveryReminded,
  RecoveryRestarted,
  RemindRecovery,
  RestartRecovery,
} from '#contracts/market/feed-recovery.ts';

/** A feed came into being; it takes in nothing before it is started. */
export const FeedCreated = z.strictObject({ config: FeedConfig });

/** The feed has another configuration from now on; its schedule goes on behind its last tick. */
export const FeedConfigured = z.strictObject({ config: FeedConfig });

/** The feed takes in records from now on; a drained one goes on where its schedule stood. */
export const FeedStarted = z.strictObject({});

/** The feed plans nothing more; what was planned is run. It may be started again. */
export const FeedDrained = z.strictObject({});

/** The feed has ended; what was planned is run, and nothing starts it again. */
export const FeedStopped = z.strictObject({});

/** A failure outlasted its retries; records wait in their stream until the feed recovers. */
export const FeedDegraded = z.strictObject({
  failureDomain: FailureDomain,
  errorKind: z.string().min(1).max(128),
  errorDetail: z.string().max(200),
});
export type FeedDegraded = z.infer<typeof FeedDegraded>;

/** What had failed works again, or a person wants it tried. */
export const FeedRecovered = z.strictObject({});

/** The buffer is full or too old: records wait in their stream until there is room. */
export const IngestionPaused = z.strictObject({
  reason: z.enum(['capacity', 'age']),
  /** Records, or milliseconds. */
  observed: z.int().min(0),
  limit: z.int().min(0),
});
export type IngestionPaused = z.infer<typeof IngestionPaused>;

/** There is room in the buffer again. */
export const IngestionResumed = z.strictObject({});

/** The queue of engine runs is too long or too slow: what is planned from now on is held back. */
export const SchedulingPaused = z.strictObject({
  reason: z.enum(['queue_depth', 'queue_age']),
  /** Messages, or milliseconds. */
  observed: z.int().min(0),
  limit: z.int().min(0),
});
export type SchedulingPaused = z.infer<typeof SchedulingPaused>;

/** The queue has room again; what was held back goes out in order. */
export const SchedulingResumed = z.strictObject({});

/** Runs that had been held back were sent, up to and with this event of the feed. */
export const HeldRunsDispatched = z.strictObject({ throughSequence: z.int().min(1) });
export type HeldRunsDispatched = z.infer<typeof HeldRunsDispatched>;

/** The records of one symbol inside an ingested chunk. */
export const IngestedSymbol = z.strictObject({
  symbol: z.string(),
  firstSeq: z.int().min(1),
  lastSeq: z.int().min(1),
  count: z.int().min(1),
});
export type IngestedSymbol = z.infer<typeof IngestedSymbol>;

/** Records got their places in the buffer; their content is the chunk. */
export const RecordsIngested = z.strictObject({
  chunk: ChunkRef,
  /** Where the batch came from; a redelivery at or below this position appends nothing. */
  shardId: z.string().min(1),
  lastSequenceNumber: z.string().regex(/^\d+$/),
  lastIngestTsMs: z.int().min(0),
  /** Feed time at which the schedule began; only with the first record that has a time. */
  scheduleStartMs: z.int().min(0).optional(),
  decodeFailures: z.int().min(0),
  symbols: z.array(IngestedSymbol).min(1),
  /** Present when they had been spilled; their shard's position stands where that left it. */
  fromSpill: SpillPlace.optional(),
});
export type RecordsIngested = z.infer<typeof RecordsIngested>;

/** A tick with at least one run. All its cuts end at `cutEnd`. */
export const PlannedTick = z.strictObject({
  plannedTsMs: z.int(),
  engineTimestampMs: z.int(),
  cutKind: CutKind,
  cutEnd: z.int().min(1),
  runs: z
    .array(z.strictObject({ symbol: MarketSymbol, runNo: z.int().min(1), cutStart: z.int().min(1) }))
    .min(1),
});
export type PlannedTick = z.infer<typeof PlannedTick>;

/** Which chunks hold the records of some cuts. */
export const CutChunks = z.strictObject({
  /** False when there were too many to list: the feed's ledger has them from `fromSequence` on. */
  isComplete: z.boolean(),
  fromSequence: z.int().min(1),
  refs: z.array(ChunkRef),
});
export type CutChunks = z.infer<typeof CutChunks>;

/**
 * Ticks passed. Those with runs are listed; every other tick of the schedule up to `lastTickMs` found nothing
 * new and is only counted. This is the authority for replay: schedules are never derived again.
 */
export const TicksPlanned = z.strictObject({
  ticks: z.array(PlannedTick),
  idleCount: z.int().min(0),
  lastTickMs: z.int(),
  chunks: CutChunks,
});
export type TicksPlanned = z.infer<typeof TicksPlanned>;

/** Runs up to these numbers are terminal. */
export const RunsAcknowledged = z.strictObject({
  symbols: z.array(z.strictObject({ symbol: MarketSymbol, runNo: z.int().min(1) })),
  /** The oldest `TicksPlanned` that still has unacknowledged runs, as far as the sweep saw. */
  firstUnacknowledgedSequence: z.int().min(1).optional(),
  /** Every run whose cut ends here or earlier is terminal, and the tick that cut here; absent when the sweep saw none. */
  consumed: z.strictObject({ seq: z.int().min(1), tsMs: z.int() }).optional(),
});
export type RunsAcknowledged = z.infer<typeof RunsAcknowledged>;

/** Outputs of a symbol could not be delivered for so long that they wait for a person; nothing is lost meanwhile. */
export const PublicationHalted = z.strictObject({
  symbol: MarketSymbol,
  /** Since when the delivery is blocked; it tells one halt of a symbol from the next. */
  blockedSinceMs: z.int().min(0),
  attempts: z.int().min(1),
  errorDetail: z.string().max(200),
});
export type PublicationHalted = z.infer<typeof PublicationHalted>;

/** A person has let halted deliveries go on, or a degraded feed try again; who it was stands beside the event. */
export const FeedResumed = z.strictObject({
  reason: z.string().min(1).max(1_000),
  symbols: z.array(MarketSymbol),
});
export type FeedResumed = z.infer<typeof FeedResumed>;

/** A resumed delivery has reached its end again. */
export const PublicationRecovered = z.strictObject({ symbol: MarketSymbol, blockedSinceMs: z.int().min(0) });
export type PublicationRecovered = z.infer<typeof PublicationRecovered>;

/** Every event of a feed by its type. */
export const feedEvents = {
  FeedCreated,
  FeedConfigured,
  FeedStarted,
  FeedDrained,
  FeedStopped,
  FeedDegraded,
  FeedRecovered,
  IngestionPaused,
  IngestionResumed,
  SchedulingPaused,
  SchedulingResumed,
  HeldRunsDispatched,
  RecordsIngested,
  RecordsSpilled,
  TicksPlanned,
  RunsAcknowledged,
  PublicationHalted,
  FeedResumed,
  PublicationRecovered,
  RecoveryReminded,
  RecoveryRestarted,
  RecoveryEnded,
  ChunksPruned,
  ChunksDeleted,
} as const;

/**
 * Creates a feed, and starts it at once when asked to. One that was created or drained, and whose runs are all known to
 * be terminal, gets the configuration in the stead of its own.
 */
export const CreateFeed = z.strictObject({
  type: z.literal('CreateFeed'),
  config: FeedConfig,
  start: z.boolean(),
});

/** Starts a feed that was created or drained. */
export const StartFeed = z.strictObject({ type: z.literal('StartFeed') });

/** Stops the planning of a started feed. */
export const DrainFeed = z.strictObject({ type: z.literal('DrainFeed') });

/** Ends a feed in any state; a stopped one stays stopped. */
export const StopFeed = z.strictObject({ type: z.literal('StopFeed') });

/** Says that a failure outlasted its retries; a stopped feed is left alone. */
export const DegradeFeed = FeedDegraded.extend({ type: z.literal('DegradeFeed') });

/** Says that a batch came again which the feed holds already: a buffer that was thought to refuse it has kept it. */
export const ConfirmBatch = z.strictObject({
  type: z.literal('ConfirmBatch'),
  shardId: z.string(),
  lastSequenceNumber: z.string(),
});

/** Says that the buffer has no room; it changes nothing when that is known. */
export const PauseIngestion = IngestionPaused.extend({ type: z.literal('PauseIngestion') });

/** Says that the queue of engine runs is too long or too slow. */
export const PauseScheduling = SchedulingPaused.extend({ type: z.literal('PauseScheduling') });

/** Says that the queue of engine runs has room again. */
export const ResumeScheduling = z.strictObject({ type: z.literal('ResumeScheduling') });

/** Says that held runs were sent. */
export const RecordDispatch = HeldRunsDispatched.extend({ type: z.literal('RecordDispatch') });

/** Appends a planned batch whose chunk is stored; refused when the feed moved since it was planned. */
export const IngestBatch = z.strictObject({
  type: z.literal('IngestBatch'),
  /** The `planVersion` of the state the batch was planned on. */
  basedOnVersion: z.int().min(0),
  ingested: RecordsIngested,
  ticks: z.array(PlannedTick),
  idleCount: z.int().min(0),
  /** Present exactly when ticks passed. */
  lastTickMs: z.int().optional(),
});

/** Plans every tick strictly before an instant of the feed's clock; does nothing on a feed with another clock. */
export const PlanTicks = z.strictObject({
  type: z.literal('PlanTicks'),
  clock: z.enum(['record', 'arrival']),
  beforeMs: z.int().min(0),
});

/** Tells a feed which of its runs are terminal. */
export const AcknowledgeRuns = RunsAcknowledged.extend({ type: z.literal('AcknowledgeRuns') });

/** Tells a feed that outputs of a symbol wait for a person; told again, it changes nothing. */
export const HaltPublication = PublicationHalted.extend({ type: z.literal('HaltPublication') });

/** Lets every halted delivery of the feed go on; refused when none is halted, so that one of several wins. */
export const ResumeFeed = z.strictObject({
  type: z.literal('ResumeFeed'),
  reason: z.string().min(1).max(1_000),
});

/** Tells a feed that a resumed delivery has reached its end. */
export const ConfirmPublication = PublicationRecovered.extend({ type: z.literal('ConfirmPublication') });

/** Everything that can be asked of a feed. */
export const FeedCommand = z.discriminatedUnion('type', [
  CreateFeed,
  StartFeed,
  DrainFeed,
  StopFeed,
  DegradeFeed,
  ConfirmBatch,
  PauseIngestion,
  PauseScheduling,
  ResumeScheduling,
  RecordDispatch,
  IngestBatch,
  SpillRecords,
  PlanTicks,
  AcknowledgeRuns,
  HaltPublication,
  ResumeFeed,
  ConfirmPublication,
  RemindRecovery,
  RestartRecovery,
  EndRecovery,
  PruneChunks,
  ConfirmDeletion,
]);
export type FeedCommand = z.infer<typeof FeedCommand>;
