/**
 * The work of the demo's assets: each reads the engine runs of the demo feed over the HTTP API and reports what it
 * made of them with Delta lineage. The first attempt at `demo.regimes` fails on purpose, so that the retry shows.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Client } from '#cli/client.ts';
import type { Execute } from '#cli/worker-kit/attempt.ts';
import { TaskFailure } from '#cli/worker-kit/failure.ts';

const RunPage = z.object({
  runs: z.array(z.object({ symbol: z.string(), status: z.string(), engine_timestamp_ms: z.int() })),
  nextCursor: z.string().optional(),
});
type EngineRun = z.infer<typeof RunPage>['runs'][number];

/** The task whose first attempt fails. */
export const FAILS_ONCE = 'demo.regimes';
const PAGES_MAX = 5;

/** Executes tasks of the demo manifest against one feed. */
export const demoWork =
  (client: Client, feedId: string): Execute =>
  async (task, { progress, signal }) => {
    if (task.taskKey === FAILS_ONCE && task.attempt === 1)
      throw new TaskFailure('INFRASTRUCTURE', 'the demo fails this attempt on purpose; the retry succeeds');
    const runs = await readRuns(client, feedId);
    signal.throwIfAborted();
    progress(50, `${runs.length} engine runs are read`);
    const text = JSON.stringify(summarise(runs));
    const digest = createHash('sha256').update(`${task.taskKey}\n${text}`).digest('hex');
    return {
      output: {
        materializationId: `mat_${digest.slice(0, 24)}`,
        rowCount: runs.length,
        byteSize: Buffer.byteLength(text),
        deltaTable: task.taskKey,
        deltaVersion: task.attempt,
        deltaPartition: task.partitionKey,
      },
    };
  };

const readRuns = async (client: Client, feedId: string): Promise<readonly EngineRun[]> => {
  const runs: EngineRun[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = RunPage.parse(
      await client.request('GET', `{ws}/feeds/${feedId}/runs`, { query: { limit: 200, cursor } }),
    );
    runs.push(...answer.runs);
    cursor = answer.nextCursor;
    if (cursor === undefined) break;
  }
  return runs;
};

const summarise = (runs: readonly EngineRun[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { symbol, status } of runs)
    counts[`${symbol} ${status}`] = (counts[`${symbol} ${status}`] ?? 0) + 1;
  return counts;
};
