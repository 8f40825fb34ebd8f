/** Stacks in virtual time with something of everything in them: a manifest, runs, a feed and its engine runs. */
import { readFileSync } from 'node:fs';
import { storesOf } from '#cli/offline/stores.ts';
import type { Stores } from '#cli/offline/stores.ts';
import { blobsBucketName } from '#contracts/naming.ts';
import type { Cloud } from '#local/boot/cloud.ts';
import { inProject } from '#test/support/tracked-files.ts';

const WORKSPACE = '/v1/workspaces/main';
const STREAM = 'sluice-dev-market-events';

/** Asks the HTTP API as an administrator; throws on a refusal. */
export const ask = async (cloud: Cloud, method: string, path: string, body?: unknown): Promise<unknown> => {
  const token = cloud.mintToken({ sub: 'tester', tenant_id: 'local', workspace_id: '*', role: 'admin' });
  const answer = await cloud.request(method, WORKSPACE + path, {
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body }),
  });
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json();
};

const readJson = (name: string): unknown => JSON.parse(readFileSync(inProject(name), 'utf8'));

/** The stores of the cloud, as the commands see them; waiting moves its time. */
export const storesOfCloud = (cloud: Cloud): Stores =>
  storesOf({
    stage: 'dev',
    plugin: cloud.plugin,
    bucket: blobsBucketName('dev', '000000000000'),
    pause: (waitMs) => cloud.advance(waitMs),
    nowMs: () => cloud.clock.nowMs(),
  });

/** Lines of the demo tape. */
export const tapeLines = (from: number, to: number): readonly string[] =>
  readFileSync(inProject('events/tapes/demo.jsonl'), 'utf8').split('\n').slice(from, to);

/** Puts records on the market stream as a producer would. */
export const putRecords = async (cloud: Cloud, lines: readonly string[]): Promise<void> => {
  for (const [index, line] of lines.entries()) {
    await cloud.call('kinesis', 'PutRecord', {
      StreamName: STREAM,
      PartitionKey: 'demo|BTC-PERP|trades',
      Data: Buffer.from(line).toString('base64'),
    });
    if (index % 100 === 99) await cloud.settle();
  }
  await cloud.settle();
};

/** Deploys, starts two runs and finishes a task of one, creates the feed and plays a part of the demo tape. */
export const makeBusy = async (cloud: Cloud): Promise<void> => {
  await ask(cloud, 'POST', '/manifests', readJson('events/demo.manifest.json'));
  await ask(cloud, 'PUT', '/feeds/demo', readJson('events/tapes/demo.feed.json'));
  await cloud.settle();
  for (const runKey of ['one', 'two'])
    await ask(cloud, 'POST', '/runs', { selection: ['demo.bars', 'demo.regimes'], runKey });
  await cloud.settle();
  await finishTask(cloud);
  await putRecords(cloud, tapeLines(0, 400));
};

interface Task {
  readonly taskId: string;
  readonly attempt: number;
  readonly attemptId: string;
  readonly taskToken: string;
}

const finishTask = async (cloud: Cloud): Promise<void> => {
  const { tasks } = (await ask(cloud, 'POST', '/workers/claim', { workerId: 'w1' })) as { tasks: Task[] };
  const [task] = tasks;
  if (!task) throw new Error('no task was ready');
  const { taskId, attempt, attemptId, taskToken } = task;
  const answer = await cloud.request('POST', `/v1/callbacks/${taskId}/completed`, {
    headers: { authorization: `Bearer ${taskToken}` },
    body: { attempt, attemptId, workerId: 'w1', outcome: 'SUCCEEDED' },
  });
  if (answer.status !== 200) throw new Error(`completed: ${answer.status} ${answer.text}`);
  await cloud.settle();
};
