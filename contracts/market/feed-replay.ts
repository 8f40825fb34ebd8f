/** What a feed said, told from the ledger or computed again, and its buffer: page by page, and as one file. */
import * as z from 'zod';
import { RawInputBufferRecord } from '#contracts/market/buffer-record.ts';
import { EngineRunId } from '#contracts/ids.ts';
import { EngineMode } from '#contracts/market/engine-run.ts';
import { FeedScheduler } from '#contracts/market/feed-config.ts';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { checkHysteresis, runOptionsShape } from '#contracts/market/run-options.ts';

const cursor = z.string().max(2048).optional();

/** How much one page holds at most. A single run, or record, may exceed the bytes alone. */
export const replayLimits = {
  runsMax: 200,
  runsDefault: 100,
  recordsMax: 5_000,
  recordsDefault: 2_000,
  /** Characters of the answer. */
  pageCharactersMax: 2_097_152,
  /** Bytes of market chunks a page of a replay reads. */
  chunkBytesMax: 16_777_216,
  /** Events of the feed's history a page looks through for runs. */
  eventsMax: 400,
} as const;

/** The bounds of a page that no query sets. */
export type PageBounds = Readonly<Record<'pageCharactersMax' | 'chunkBytesMax' | 'eventsMax', number>>;

/** Query of `GET /feeds/{feedId}/outputs` and `…/replay`. */
export const FeedOutputQuery = z
  .strictObject({
    /** Engine timestamps in milliseconds, both included, in order; the whole history when absent. */
    from: z.coerce.number().int().min(0).optional(),
    to: z.coerce.number().int().min(0).optional(),
    /** Runs of a page. */
    limit: z.coerce.number().int().min(1).max(replayLimits.runsMax).default(replayLimits.runsDefault),
    cursor,
  })
  // Nothing lies in such a range, and a replay of nothing is equal to the record.
  .refine(({ from = 0, to = Infinity }) => from <= to, { path: ['to'], message: 'must not be before from' });
export type FeedOutputQuery = z.infer<typeof FeedOutputQuery>;

/**
 * Answer of `GET /feeds/{feedId}/outputs` and `…/replay`: the events of some runs, tick by tick and by symbol within a
 * tick. A page may be short, or empty, and others still follow.
 */
export const FeedOutputPage = z.strictObject({
  events: z.array(OrchestratorEvent),
  /** The run before which this page ends because it has no outcome yet; nothing follows it for now. */
  unfinished: z
    .strictObject({ run_id: EngineRunId, symbol: z.string(), engine_timestamp_ms: z.int() })
    .optional(),
  nextCursor: z.string().optional(),
});
export type FeedOutputPage = z.infer<typeof FeedOutputPage>;

/** Query of `GET /feeds/{feedId}/buffer`. */
export const FeedBufferQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(replayLimits.recordsMax).default(replayLimits.recordsDefault),
  cursor,
});
export type FeedBufferQuery = z.infer<typeof FeedBufferQuery>;

/** What a simulation of a feed is given: a `SimulationConfig` with nothing left out. */
export const FeedSimulationConfig = z
  .strictObject({
    ...runOptionsShape,
    scheduler: FeedScheduler,
    scheduler_start_now_ms: z.int(),
    engine_mode: EngineMode,
    symbols: z.array(z.string()),
  })
  .superRefine(checkHysteresis);
export type FeedSimulationConfig = z.infer<typeof FeedSimulationConfig>;

/** The first line of a captured feed; the records follow, `ingest_seq` 1 to `record_count`, one a line. */
export const FeedCaptureHeader = z.strictObject({
  schema: z.literal('feed_capture'),
  schema_version: z.literal('1'),
  config: FeedSimulationConfig,
  /** Every record up to the end of the last cut; what no run has read is not captured. */
  record_count: z.int().min(0),
});
export type FeedCaptureHeader = z.infer<typeof FeedCaptureHeader>;

/**
 * Answer of `GET /feeds/{feedId}/buffer`: the records up to the last cut there was when the first page was asked for, in
 * ingest order.
 */
export const FeedBufferPage = z.strictObject({
  /** On the first page: how a simulation of these records says what the feed said. */
  capture: FeedCaptureHeader.optional(),
  records: z.array(RawInputBufferRecord),
  nextCursor: z.string().optional(),
});
export type FeedBufferPage = z.infer<typeof FeedBufferPage>;
