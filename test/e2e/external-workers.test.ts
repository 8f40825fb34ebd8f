/**
 * Workers outside the stack share the tasks of one run by their queues: in bash with curl, in TypeScript, and one that is
 * sent its tasks over SQS.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { AttemptList } from '#contracts/runs/read.ts';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { readDocument } from '#cli/commands/read-document.ts';
import { awsClients } from '#test/support/aws-clients.ts';
import { lossyDoor } from '#test/support/lossy-door.ts';
import type { LossyDoor } from '#test/support/lossy-door.ts';
import { serve, temporaryFolder } from '#test/support/process.ts';
import type { Serving } from '#test/support/process.ts';
import { repositoryRoot, startSluice } from '#tools/torture/sluice-process.ts';
import type { SluiceProcess } from '#tools/torture/sluice-process.ts';

const QueueName = 'sluice-dev-worker-yw3l55s5hy-ext';
const folder = temporaryFolder();
const place = (name: string): string => path.join(folder, name);

/** What the worker in bash runs: one task fails once, one goes on until it is told to stop. */
const COMMAND = `
case $SLUICE_TASK_KEY in
  ext.flaky)
    if [ "$SLUICE_ATTEMPT" = 1 ]; then echo 'a "loose" cable' >&2; exit 75; fi ;;
  ext.strict) echo 'no rows' >&2; exit 65 ;;
  ext.garbled) echo '{"rows":1}' ; exit 0 ;;
  ext.slow)
    trap 'touch "$MARKS/stopped"; exit 1' TERM
    touch "$MARKS/working"
    while :; do sleep 0.1; done ;;
esac
echo "token=[$SLUICE_TOKEN]" > "$MARKS/token"
printf '{"rowCount":390,"deltaTable":"%s","deltaVersion":%s,"deltaPartition":"%s"}' \\
  "$SLUICE_TASK_KEY" 42 "$SLUICE_PARTITION_KEY"
`;

const asset = (name: string, queue: string, upstream: readonly string[] = []) => {
  const [namespace = '', last = ''] = name.split('.');
  const dependencies = upstream.map((key) => {
    const [upNamespace = '', upName = ''] = key.split('.');
    return { upstreamKey: { namespace: upNamespace, name: upName } };
  });
  const retry = { baseMs: 100, maxAttempts: 2 };
  const partitioning = { dimensions: [{ name: 'date', kind: 'time', granularity: 'day' }] };
  return {
    key: { namespace, name: last },
    id: name,
    dependencies,
    partitioning,
    execution: { queue, heartbeatTimeoutSec: 30, retry },
  };
};
const manifest = {
  manifestVersion: '1.0',
  codeVersionId: 'ext-1',
  assets: [
    asset('ext.extract', 'bash-queue'),
    asset('ext.flaky', 'bash-queue', ['ext.extract']),
    asset('demo.regimes', 'default-queue', ['ext.extract']),
    asset('ext.sent', 'sent-queue', ['ext.extract']),
    asset('ext.load', 'bash-queue', ['ext.flaky', 'demo.regimes', 'ext.sent']),
    ...['ext.slow', 'ext.strict', 'ext.garbled'].map((name) => asset(name, 'bash-queue')),
  ],
};

let serving: Serving;
let typescript: SluiceProcess;
let overSqs: SluiceProcess;
let door: LossyDoor;
let bash: ReturnType<typeof startBash>;

const startBash = () => {
  writeFileSync(place('command.sh'), COMMAND);
  const child = spawn(path.join(repositoryRoot, 'docs/examples/worker.sh'), ['sh', place('command.sh')], {
    env: {
      ...{ PATH: process.env['PATH'], HOSTNAME: 'plain', MARKS: folder },
      ...{ SLUICE_URL: door.url, SLUICE_TOKEN: serving.token, SLUICE_QUEUE: 'bash-queue' },
      ...{ SLUICE_WAIT_MS: '1000', SLUICE_BEAT_SEC: '0.3' },
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  createInterface(child.stderr).on('line', (line) => said.push(line));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { said, ended, stop: () => void child.kill('SIGTERM') };
};

beforeAll(async () => {
  serving = await serve(['--ephemeral']);
  const feed = readDocument(path.join(repositoryRoot, 'events/tapes/demo.feed.json'));
  await serving.client.request('PUT', '{ws}/feeds/demo', { body: feed });
  await serving.client.request('POST', '{ws}/manifests', { body: manifest });
  const { sqs, destroy } = awsClients(serving.awsUrl);
  await sqs.send(new CreateQueueCommand({ QueueName }));
  destroy();
  const location = { workerQueue: 'sent-queue', queueName: QueueName };
  await serving.client.request('PUT', '{ws}/execution-locations/ext', { body: location });
  door = await lossyDoor(serving.url);
  bash = startBash();
  typescript = startSluice(['worker'], {
    environment: { SLUICE_URL: serving.url, SLUICE_TOKEN: serving.token },
  });
  overSqs = startSluice(['worker', '--sqs', QueueName], {
    environment: {
      SLUICE_URL: serving.url,
      SLUICE_TOKEN: serving.token,
      AWS_ENDPOINT_URL: serving.awsUrl,
    },
  });
  await Promise.all([typescript.remark(/claims from/), overSqs.remark(/receives from the SQS queue/)]);
});
afterAll(async () => {
  bash.stop();
  typescript.signal('SIGTERM');
  overSqs.signal('SIGTERM');
  await Promise.all([bash.ended, typescript.ended, overSqs.ended]);
  door.close();
  await serving.stop();
});

const start = async (...selection: readonly string[]): Promise<string> => {
  const answer = await serving.client.request('POST', '{ws}/runs', {
    body: { selection, includeUpstream: true, partitions: [{ key: 'date', value: '2026-01-02' }] },
  });
  return z.object({ runId: z.string() }).parse(answer).runId;
};
const Run = z.object({
  state: z.string(),
  tasks: z.array(z.object({ taskKey: z.string(), state: z.string() })),
});
const runIn = (runId: string, state: string) =>
  vi.waitFor(
    async () => {
      const run = Run.parse(await serving.client.request('GET', `{ws}/runs/${runId}`));
      expect(run.state).toBe(state);
      return run;
    },
    { timeout: 60_000, interval: 200 },
  );
const attempts = async (runId: string, taskKey: string) =>
  AttemptList.parse(await serving.client.request('GET', `{ws}/runs/${runId}/tasks/${taskKey}/attempts`))
    .attempts;

it('brings a run to its end between them, retries what fails once, and keeps lineage', async () => {
  const runId = await start('ext.load');

  const { tasks } = await runIn(runId, 'SUCCEEDED');

  expect(tasks.map(({ taskKey, state }) => `${taskKey} ${state}`).sort()).toEqual(
    ['demo.regimes', 'ext.extract', 'ext.flaky', 'ext.load', 'ext.sent'].map((key) => `${key} SUCCEEDED`),
  );
  const [extract, flaky, regimes, sent, load] = await Promise.all(
    ['ext.extract', 'ext.flaky', 'demo.regimes', 'ext.sent', 'ext.load'].map((key) => attempts(runId, key)),
  );
  // Claim, start and end of the first task lost their answers, and were said again.
  expect([...door.lost].sort()).toEqual(['claim', 'completed', 'heartbeat', 'started']);
  expect(extract).toMatchObject([{ state: 'SUCCEEDED' }]);
  expect(flaky).toMatchObject([
    { state: 'FAILED', error: { category: 'INFRASTRUCTURE', message: 'a "loose" cable' } },
    { state: 'SUCCEEDED' },
  ]);
  expect(regimes).toMatchObject([{ error: { category: 'INFRASTRUCTURE' } }, { state: 'SUCCEEDED' }]);
  expect(sent).toMatchObject([{ state: 'SUCCEEDED', output: { deltaTable: 'ext.sent' } }]);
  expect(load).toMatchObject([
    {
      workerId: expect.stringMatching(/^plain-\d+$/),
      output: {
        rowCount: 390,
        deltaTable: 'ext.load',
        deltaVersion: 42,
        deltaPartition: 'date=d:2026-01-02',
      },
    },
  ]);
  expect(readFileSync(place('token'), 'utf8')).toBe('token=[]\n');
});

it('stops the command of a task that is cancelled', async () => {
  const runId = await start('ext.slow');
  await vi.waitFor(() => expect(existsSync(place('working'))).toBe(true), { timeout: 30_000, interval: 100 });
  await serving.client.request('POST', `{ws}/runs/${runId}/cancel`, { body: { reason: 'the wrong day' } });

  await runIn(runId, 'CANCELLED');

  expect(existsSync(place('stopped'))).toBe(true);
  expect(await attempts(runId, 'ext.slow')).toMatchObject([{ state: 'CANCELLED' }]);
});

it('says by the exit code why a command failed, and by the answer why its output did not do', async () => {
  const runId = await start('ext.strict', 'ext.garbled');

  await runIn(runId, 'FAILED');

  expect(await attempts(runId, 'ext.strict')).toMatchObject([
    { error: { category: 'DATA_QUALITY', message: 'no rows' } },
  ]);
  const refused = {
    error: { category: 'USER_CODE', message: expect.stringMatching(/report was refused: \S/) },
  };
  expect(await attempts(runId, 'ext.garbled')).toMatchObject([refused, refused]);
});

it('ends by itself when its claims are refused', async () => {
  const wrong = startSluice(['worker'], { environment: { SLUICE_URL: serving.url, SLUICE_TOKEN: 'wrong' } });

  expect((await wrong.ended).code).toBe(1);
  expect(wrong.stderr.at(-1)).toMatch(/^invalid_token: the claim was refused: /);
});

it('ends when it is told to, in the midst of work when told again, and has told nobody a token', async () => {
  rmSync(place('working'));
  const runId = await start('ext.slow');
  await vi.waitFor(() => expect(existsSync(place('working'))).toBe(true), { timeout: 30_000, interval: 100 });
  typescript.signal('SIGTERM');
  overSqs.signal('SIGTERM');
  const telling = setInterval(bash.stop, 200);

  expect([await bash.ended, (await typescript.ended).code, (await overSqs.ended).code]).toEqual([0, 0, 0]);

  clearInterval(telling);
  expect((await attempts(runId, 'ext.slow'))[0]).toMatchObject({
    state: 'FAILED',
    error: { category: 'INFRASTRUCTURE' },
  });
  const said = [...bash.said, ...typescript.stderr, ...overSqs.stderr].join('\n');
  expect(said).toMatch(/ext\.load attempt 1 ended \(0\), reported: 200/);
  expect(said).not.toMatch(/eyJ|Bearer/);
});
