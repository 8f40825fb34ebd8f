/** What the routes of a feed's later layers answer, symbol by symbol. */
import * as z from 'zod';
import { EngineRunId } from '#contracts/ids.ts';
import { AnalysisRunStatus, Artifact, ModuleFailure } from '#contracts/market/analysis.ts';
import { DashboardViewModel } from '#contracts/market/dashboard.ts';
import { AnalysisEntry, GateEntry } from '#contracts/market/feed-layers.ts';
import { FeedSymbolView } from '#contracts/market/feed-symbol.ts';
import { regimeBehaviour, RegimeKey } from '#contracts/market/regime-evaluation.ts';
import { Regime } from '#contracts/market/regime.ts';
import { GateErrorKind, GateStateStatus, GateStatus } from '#contracts/market/state-gate.ts';

const nextCursor = z.string().optional();

/** Most symbols on one page of a layer: each comes with its history. */
export const LAYER_PAGE_MAX = 50;

/** Query of the routes of the layers. */
export const LayerQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(LAYER_PAGE_MAX).default(20),
  cursor: z.string().max(2048).optional(),
  /** This symbol alone. */
  symbol: z.string().min(1).max(128).optional(),
});
export type LayerQuery = z.infer<typeof LayerQuery>;

/** Query of `GET …/regimes`. */
export const RegimeQuery = LayerQuery.extend({
  /** Whose regimes are counted: what the engine said, or what was selected. */
  key: RegimeKey.default('stabilized'),
});

/** Answer of `GET /feeds/{feedId}/dashboard`: a whole model, of the symbols of one page by name. */
export const FeedDashboard = DashboardViewModel.extend({ nextCursor });
export type FeedDashboard = z.infer<typeof FeedDashboard>;

/** Answer of `GET /feeds/{feedId}/symbols`, by name. */
export const FeedSymbolPage = z.strictObject({ symbols: z.array(FeedSymbolView), nextCursor });

const last = { symbol: z.string(), run_id: EngineRunId.nullable(), engine_timestamp_ms: z.int().nullable() };

/** How one symbol stands with the gate; before its first judgement it is closed. */
export const FeedGateView = z.strictObject({
  ...last,
  state_status: GateStateStatus,
  gate_status: GateStatus,
  reasons: z.array(z.string()),
  /** Why the gate failed on the symbol, until it is configured anew. */
  halted: GateErrorKind.nullable(),
  /** The last events of the gate, the oldest first, with numbers without gaps. */
  history: z.array(GateEntry),
});
export type FeedGateView = z.infer<typeof FeedGateView>;

/** Answer of `GET /feeds/{feedId}/gates`, by symbol. */
export const FeedGatePage = z.strictObject({ gates: z.array(FeedGateView), nextCursor });

/** What modules made of the last run that was let through, and how the last analyses ended. */
export const FeedAnalysisView = z.strictObject({
  ...last,
  /** How the last analysis ended; null before the first. */
  status: AnalysisRunStatus.nullable(),
  halted: z.boolean(),
  artifacts: z.array(Artifact),
  module_failures: z.array(ModuleFailure),
  history: z.array(AnalysisEntry),
});
export type FeedAnalysisView = z.infer<typeof FeedAnalysisView>;

/** Answer of `GET /feeds/{feedId}/analysis`, by symbol. */
export const FeedAnalysisPage = z.strictObject({ analyses: z.array(FeedAnalysisView), nextCursor });

/** Which regime is in force, and how regimes behaved over the runs that are kept (section 5.11). */
export const FeedRegimeView = z.strictObject({
  symbol: z.string(),
  regime: Regime.nullable(),
  engine_timestamp_ms: z.int().nullable(),
  /** The numbers of the first and the last run the metrics are over. */
  from_number: z.int().nullable(),
  to_number: z.int().nullable(),
  ...regimeBehaviour,
});
export type FeedRegimeView = z.infer<typeof FeedRegimeView>;

/** Answer of `GET /feeds/{feedId}/regimes`, by symbol. */
export const FeedRegimePage = z.strictObject({
  key: RegimeKey,
  regimes: z.array(FeedRegimeView),
  nextCursor,
});
