/** What hysteresis says and remembers, in the names of the market reference, sections 2.4, 5.7 and 5.8. */
import * as z from 'zod';
import { BeliefByRegime, Regime, RegimeOutput } from '#contracts/market/regime.ts';

/** When decision hysteresis lets the stabilized regime flip; what is left out has the reference's default. */
export const DecisionHysteresisConfig = z.strictObject({
  /** How many outputs in a row must name the same new regime. */
  min_persistence_updates: z.int().min(0).default(3),
  min_confidence_for_flip: z.number().default(0.6),
  /** What each further contradiction leaves of the stable output's confidence. */
  decay_factor: z.number().default(0.85),
  /** Below this the effective confidence does not decay. */
  min_confidence_floor: z.number().default(0.2),
  /** A longer gap than this between two outputs forgets what was stable. */
  update_interval_ms: z.int().min(0).default(180_000),
});
export type DecisionHysteresisConfig = z.infer<typeof DecisionHysteresisConfig>;

/** Where a stabilized regime stands after an output. */
export const HysteresisTransition = z.strictObject({
  stable_regime: Regime,
  candidate_regime: Regime.nullable(),
  candidate_count: z.int(),
  transition_active: z.boolean(),
  flipped: z.boolean(),
  reset_due_to_gap: z.boolean(),
});
export type HysteresisTransition = z.infer<typeof HysteresisTransition>;

/** The output decision hysteresis selects, and how sure it still is of it. */
export const HysteresisDecision = z.strictObject({
  selected_output: RegimeOutput,
  effective_confidence: z.number(),
  transition: HysteresisTransition,
});
export type HysteresisDecision = z.infer<typeof HysteresisDecision>;

/** What decision hysteresis remembers of a symbol. */
export const DecisionState = z.strictObject({
  stable_output: RegimeOutput.nullable(),
  candidate_regime: Regime.nullable(),
  candidate_count: z.int(),
  last_timestamp: z.int().nullable(),
});
export type DecisionState = z.infer<typeof DecisionState>;

/** When belief hysteresis moves its anchor; what is left out has the reference's default. */
export const BeliefHysteresisConfig = z.strictObject({
  /** How many eligible updates a candidate needs. */
  window_updates: z.int().min(1).default(3),
  /** Mass a candidate needs for an update to count. */
  enter_threshold: z.number().default(0.6),
  /** Mass it needs when its window is full. */
  commit_threshold: z.number().default(0.6),
  min_lead_over_anchor: z.number().nullable().default(null),
  /** What an update that does not count takes off the progress. */
  decay_step: z.int().min(0).default(1),
  /** Regimes that may become candidates, the first of equals before the others; all of them when null. */
  allowed_regimes: z.array(Regime).nullable().default(null),
  /** A longer gap than this forgets the state; none does when null. */
  reset_max_gap_ms: z.int().min(0).nullable().default(null),
});
export type BeliefHysteresisConfig = z.infer<typeof BeliefHysteresisConfig>;

/** Where belief hysteresis stands after an update; also what it remembers of a symbol. */
export const HysteresisState = z.strictObject({
  schema: z.literal('hysteresis_state'),
  schema_version: z.literal('1'),
  symbol: z.string(),
  engine_timestamp_ms: z.int(),
  anchor_regime: Regime,
  candidate_regime: Regime.nullable(),
  progress_current: z.int(),
  progress_required: z.int(),
  /** Engine timestamp of the last change of the anchor. */
  last_commit_timestamp_ms: z.int().nullable(),
  reason_codes: z.array(z.string()),
  debug: z.strictObject({ belief_by_regime: BeliefByRegime }).nullable(),
});
export type HysteresisState = z.infer<typeof HysteresisState>;

const instant = z.int().min(0);

/** A stored `HysteresisState`: one line of JSON with exactly these members. */
export const HysteresisStoreRecord = z.strictObject({
  schema: z.literal('hysteresis_store_record'),
  schema_version: z.literal('1'),
  symbol: z.string().min(1),
  engine_timestamp_ms: instant,
  anchor_regime: Regime,
  candidate_regime: Regime.nullable(),
  progress_current: z.int().min(0),
  last_commit_timestamp_ms: instant.nullable(),
});
export type HysteresisStoreRecord = z.infer<typeof HysteresisStoreRecord>;
