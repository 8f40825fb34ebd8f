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
}

/** Counts from nothing. */
export const activityCounter = (): Activity => {
  let inFlightCount = 0;
  const change = (by: number): (() => void) => {
    let isOpen = true;
    inFlightCount += by;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      inFlightCount -= by;
    };
  };
  return { begin: () => change(1), park: () => change(-1), inFlightCount: () => inFlightCount };
};
