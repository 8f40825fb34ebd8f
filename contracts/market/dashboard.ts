/** The dashboard view model: everything a screen shows of a feed, whole and immutable (section 11.3). */
import * as z from 'zod';
import { EngineRunId } from '#contracts/ids.ts';
import { HysteresisTransition } from '#contracts/market/hysteresis.ts';
import { Regime } from '#contracts/market/regime.ts';
import { ArtifactKind } from '#contracts/market/analysis.ts';
import { GateStatus } from '#contracts/market/state-gate.ts';

/** How a part of the system is doing, as far as its events tell. */
export const DashboardStatus = z.enum(['OK', 'DEGRADED', 'UNKNOWN']);
export type DashboardStatus = z.infer<typeof DashboardStatus>;

/** Which way a number went. */
export const DashboardTrend = z.enum(['RISING', 'FALLING', 'FLAT', 'UNKNOWN']);
export type DashboardTrend = z.infer<typeof DashboardTrend>;

const instant = z.int().nullable();

const regime = {
  regime_name: Regime,
  confidence: z.number(),
  drivers: z.array(z.string()),
  invalidations: z.array(z.string()),
  permissions: z.array(z.string()),
};

const Hysteresis = z.strictObject({
  effective_confidence: z.number(),
  transition: HysteresisTransition,
  summary: z.strictObject({
    phase: z.enum(['RESET', 'FLIPPED', 'TRANSITIONING', 'STABLE']),
    anchor_regime: Regime,
    candidate_regime: Regime.nullable(),
    /** `required` is null where the events do not tell. */
    progress: z.strictObject({ current: z.int(), required: z.int().nullable() }),
    confidence_trend: DashboardTrend,
    notes: z.array(z.string()),
  }),
});

const Belief = z.strictObject({
  anchor_regime: Regime,
  /** By mass, the greatest first, then by name. */
  distribution: z.array(z.strictObject({ regime_name: Regime, mass: z.number() })),
  trend: z.strictObject({ status: DashboardTrend, anchor_mass_delta: z.number().nullable() }),
});

const Analysis = z.strictObject({
  status: z.enum(['EMPTY', 'PARTIAL', 'PRESENT']),
  highlights: z.array(z.string()),
  artifacts: z.array(
    z.strictObject({
      artifact_kind: ArtifactKind,
      module_id: z.string(),
      artifact_name: z.string(),
      artifact_schema: z.string(),
      artifact_schema_version: z.string(),
    }),
  ),
});

/** One symbol as a screen shows it; what is null has not been told. */
export const DashboardSymbol = z.strictObject({
  symbol: z.string(),
  last_run_id: EngineRunId,
  last_engine_timestamp_ms: z.int(),
  gate: z.strictObject({ status: z.enum([...GateStatus.options, 'UNKNOWN']), reasons: z.array(z.string()) }),
  /** What the engine said of its last snapshot; null where events carry the stabilized output only. */
  regime_truth: z.strictObject(regime).nullable(),
  hysteresis: Hysteresis.nullable(),
  regime_effective: z.strictObject({ ...regime, source: z.enum(['truth', 'hysteresis']) }).nullable(),
  analysis: Analysis,
  metrics: z.null(),
  belief: Belief.nullable(),
});
export type DashboardSymbol = z.infer<typeof DashboardSymbol>;

/** Why a model may not show how things are. */
export const StaleReason = z.enum([
  'missing_orchestrator_events',
  'missing_state_gate_events',
  'missing_analysis_engine_events',
  'no_symbols_observed',
  'ingest_failure',
  'stale_over_window',
]);
export type StaleReason = z.infer<typeof StaleReason>;

/** The whole model. */
export const DashboardViewModel = z.strictObject({
  dvm_schema: z.literal('dashboard_view_model'),
  dvm_schema_version: z.literal('1'),
  as_of_ts_ms: z.int(),
  /** The greatest run by engine timestamp, then id; null before the first. */
  source_run_id: EngineRunId.nullable(),
  source_engine_timestamp_ms: instant,
  system: z.strictObject({
    status: DashboardStatus,
    components: z.array(
      z.strictObject({
        component_id: z.string(),
        status: DashboardStatus,
        details: z.array(z.string()),
        last_update_ts_ms: instant,
      }),
    ),
  }),
  symbols: z.array(DashboardSymbol),
  telemetry: z.strictObject({
    ingest: z.strictObject({
      last_orchestrator_event_ts_ms: instant,
      last_state_gate_event_ts_ms: instant,
      last_analysis_engine_event_ts_ms: instant,
    }),
    staleness: z.strictObject({ is_stale: z.boolean(), stale_reasons: z.array(StaleReason) }),
  }),
});
export type DashboardViewModel = z.infer<typeof DashboardViewModel>;

/** How the dashboard of a feed is made. */
export const DashboardsConfig = z.strictObject({
  /** Events older than this are stale, and beliefs further apart are not compared; 0, the default, asks for neither. */
  default_time_window_ms: z.int().min(0).default(0),
});
export type DashboardsConfig = z.infer<typeof DashboardsConfig>;

/** The dashboard when nothing is chosen. */
export const dashboardsDefault: DashboardsConfig = DashboardsConfig.parse({});
