/** How the regimes of one symbol behaved (market reference, section 5.11). */
import * as z from 'zod';
import { Regime, regimes } from '#contracts/market/regime.ts';

/** Whose regime is looked at: what the engine said, or what was selected. */
export const RegimeKey = z.enum(['truth', 'stabilized']);
export type RegimeKey = z.infer<typeof RegimeKey>;

const byRegime = <Value extends z.ZodType>(value: Value) => z.partialRecord(z.enum(regimes), value);

/** What is told of records in time, for shapes that hold it among other members. */
export const regimeBehaviour = {
  /** Lengths of the runs of each regime, in records. */
  persistence: byRegime(z.array(z.int())),
  runs: z.array(
    z.strictObject({
      regime: Regime,
      count: z.int(),
      start_timestamp: z.int(),
      end_timestamp: z.int(),
      duration_ms: z.int(),
    }),
  ),
  flip_frequency: z.strictObject({
    flips: z.int(),
    updates: z.int(),
    flip_rate_per_update: z.number(),
    flip_rate_per_hour: z.number().nullable(),
  }),
  time_in_regime: byRegime(z.int()),
};

/** What `engine evaluate` answers for each symbol of a regime log. */
export const RegimeEvaluation = z.strictObject({
  symbol: z.string(),
  key: RegimeKey,
  ...regimeBehaviour,
  /** Values that came after records of each regime, and their means; empty where none were given. */
  forward_values: byRegime(z.array(z.number())),
  expectancy: byRegime(z.number()),
});
export type RegimeEvaluation = z.infer<typeof RegimeEvaluation>;

/** Values that came after records, by `record_id`. */
export const ForwardValues = z.record(z.string(), z.number());
export type ForwardValues = z.infer<typeof ForwardValues>;
