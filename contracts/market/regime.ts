/** What the regime engine says, in the names of the market reference, section 5. */
import * as z from 'zod';

/** The nine regimes; their order breaks every tie. */
export const regimes = [
  'CHOP_BALANCED',
  'CHOP_STOPHUNT',
  'LIQUIDATION_UP',
  'LIQUIDATION_DOWN',
  'SQUEEZE_UP',
  'SQUEEZE_DOWN',
  'TREND_BUILD_UP',
  'TREND_BUILD_DOWN',
  'TREND_EXHAUSTION',
] as const;

/** One of the nine regimes. */
export const Regime = z.enum(regimes);
export type Regime = z.infer<typeof Regime>;

/** The engine's answer for one symbol at one engine timestamp. */
export const RegimeOutput = z.strictObject({
  symbol: z.string(),
  /** The engine timestamp in milliseconds. */
  timestamp: z.int(),
  regime: Regime,
  confidence: z.number().min(0).max(1),
  drivers: z.array(z.string()),
  invalidations: z.array(z.string()),
  permissions: z.array(z.string()),
});
export type RegimeOutput = z.infer<typeof RegimeOutput>;
