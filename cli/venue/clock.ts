/**
 * The clock of this process: what it waits for comes whatever is done to the clock of the machine. Unlike that of the
 * local cloud its timers keep the process alive, since it waits for them.
 */
import { performance } from 'node:perf_hooks';
import type { Clock } from '#local/kernel/clock.ts';

/** Two ways to tell the time, in ms. */
export interface Times {
  /** May be set back, and leaps after a sleep of the machine. */
  readonly wallMs: () => number;
  /** Is never set back, and may stand still while the machine sleeps. */
  readonly runMs: () => number;
}

const machineTimes: Times = { wallMs: () => Date.now(), runMs: () => performance.now() };

/** The longest wait a timer of Node takes; beyond it one would be over at once. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** What the two may differ by before one of them is taken to have been moved. */
const LEAP_MS = 1_000;

/**
 * Begins at the wall clock and goes on with the time that runs: a wall clock that is set back delays nothing, and one
 * that leaps ahead, as after a sleep of the machine, is followed. Instants of events are read from the wall clock itself.
 */
export const steadyClock = (
  { wallMs, runMs }: Times = machineTimes,
  wait: (act: () => void, waitMs: number) => NodeJS.Timeout = setTimeout,
): Clock => {
  // What is to be added to the time that runs, and what the wall clock was ahead of it when that was last judged.
  let aheadMs = wallMs() - runMs();
  let wallAheadMs = aheadMs;
  const nowMs = (): number => {
    const runningMs = runMs();
    const leapMs = wallMs() - runningMs - wallAheadMs;
    if (Math.abs(leapMs) > LEAP_MS) {
      wallAheadMs += leapMs;
      aheadMs += Math.max(0, leapMs);
    }
    return Math.floor(runningMs + aheadMs);
  };
  const handles = new WeakMap<object, NodeJS.Timeout>();
  return {
    nowMs,
    at: (atMs, act) => {
      const timer = { atMs };
      const arm = (): void => {
        const waitMs = Math.max(0, atMs - nowMs());
        const next = waitMs > TIMEOUT_MS_MAX ? arm : act;
        handles.set(timer, wait(next, Math.min(waitMs, TIMEOUT_MS_MAX)));
      };
      arm();
      return timer;
    },
    cancel: (timer) => clearTimeout(handles.get(timer)),
  };
};
