/** Feeds as readers see them, and what people send to change them. */
import * as z from 'zod';
import { FeedConfig } from '#contracts/market/feed-config.ts';
import { FeedStatus } from '#contracts/market/feed-health.ts';

/** A feed as its read-model row shows it. */
export const FeedView = z.strictObject({
  tenantId: z.string(),
  workspaceId: z.string(),
  feedId: z.string(),
  state: FeedStatus,
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
  /** Records wait in their stream because the buffer has no room; absent on rows from before there was a bound. */
  ingestionPaused: z.boolean().optional(),
  /** Records that wait in the object store because the buffer has no room; absent when none does. */
  spilledRecordCount: z.int().optional(),
  /** Planned runs are held back because the engine's queue has no room. */
  schedulingPaused: z.boolean().optional(),
  /** What is valid in the configuration and may not be meant. */
  warnings: z.array(z.string()).optional(),
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
