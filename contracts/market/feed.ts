/** Events and commands of a feed (stream kind `feed`): its configuration, its buffer and the runs it planned. */
import * as z from 'zod';
import { MarketSymbol } from '#contracts/ids.ts';
import { ChunkRef, CutKind } from '#contracts/market/engine-run.ts';
import { FeedConfig } from '#contracts/market/feed-config.ts';

/** A feed came into being; it takes in nothing before it is started. */
export const FeedCreated = z.strictObject({ config: FeedConfig });

/** The feed takes in records from now on. */
export const FeedStarted = z.strictObject({});

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
  symbols: z.array(z.strictObject({ symbol: MarketSymbol, runNo: z.int().min(1) })).min(1),
  /** The oldest `TicksPlanned` that still has unacknowledged runs, as far as the sweep saw. */
  firstUnacknowledgedSequence: z.int().min(1).optional(),
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

/** A person has let halted deliveries go on; who it was stands beside the event. */
export const FeedResumed = z.strictObject({
  reason: z.string().min(1).max(1_000),
  symbols: z.array(MarketSymbol).min(1),
});
export type FeedResumed = z.infer<typeof FeedResumed>;

/** A resumed delivery has reached its end again. */
export const PublicationRecovered = z.strictObject({ symbol: MarketSymbol, blockedSinceMs: z.int().min(0) });
export type PublicationRecovered = z.infer<typeof PublicationRecovered>;

/** Every event of a feed by its type. */
export const feedEvents = {
  FeedCreated,
  FeedStarted,
  RecordsIngested,
  TicksPlanned,
  RunsAcknowledged,
  PublicationHalted,
  FeedResumed,
  PublicationRecovered,
} as const;

/** Creates a feed, and starts it at once when asked to. */
export const CreateFeed = z.strictObject({
  type: z.literal('CreateFeed'),
  config: FeedConfig,
  start: z.boolean(),
});

/** Starts a feed; a started one stays started. */
export const StartFeed = z.strictObject({ type: z.literal('StartFeed') });

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
  IngestBatch,
  PlanTicks,
  AcknowledgeRuns,
  HaltPublication,
  ResumeFeed,
  ConfirmPublication,
]);
export type FeedCommand = z.infer<typeof FeedCommand>;

/** Body of a message on the `timers` queue that lets a feed with clock `arrival` plan its next tick. */
export const FeedTimerMessage = z.strictObject({
  kind: z.literal('feed-tick'),
  feedStream: z.string().min(3),
  beforeMs: z.int().min(0),
});
export type FeedTimerMessage = z.infer<typeof FeedTimerMessage>;

/** A feed as its read-model row shows it. */
export const FeedView = z.strictObject({
  tenantId: z.string(),
  workspaceId: z.string(),
  feedId: z.string(),
  state: z.enum(['created', 'started']),
  config: FeedConfig,
  recordCount: z.int(),
  decodeFailureCount: z.int(),
  tickCount: z.int(),
  idleTickCount: z.int(),
  plannedRunCount: z.int(),
  lastIngestSeq: z.int(),
  lastIngestTsMs: z.int().nullable(),
  lastTickMs: z.int().nullable(),
  /** Feed time between the last tick and the last record. */
  lagMs: z.int(),
  /** Operational: when the last commit was made. */
  updatedAtMs: z.int(),
  /** Symbols whose outputs are not delivered, and since when; absent when all are. */
  halts: z
    .array(
      z.strictObject({
        symbol: z.string(),
        blockedSinceMs: z.int(),
        /** `halted` waits for a person; `resumed` is on its way again. */
        status: z.enum(['halted', 'resumed']),
        errorDetail: z.string(),
      }),
    )
    .optional(),
});
export type FeedView = z.infer<typeof FeedView>;

/** Answer of `GET /feeds`, by name. */
export const FeedPage = z.strictObject({ feeds: z.array(FeedView), nextCursor: z.string().optional() });
export type FeedPage = z.infer<typeof FeedPage>;

/** Body of `POST /feeds/{feedId}/resume`. */
export const ResumeFeedRequest = z.strictObject({
  /** Why it may go on, for whoever reads the feed's history: 1 to 1,000 characters. */
  reason: z.string().trim().min(1).max(1_000),
});
export type ResumeFeedRequest = z.infer<typeof ResumeFeedRequest>;

/** Body of `POST /feeds/{feedId}/ticks`. */
export const PlanFeedTicksRequest = z.strictObject({
  /** The instant feed time has passed, in milliseconds; a tick at exactly this instant is planned too. */
  passedMs: z.int().min(0),
});
export type PlanFeedTicksRequest = z.infer<typeof PlanFeedTicksRequest>;
