/** Moves a cloud through virtual time: only while nothing is in flight, timer by timer. */
import type { Activity } from '#local/kernel/activity.ts';
import type { Clock, VirtualClock } from '#local/kernel/clock.ts';

/** How a caller waits for a cloud and moves its time. */
export interface TimeTravel {
  /** Resolves when nothing is in flight: what remains waits for the clock or for a caller. */
  readonly settle: () => Promise<void>;
  /** Moves time forward by this much and lets everything happen that is due on the way. */
  readonly advance: (byMs: number) => Promise<void>;
  /** Moves time until the predicate holds, looked at whenever all is settled; false when the limit came first. */
  readonly advanceUntil: (holds: () => boolean | Promise<boolean>, limitMs: number) => Promise<boolean>;
}

/** Turns of the event loop without anything in flight after which all is settled: engines hand over in one. */
const CALM_TURNS = 4;

/** Travel on the cloud's clock; on a clock that is not virtual, only `settle` is possible. */
export const timeTravel = (clock: Clock, activity: Activity): TimeTravel => {
  const settle = async (): Promise<void> => {
    for (let calm = 0; calm < CALM_TURNS; calm = activity.inFlightCount() <= 0 ? calm + 1 : 0)
      await new Promise<void>((resolve) => setImmediate(resolve));
  };
  const advanceUntil = async (holds: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> => {
    const virtual = requireVirtual(clock);
    const endMs = virtual.nowMs() + limitMs;
    await settle();
    while (!(await holds())) {
      await settle();
      if (!virtual.step(endMs)) {
        virtual.jump(endMs);
        return holds();
      }
      await settle();
    }
    return true;
  };
  return {
    settle,
    advanceUntil,
    advance: async (byMs) => {
      await advanceUntil(() => false, byMs);
    },
  };
};

/** Whether the clock moves only when told to. */
export const isVirtual = (clock: Clock): clock is VirtualClock => 'step' in clock;

const requireVirtual = (clock: Clock): VirtualClock => {
  if (isVirtual(clock)) return clock;
  throw new Error('time advances on its own: this cloud runs on the wall clock');
};
