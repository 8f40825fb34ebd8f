/** What advances, on standard error: one line that rewrites itself on a terminal, a line now and then elsewhere. */
import process from 'node:process';
import type { Client } from '#cli/client.ts';
import type { Published } from '#cli/up/output-follower.ts';
import { paint } from '#cli/output.ts';

export interface Progress {
  /** Records of the tape that are on the stream. */
  events: number;
  planned: number;
  /** When the first record was sent. */
  startedAtMs: number;
  readonly published: Published;
  runs: readonly { readonly runId: string; readonly state: string; readonly done: string }[];
}

const TERMINAL_EVERY_MS = 250;
const PLAIN_EVERY_MS = 2_000;

/** Starts showing; the answer shows the last state and stops. */
export const showProgress = (
  progress: Progress,
  client: Client,
  signal: AbortSignal,
): (() => Promise<void>) => {
  const { isTTY } = process.stderr;
  let isLooking = false;
  const show = (): void => {
    const line = lineOf(progress);
    process.stderr.write(isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
    if (isLooking || signal.aborted) return;
    isLooking = true;
    void refreshRuns(progress, client).finally(() => (isLooking = false));
  };
  const timer = setInterval(show, isTTY ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await refreshRuns(progress, client);
    process.stderr.write(isTTY ? `\r\u001b[2K${lineOf(progress)}\n` : `${lineOf(progress)}\n`);
  };
};

const lineOf = ({ events, published, runs }: Progress): string => {
  const regimes = [...published.regimes].map(([symbol, regime]) => `${symbol} ${regime}`).slice(0, 3);
  const assets = runs.slice(0, 1).map(({ state, done }) => `run ${state} ${done}`);
  const counts = `records ${events}  engine runs ${published.terminal.size}  published ${published.records}`;
  return [paint('bold', counts, process.stderr), ...assets, ...regimes].join('  ');
};

interface Item {
  readonly runId: string;
  readonly state: string;
  readonly taskCount: number;
  readonly tasksSucceeded: number;
}

const refreshRuns = async (progress: Progress, client: Client): Promise<void> => {
  try {
    const { runs } = (await client.request('GET', '{ws}/runs', { query: { limit: 3 } })) as {
      runs: readonly Item[];
    };
    progress.runs = runs.map(({ runId, state, taskCount, tasksSucceeded }) => ({
      runId,
      state,
      done: `${tasksSucceeded}/${taskCount}`,
    }));
  } catch {
    // A look that fails is made again a moment later; showing progress must never stop the work.
  }
};
