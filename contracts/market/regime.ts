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

const names: ReadonlySet<string> = new Set(regimes);

/** True for the name of a regime, which is told from others by case too. */
export const isRegime = (name: string): name is Regime => names.has(name);

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

/** Mass by regime, each in [0, 1]; a regime that is absent is not looked at. */
export const BeliefByRegime = z.partialRecord(Regime, z.number());
export type BeliefByRegime = z.infer<typeof BeliefByRegime>;

/** What a run believes, and the regime that belief is anchored at. */
export const RegimeState = z.object({
  schema: z.literal('regime_state'),
  schema_version: z.literal('1'),
  symbol: z.string(),
  engine_timestamp_ms: z.int(),
  belief_by_regime: BeliefByRegime,
  anchor_regime: Regime,
});
export type RegimeState = z.infer<typeof RegimeState>;
