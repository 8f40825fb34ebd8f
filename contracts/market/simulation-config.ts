/** The configuration of a simulated feed: a schedule and an engine over a recorded buffer. */
import * as z from 'zod';
import { EngineMode } from '#contracts/market/engine-run.ts';
import type { FeedScheduler } from '#contracts/market/feed-config.ts';
import { checkHysteresis, runOptionsShape } from '#contracts/market/run-options.ts';

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
export const SimulationConfig = z
  .object({
    ...runOptionsShape,
    scheduler: SimulatedScheduler,
    /** The instant at which the schedule begins. */
    scheduler_start_now_ms: z.int(),
    engine_mode: EngineMode.default('truth'),
    /** The symbols runs are planned for; every one of the buffer when null. */
    symbols: z.array(z.string()).nullable().default(null),
  })
  .superRefine(checkHysteresis);
export type SimulationConfig = z.infer<typeof SimulationConfig>;
