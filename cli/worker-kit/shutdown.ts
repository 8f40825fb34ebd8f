/** How a worker ends: step by step, each bounded, so that it ends although nobody answers and work does not stop. */
import { setMaxListeners } from 'node:events';
import { whenAborted } from '#cli/worker-kit/pause.ts';

/** What work may take to stop once it was told. */
export const HEED_MS = 5_000;
/** What the last reports may take after that. */
export const LAST_REPORTS_MS = 10_000;

export interface Shutdown {
  /** The grace is over: work is told to stop, and a claim under way is cut. */
  readonly work: AbortSignal;
  /** Work that has not stopped by now is left to itself. */
  readonly waiting: AbortSignal;
  /** What is not answered by now is not reported. */
  readonly reports: AbortSignal;
  /** Takes the steps back, when the worker has ended before them. */
  readonly dismiss: () => void;
}

/** The steps that follow a signal: the first after the grace, the others 5 and 15 seconds after that. */
export const shutdownAfter = (signal: AbortSignal, graceMs: number): Shutdown => {
  const [work, waiting, reports] = [new AbortController(), new AbortController(), new AbortController()];
  // Every attempt listens; Node takes more than ten for a leak.
  setMaxListeners(0, work.signal, waiting.signal, reports.signal);
  const timers: NodeJS.Timeout[] = [];
  const detach = whenAborted(signal, () => {
    const step = (controller: AbortController, afterMs: number): void =>
      void timers.push(setTimeout(() => controller.abort(), afterMs));
    step(work, graceMs);
    step(waiting, graceMs + HEED_MS);
    step(reports, graceMs + HEED_MS + LAST_REPORTS_MS);
  });
  const dismiss = (): void => {
    detach();
    timers.forEach(clearTimeout);
  };
  return { work: work.signal, waiting: waiting.signal, reports: reports.signal, dismiss };
};
