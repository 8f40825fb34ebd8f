/** What may be chosen about the engine where a person writes it down. */
import * as z from 'zod';
import { MatrixRouting } from '#contracts/market/evidence-matrix.ts';

/** When the veto predicates hold; one whose thresholds are not given never does. */
export const VetoThresholds = z.strictObject({
  /** Acceptance is high from this `acceptance_score` on. */
  acceptance_high_min: z.number().optional(),
  /** Open interest contracts when both its slopes are at most this. */
  oi_contracting_max: z.number().optional(),
  /** Open interest is flat when both its slopes are within this of 0. */
  oi_flat_max: z.number().min(0).optional(),
  /** The range expands when `atr_z` and `range_expansion` are at least these. */
  atr_expanding_min: z.strictObject({ atr_z: z.number(), range_expansion: z.number() }).optional(),
  /** The range is compressed when `atr_z` and `range_expansion` are at most these. */
  atr_compressed_max: z.strictObject({ atr_z: z.number(), range_expansion: z.number() }).optional(),
});
export type VetoThresholds = z.infer<typeof VetoThresholds>;

const setting = {
  /** `classical` does not look at embedded evidence. */
  engine: z.enum(['belief', 'classical']).default('belief'),
  /** What is said when nothing is known: the classical opinion at full strength, or `NO_DATA`. */
  no_data: z.enum(['opinion', 'reason']).default('opinion'),
  vetoes: VetoThresholds.nullable().default(null),
  matrix: MatrixRouting.nullable().default(null),
};

/** The engine's options; with nothing given it answers as the reference does. */
export const EngineSetting = z.strictObject(setting);
export type EngineSetting = z.infer<typeof EngineSetting>;

/** The members of an engine setting, for configurations that hold them among others. */
export const engineSettingShape = setting;
