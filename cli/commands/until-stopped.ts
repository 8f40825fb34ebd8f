/** Work that goes on until it is stopped. */
import process from 'node:process';

/** Does work with a signal that comes with Ctrl-C or SIGTERM; a second one ends the process at once. */
export const untilStopped = async <Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> => {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    return await work(stop.signal);
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
};
