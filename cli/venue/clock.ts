/** The clock of this process; unlike that of the local cloud its timers keep the process alive, since it waits for them. */
import type { Clock } from '#local/kernel/clock.ts';

/** Timers at instants of the wall clock. */
export const processClock = (): Clock => {
  const handles = new WeakMap<object, NodeJS.Timeout>();
  return {
    nowMs: () => Date.now(),
    at: (atMs, act) => {
      const timer = { atMs };
      handles.set(timer, setTimeout(act, Math.max(0, atMs - Date.now())));
      return timer;
    },
    cancel: (timer) => clearTimeout(handles.get(timer)),
  };
};
