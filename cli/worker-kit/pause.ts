/** Waiting on the clock of this process, and reacting to signals without leaving listeners behind. */

/** Waits so many ms, or less when the signal comes. */
export const pauseFor = (waitMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      detach();
      resolve();
    };
    const timer = setTimeout(end, waitMs);
    const detach = signal ? whenAborted(signal, end) : () => undefined;
  });

/** Acts when the signal comes, soon if it has come; what is answered detaches the act. */
export const whenAborted = (signal: AbortSignal, act: () => void): (() => void) => {
  let isDetached = false;
  const once = (): void => {
    if (!isDetached) act();
  };
  if (signal.aborted) queueMicrotask(once);
  else signal.addEventListener('abort', once, { once: true });
  return () => {
    isDetached = true;
    signal.removeEventListener('abort', once);
  };
};
