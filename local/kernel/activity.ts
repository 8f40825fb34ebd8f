/**
 * What is in flight in the local cloud: calls, invocations, batches. Virtual time advances only while this is
 * nothing; work that waits for the clock itself parks, so that time can move under it.
 */
export interface Activity {
  /** Something begins; call the answer once when it has ended. */
  readonly begin: () => () => void;
  /** The work waits for a timer; call the answer when it goes on. */
  readonly park: () => () => void;
  /** Begun and neither ended nor parked. */
  readonly inFlightCount: () => number;
  /** Resolves once nothing is in flight and a whole turn of the event loop has begun nothing new. */
  readonly idle: () => Promise<void>;
}

/** Counts from nothing. */
export const activityCounter = (): Activity => {
  let inFlightCount = 0;
  let begunCount = 0;
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    if (inFlightCount > 0) return;
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };
  const quiet = (): Promise<void> =>
    inFlightCount > 0 ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve();
  const change = (by: number): (() => void) => {
    let isOpen = true;
    inFlightCount += by;
    begunCount++;
    wake();
    return () => {
      if (!isOpen) return;
      isOpen = false;
      inFlightCount -= by;
      wake();
    };
  };
  return {
    begin: () => change(1),
    park: () => change(-1),
    inFlightCount: () => inFlightCount,
    idle: async () => {
      for (;;) {
        await quiet();
        const before = begunCount;
        await new Promise((resolve) => setImmediate(resolve));
        if (inFlightCount <= 0 && begunCount === before) return;
      }
    },
  };
};
