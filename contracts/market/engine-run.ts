/** An engine run as readers of the API see it, and as the engine-runs queue orders it. */
import * as z from 'zod';
import { EngineRunId, MarketSymbol } from '#contracts/ids.ts';
import { RegimeOutput } from '#contracts/market/regime.ts';

/** What ended a cut: a tick of a timer, or an aligned boundary. */
export const CutKind = z.enum(['timer', 'boundary']);
export type CutKind = z.infer<typeof CutKind>;

/** How runs are computed: `truth` is stateless, `hysteresis` remembers what it said of the symbol before. */
export const EngineMode = z.enum(['truth', 'hysteresis']);
export type EngineMode = z.infer<typeof EngineMode>;

/** Where the records of one chunk are and which ingest sequences it covers, both ends included. */
export const ChunkRef = z.strictObject({
  /** SHA-256 of the chunk's content: its name in the store. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Small chunks are an `item` of a table, larger ones a `blob` of the object store. */
  location: z.enum(['item', 'blob']),
  /** Size before compression. */
  bytes: z.int().min(1),
  firstSeq: z.int().min(1),
  lastSeq: z.int().min(1),
  count: z.int().min(1),
});
export type ChunkRef = z.infer<typeof ChunkRef>;

/** One run as planned: its number within feed and symbol, its instants and its cut, both ends included. */
export const PlannedRun = z.strictObject({
  runNo: z.int().min(1),
  plannedTsMs: z.int(),
  engineTimestampMs: z.int(),
  cutKind: CutKind,
  cutStart: z.int().min(1),
  cutEnd: z.int().min(1),
});
export type PlannedRun = z.infer<typeof PlannedRun>;

/** Body of a message on the engine-runs queue: consecutive runs of one symbol and the chunks they read. */
export const EngineRunsMessage = z.strictObject({
  feedStream: z.string().min(3),
  symbol: MarketSymbol,
  engineMode: EngineMode,
  /** The event of the feed that set the configuration of these runs; absent in messages of older versions. */
  configSequence: z.int().min(1).optional(),
  /** In runNo order without gaps. */
  runs: z.array(PlannedRun).min(1),
  /** Covers every cut of `runs` when `isComplete`; otherwise read the feed's ledger from `fromSequence`. */
  chunks: z.strictObject({
    isComplete: z.boolean(),
    fromSequence: z.int().min(1),
    refs: z.array(ChunkRef),
  }),
});
export type EngineRunsMessage = z.infer<typeof EngineRunsMessage>;

/** EngineRunRecord v1 in the names of the market reference, section 2.2. */
export const EngineRunRecord = z.strictObject({
  run_id: EngineRunId,
  symbol: z.string(),
  engine_timestamp_ms: z.int(),
  engine_mode: EngineMode,
  cut_kind: CutKind,
  cut_start_ingest_seq: z.int(),
  cut_end_ingest_seq: z.int(),
  planned_ts_ms: z.int(),
  /** Operational: when the outcome was recorded, null while it is not. */
  completed_ts_ms: z.int().nullable(),
  status: z.enum(['started', 'completed', 'failed']),
  attempts: z.int().min(1),
  error_kind: z.string().nullable(),
  error_detail: z.string().nullable(),
});
export type EngineRunRecord = z.infer<typeof EngineRunRecord>;

/** A run in the run list: its record and, when it completed, what the engine said. */
export const EngineRunView = EngineRunRecord.extend({ regime_output: RegimeOutput.nullable() });
export type EngineRunView = z.infer<typeof EngineRunView>;

/** Answer of `GET /feeds/{feedId}/runs`, newest first. */
export const EngineRunPage = z.strictObject({
  runs: z.array(EngineRunView),
  nextCursor: z.string().optional(),
});
export type EngineRunPage = z.infer<typeof EngineRunPage>;
