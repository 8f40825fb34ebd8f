/** The regime log: what the engine said and what hysteresis made of it, kept to be judged later (section 5.11). */
import * as z from 'zod';
import { HysteresisTransition } from '#contracts/market/hysteresis.ts';
import { Regime } from '#contracts/market/regime.ts';

/** One line of the log. Unknown members are tolerated and dropped. */
export const RegimeLogRecord = z.object({
  schema_version: z.literal(1),
  /** `symbol:timestamp`. */
  record_id: z.string(),
  symbol: z.string(),
  timestamp: z.int(),
  truth_regime: Regime,
  truth_confidence: z.number(),
  drivers: z.array(z.string()),
  invalidations: z.array(z.string()),
  permissions: z.array(z.string()),
  selected_regime: Regime,
  effective_confidence: z.number(),
  transition: HysteresisTransition,
});
export type RegimeLogRecord = z.infer<typeof RegimeLogRecord>;
