import type { Activity } from '#local/kernel/activity.ts';
import type { Clock } from '#local/kernel/clock.ts';

/** Waits on the clock with the work parked, so that virtual time can move to its end. */
export const pause = (
  { clock, activity }: { readonly clock: Clock; readonly activity: Activity },
  waitMs: number,
): Promise<void> =>
  new Promise((resolve) => {
    const resume = activity.park();
    clock.at(clock.nowMs() + waitMs, () => {
      resume();
      resolve();
    });
  });
