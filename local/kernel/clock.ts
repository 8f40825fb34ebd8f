/**
 * Service time of the local cloud: the wall clock in `npm start`, virtual in in-process tests, where it jumps to
 * the next timer when nothing is in flight (docs/guide/design.md §6, two clocks).
 */

/** A timer that has been set; pass it back to cancel it. */
export interface Timer {
  readonly atMs: number;
}

export interface Clock {
  readonly nowMs: () => number;
  /** Runs `act` at or after the instant; in the past means as soon as possible. */
  readonly at: (atMs: number, act: () => void) => Timer;
  readonly cancel: (timer: Timer) => void;
}

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

interface WallTimer extends Timer {
  handle: NodeJS.Timeout | undefined;
}

/** The machine's clock; its timers never keep the process alive. */
export const wallClock = (): Clock => {
  const arm = (timer: WallTimer, act: () => void): void => {
    const waitMs = Math.max(0, timer.atMs - Date.now());
    timer.handle = setTimeout(
      () => (waitMs > LONGEST_TIMEOUT_MS ? arm(timer, act) : act()),
      Math.min(waitMs, LONGEST_TIMEOUT_MS),
    );
    timer.handle.unref();
  };
  return {
    nowMs: () => Date.now(),
    at: (atMs, act) => {
      const timer: WallTimer = { atMs, handle: undefined };
      arm(timer, act);
      return timer;
    },
    cancel: (timer) => clearTimeout((timer as WallTimer).handle),
  };
};

interface VirtualTimer extends Timer {
  readonly order: number;
  readonly act: () => void;
}

/** A clock that stands still until told to move. */
export interface VirtualClock extends Clock {
  /** Moves to the next timer at or before the limit and runs it; false when there is none. */
  readonly step: (limitMs: number) => boolean;
  /** Moves to the instant without running anything; never backwards. */
  readonly jump: (toMs: number) => void;
  readonly pendingCount: () => number;
}

/** Starts at the given instant; timers of one instant run in the order they were set. */
export const virtualClock = (startMs: number): VirtualClock => {
  let nowMs = startMs;
  let order = 0;
  let timers: VirtualTimer[] = [];
  return {
    nowMs: () => nowMs,
    at: (atMs, act) => {
      const timer = { atMs, order: order++, act };
      timers.push(timer);
      return timer;
    },
    cancel: (timer) => {
      timers = timers.filter((other) => other !== timer);
    },
    step: (limitMs) => {
      let next: VirtualTimer | undefined;
      for (const timer of timers) {
        if (!next || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order))
          next = timer;
      }
      if (!next || next.atMs > limitMs) return false;
      timers = timers.filter((other) => other !== next);
      nowMs = Math.max(nowMs, next.atMs);
      next.act();
      return true;
    },
    jump: (toMs) => {
      nowMs = Math.max(nowMs, toMs);
    },
    pendingCount: () => timers.length,
  };
};
