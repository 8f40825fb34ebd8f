/** Work that goes on until it is stopped. */
import process from 'node:process';

/** Does work with a signal that comes with Ctrl-C or SIGTERM; a second one, of either, ends the process at once. */
export const untilStopped = async <Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> => {
  const stop = new AbortController();
  const listenNoMore = (): void => void process.off('SIGINT', end).off('SIGTERM', end);
  const end = (): void => {
    listenNoMore();
    stop.abort();
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  try {
    return await work(stop.signal);
  } finally {
    listenNoMore();
  }
};
