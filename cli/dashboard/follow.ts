/** `feed dashboard --follow`: reads the dashboard of a feed again and again, and has each drawn. */
import process from 'node:process';
import { telemetry } from '#adapters/telemetry/telemetry.ts';
import { whileRead } from '#cli/files/answer-lines.ts';
import { dashboardRenderer } from '#cli/dashboard/renderer.ts';
import { waitFor } from '#cli/wait-for.ts';

export interface Following {
  /** The dashboard as it is now. */
  readonly read: () => Promise<object>;
  readonly frameOf: (model: unknown) => string;
  /** From one reading to the next, in ms. */
  readonly everyMs: number;
  /** Whether a frame takes the place of the one before it, on a terminal. */
  readonly isScreen: boolean;
  readonly signal: AbortSignal;
}

/** Homes the cursor and clears what is below, on a terminal; elsewhere frames follow each other. */
const CLEAR = '\u001B[H\u001B[J';

/** Follows until the signal, or until nobody reads the frames any more; throws when the dashboard cannot be read. */
export const followDashboard = async (following: Following): Promise<void> => {
  const { read, frameOf, everyMs, isScreen, signal } = following;
  const output = process.stdout;
  const closed = new AbortController();
  const end = AbortSignal.any([signal, closed.signal]);
  const own = telemetry({
    stage: 'none',
    functionName: 'feed-dashboard',
    nowMs: Date.now,
    write: (line) => void process.stderr.write(`${line}\n`),
  });
  const renderer = dashboardRenderer({
    frameOf,
    telemetry: own,
    write: (frame) =>
      new Promise((resolve, reject) => {
        const text = `${isScreen && output.isTTY ? CLEAR : ''}${frame}\n`;
        output.write(text, (error) => (error ? reject(error) : resolve()));
      }),
    onClosed: () => closed.abort(),
  });
  await whileRead(output, async () => {
    while (!end.aborted) {
      renderer.show(await read());
      await waitFor(everyMs, end);
    }
    await renderer.idle();
  }).finally(own.flush);
};
