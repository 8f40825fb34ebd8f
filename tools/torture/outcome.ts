/** What a job has left in its state directory, read over the public interfaces of a process that only serves it. */
import { readFileSync } from 'node:fs';
import type * as z from 'zod';
import { physicalName } from '#contracts/naming.ts';
import type { StreamName } from '#contracts/naming.ts';
import { FeedPage } from '#contracts/market/feed-view.ts';
import { EngineRunPage } from '#contracts/market/engine-run.ts';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { RunPage, RunRead } from '#contracts/runs/read.ts';
import { httpClient } from '#cli/client.ts';
import type { Client } from '#cli/client.ts';
import { localKinesis, readAll } from '#cli/up/stream-reader.ts';
import { WITNESS_STREAM } from '#tools/torture/witness.ts';
import { startSluice } from '#tools/torture/sluice-process.ts';
import type { ReadyLine } from '#tools/torture/sluice-process.ts';

/** Everything that must not depend on when the process was killed; operational members are left out. */
export interface Outcome {
  /** Records of the market stream as text, in order. */
  readonly market: readonly string[];
  /** The output stream in order, repeats included. */
  readonly events: readonly OrchestratorEvent[];
  /** What the witness wrote, if there was one. */
  readonly witnessed: ReadonlySet<string>;
  /** One line per task of every asset run: its state and what it is known by. */
  readonly tasks: readonly string[];
  /** One line per row of the read models of feeds, engine runs and asset runs. */
  readonly rows: readonly string[];
}

/** Serves the state directory, reads the outcome, and stops again. */
export const readOutcome = async (stateDir: string): Promise<Outcome> => {
  const server = startSluice(['up', '--state', stateDir, '--port', '0', '--aws-port', '0', '--json']);
  try {
    return await outcomeOf(await server.ready());
  } finally {
    server.signal('SIGTERM');
    await server.ended;
  }
};

/** Reads the outcome from a stack that serves it. */
export const outcomeOf = async ({
  url,
  awsUrl,
  tokenFile,
}: Pick<ReadyLine, 'url' | 'awsUrl' | 'tokenFile'>): Promise<Outcome> => {
  const token = readFileSync(tokenFile, 'utf8').trim();
  const client = httpClient({ url, token, workspace: 'main' });
  const runs = await assetRuns(client);
  const streamOf = (name: StreamName) => readTexts(awsUrl, physicalName('dev', name));
  return {
    market: await streamOf('market-events'),
    events: (await streamOf('orchestrator-events')).map((text) => OrchestratorEvent.parse(JSON.parse(text))),
    witnessed: new Set(await readTexts(awsUrl, WITNESS_STREAM)),
    tasks: runs.flatMap(({ runKey, tasks }) => tasks.map((task) => taskLine(runKey, task))),
    rows: [...(await feedRows(client)), ...runs.map(runLine)],
  };
};

const readTexts = async (awsUrl: string, streamName: string): Promise<readonly string[]> => {
  const client = localKinesis(awsUrl);
  try {
    const texts: string[] = [];
    for await (const data of readAll({ client, streamName, signal: new AbortController().signal }))
      texts.push(Buffer.from(data).toString('latin1'));
    return texts;
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return [];
    throw error;
  } finally {
    client.destroy();
  }
};

const PAGE = 200;

/** All pages of a list. */
const pages = async <Page extends { readonly nextCursor?: string | undefined }>(
  client: Client,
  path: string,
  schema: z.ZodType<Page>,
): Promise<readonly Page[]> => {
  const read: Page[] = [];
  let cursor: string | undefined;
  do {
    const page = schema.parse(await client.request('GET', path, { query: { limit: PAGE, cursor } }));
    read.push(page);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return read;
};

const assetRuns = async (client: Client): Promise<readonly RunRead[]> => {
  const items = (await pages(client, '{ws}/runs', RunPage)).flatMap(({ runs }) => runs);
  return Promise.all(
    items.map(async ({ runId }) => RunRead.parse(await client.request('GET', `{ws}/runs/${runId}`))),
  );
};

/**
 * How often a task was tried, when, and how much it found depend on the instant; that it has the same state, wrote
 * the same table and partition, and reported the same members does not.
 */
const taskLine = (runKey = '', task: RunRead['tasks'][number]): string => {
  const { taskKey, state, deltaTable, deltaPartition } = task;
  const reported = ['materializationId', 'rowCount', 'byteSize', 'deltaVersion'].filter(
    (name) => name in task,
  );
  return `${runKey} ${taskKey} ${state} ${deltaTable ?? ''} ${deltaPartition ?? ''} [${reported.join(' ')}]`;
};

const runLine = ({ runKey = '', state, taskCounts }: RunRead): string =>
  `run ${runKey} ${state} ${JSON.stringify(taskCounts)}`;

const feedRows = async (client: Client): Promise<readonly string[]> => {
  const feeds = (await pages(client, '{ws}/feeds', FeedPage)).flatMap((page) => page.feeds);
  const rows = await Promise.all(
    feeds.map(async (feed) => {
      const runs = (await pages(client, `{ws}/feeds/${feed.feedId}/runs`, EngineRunPage)).flatMap(
        (page) => page.runs,
      );
      return [
        `feed ${JSON.stringify({ ...feed, updatedAtMs: undefined })}`,
        ...runs.map((run) =>
          JSON.stringify({ ...run, completed_ts_ms: undefined, attempts: undefined }).replace(
            /^/,
            'engine run ',
          ),
        ),
      ];
    }),
  );
  return rows.flat();
};
