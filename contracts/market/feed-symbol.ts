/** Events and commands of one symbol of a feed (stream kind `feed-symbol`): how its runs ended, in order. */
import * as z from 'zod';
import { EngineRunId } from '#contracts/ids.ts';
import { EngineMode, PlannedRun } from '#contracts/market/engine-run.ts';
import { HysteresisDecision, HysteresisState } from '#contracts/market/hysteresis.ts';
import { FeedRetry } from '#contracts/market/feed-config.ts';
import { LayersConfig } from '#contracts/market/layers-config.ts';
import { RunErrorKind } from '#contracts/market/orchestrator-event.ts';
import { RegimeOutput } from '#contracts/market/regime.ts';

const counts = z.record(z.string(), z.int()).optional();

/** A closed three-minute candle that a run saw. */
export const SeenCandle = z.strictObject({
  atMs: z.int(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
});
export type SeenCandle = z.infer<typeof SeenCandle>;

const terminal = {
  ...PlannedRun.shape,
  runId: EngineRunId,
  engineMode: EngineMode,
  attempts: z.int().min(1),
  /** Records of the slice by type; informational. */
  countsByEventType: counts,
  /** The closed candles of the slice, where the feed remembers some, and how many of them it remembers. */
  candles: z.strictObject({ window: z.int().min(1), seen: z.array(SeenCandle) }).optional(),
};

const answer = {
  regimeOutput: RegimeOutput,
  /** What decision hysteresis made of the output; absent in other modes. */
  hysteresisDecision: HysteresisDecision.optional(),
  /** What belief hysteresis made of the belief; absent in other modes. */
  hysteresisState: HysteresisState.optional(),
};

/** The engine answered. */
export const EngineRunCompleted = z.strictObject({ ...terminal, ...answer });
export type EngineRunCompleted = z.infer<typeof EngineRunCompleted>;

/** The run ended without an answer; the next one goes on. */
export const EngineRunFailed = z.strictObject({
  ...terminal,
  errorKind: RunErrorKind,
  errorDetail: z.string(),
});
export type EngineRunFailed = z.infer<typeof EngineRunFailed>;

/** The tick found nothing new: the cut is empty, and the engine was not asked. */
export const EngineRunSkipped = z.strictObject(terminal);
export type EngineRunSkipped = z.infer<typeof EngineRunSkipped>;

/** From here on the later layers of the symbol go by this; before the first such event by the defaults. */
export const LayersConfigured = LayersConfig;
export type LayersConfigured = LayersConfig;

/** From here on refused outputs of the symbol are tried again by this; before the first such event by the defaults. */
export const PublicationConfigured = z.strictObject({ retry: FeedRetry });
export type PublicationConfigured = z.infer<typeof PublicationConfigured>;

/** Every event of a feed's symbol by its type. */
export const feedSymbolEvents = {
  EngineRunCompleted,
  EngineRunFailed,
  EngineRunSkipped,
  LayersConfigured,
  PublicationConfigured,
} as const;

/** A run and how it ended. */
export const FinishedRun = z.strictObject({
  ...PlannedRun.shape,
  engineMode: EngineMode,
  attempts: z.int().min(1),
  countsByEventType: counts,
  candles: terminal.candles,
  outcome: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('completed'), ...answer }),
    z.strictObject({ kind: z.literal('failed'), errorKind: RunErrorKind, errorDetail: z.string() }),
    z.strictObject({ kind: z.literal('skipped') }),
  ]),
});
export type FinishedRun = z.infer<typeof FinishedRun>;

/** Records the outcomes of consecutive runs; those already recorded are dropped, a gap is refused. */
export const RecordRuns = z.strictObject({
  type: z.literal('RecordRuns'),
  runs: z.array(FinishedRun),
  /** What the later layers go by with these runs; absent in commands of older versions, which change nothing of it. */
  layers: LayersConfig.optional(),
  /** How refused outputs are tried again from these runs on; absent in commands of older versions. */
  publishRetry: FeedRetry.optional(),
});

/** Everything that can be asked of a feed's symbol. */
export const FeedSymbolCommand = RecordRuns;
export type FeedSymbolCommand = z.infer<typeof FeedSymbolCommand>;

/** One symbol of a feed as its read-model row shows it. */
export const FeedSymbolView = z.strictObject({
  tenantId: z.string(),
  workspaceId: z.string(),
  feedId: z.string(),
  symbol: z.string(),
  runNo: z.int(),
  completedCount: z.int(),
  failedCount: z.int(),
  lastEngineTimestampMs: z.int(),
  /** What the engine last said, null before its first answer. */
  regimeOutput: RegimeOutput.nullable(),
});
export type FeedSymbolView = z.infer<typeof FeedSymbolView>;
