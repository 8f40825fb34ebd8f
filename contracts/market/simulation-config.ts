/** The configuration of a simulated feed: a schedule and an engine over a recorded buffer. */
import * as z from 'zod';
import { EngineMode } from '#contracts/market/engine-run.ts';
import { engineSettingShape } from '#contracts/market/engine-setting.ts';
import type { FeedScheduler } from '#contracts/market/feed-config.ts';

const interval = z.int().min(1).nullable().default(null);

/** A scheduler as the reference writes it: the members of the other mode may be there, and null. */
export const SimulatedScheduler = z
  .object({
    mode: z.enum(['timer', 'boundary']),
    timer_interval_ms: interval,
    boundary_interval_ms: interval,
    boundary_delay_ms: z.int().min(0).nullable().default(null),
  })
  .transform((given, context): FeedScheduler => {
    const { mode, timer_interval_ms, boundary_interval_ms, boundary_delay_ms } = given;
    if (mode === 'timer' && timer_interval_ms !== null) return { mode, timer_interval_ms };
    if (mode === 'boundary' && boundary_interval_ms !== null)
      return { mode, boundary_interval_ms, boundary_delay_ms: boundary_delay_ms ?? 0 };
    context.addIssue('scheduler interval is required');
    return z.NEVER;
  });

/** What a feed is simulated with. Unknown members are tolerated and do nothing. */
export const SimulationConfig = z.object({
  ...engineSettingShape,
  scheduler: SimulatedScheduler,
  /** The instant at which the schedule begins. */
  scheduler_start_now_ms: z.int(),
  engine_mode: EngineMode.default('truth'),
  snapshot_source: z.enum(['snapshot_inputs', 'composer']).default('snapshot_inputs'),
  hysteresis: z.enum(['decision', 'belief']).default('decision'),
  /** The members of the hysteresis that is chosen; its defaults when null. */
  hysteresis_config: z.record(z.string(), z.unknown()).nullable().default(null),
  /** How many closed candles of a symbol the composer remembers; those of the slice alone when null. */
  candle_window: z.int().min(1).max(10_000).nullable().default(null),
  /** Whether redeliveries within a slice count once. */
  deduplicate: z.boolean().default(false),
});
export type SimulationConfig = z.infer<typeof SimulationConfig>;
