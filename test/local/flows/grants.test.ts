/** The grants of the template are what functions need: one that is missing is refused by name, and none is idle. */
import { describe, expect, it } from 'vitest';

import { sha256Base32 } from '#domain/kernel/hash.ts';
import type { FaultRule } from '#local/dispatch/faults.ts';
import { apiOf, bootTestCloud, inMain, START_MS } from '#test/support/cloud.ts';
import type { Api, TestCloud } from '#test/support/cloud.ts';
import {
  callback,
  claim,
  claimOne,
  deploy,
  fail,
  listedRun,
  readRun,
  succeed,
  trigger,
  wideAssets,
  workOff,
} from '#test/support/cloud-assets.ts';
import {
  engineRuns,
  marketEvent,
  minuteFeed,
  published,
  putRecords,
  snapshotInputs,
  startFeed,
  trade,
} from '#test/support/cloud-market.ts';
import { itemsOf, executionsOf } from '#test/support/cloud-stores.ts';
import { edited, ofType } from '#test/support/edited-assembly.ts';
import type { Template } from '#test/support/edited-assembly.ts';

const MINUTE_MS = 60_000;

interface Statement {
  Action: string | string[];
}

/** Takes an action out of every statement of one role. */
const without =
  (roleName: string, action: string) =>
  (resources: Template): void => {
    for (const [, { Properties }] of ofType(resources, 'AWS::IAM::Role')) {
      if (Properties['RoleName'] !== roleName) continue;
      const policies = Properties['Policies'] as { PolicyDocument: { Statement: Statement[] } }[];
      for (const { PolicyDocument: document } of policies) {
        for (const statement of document.Statement)
          statement.Action = [statement.Action].flat().filter((name) => name !== action);
        document.Statement = document.Statement.filter(({ Action }) => Action.length > 0);
      }
    }
  };

const bootWithout = async (roleName: string, action: string): Promise<Api> =>
  apiOf(
    await bootTestCloud(
      { assemblyDir: await edited(without(roleName, action)) },
      { areDenialsExpected: true },
    ),
  );

const oneEngineRun = async (api: Api): Promise<void> => {
  await startFeed(api);
  await putRecords(api.cloud, [snapshotInputs('AAA', MINUTE_MS, 1_000), trade('AAA', MINUTE_MS + 1)]);
  await api.cloud.settle();
};

/** The only thing that was refused, as `role action resource`. */
const denied = (cloud: TestCloud): readonly string[] => [
  ...new Set(
    cloud.access().denials.map(({ principal, action, resource }) => {
      const [, role] = principal.split('/');
      return `${String(role)} ${action} ${resource.split(':').at(-1) ?? ''}`;
    }),
  ),
];

describe('a flow fails with the named denial when the template no longer grants', () => {
  it('the API its append to the ledger', async () => {
    const api = await bootWithout('sluice-dev-api-runs-function', 'dynamodb:PutItem');

    await expect(deploy(api, { a: [] })).rejects.toThrow(/500|503/);
    expect(denied(api.cloud)).toEqual([
      'sluice-dev-api-runs-function dynamodb:PutItem table/sluice-dev-ledger',
    ]);
    expect(api.cloud.faultLines().join('\n')).toContain('not authorized to perform: dynamodb:PutItem');
  });

  it('the compactor its write to the read models', async () => {
    const api = await bootWithout('sluice-dev-compact-function', 'dynamodb:PutItem');
    await deploy(api, { a: [] });
    const runId = await trigger(api, ['a']);
    await api.cloud.settle();

    expect(await readRun(api, runId)).toMatchObject({ state: 'RUNNING' });
    expect(await listedRun(api, runId)).toBeUndefined();
    expect(denied(api.cloud)).toEqual([
      'sluice-dev-compact-function dynamodb:PutItem table/sluice-dev-views',
    ]);
  });

  it('the publisher its put to the output stream', async () => {
    const api = await bootWithout('sluice-dev-publish-function', 'kinesis:PutRecord');
    await oneEngineRun(api);

    expect(await engineRuns(api)).toMatchObject([{ status: 'completed' }]);
    expect(await published(api.cloud)).toEqual([]);
    expect(denied(api.cloud)).toEqual([
      'sluice-dev-publish-function kinesis:PutRecord stream/sluice-dev-orchestrator-events',
    ]);
  });

  it('a run key its secret', async () => {
    const api = await bootWithout('sluice-dev-api-runs-function', 'secretsmanager:GetSecretValue');
    await deploy(api, { a: [] });

    await expect(trigger(api, ['a'], { runKey: 'k' })).rejects.toThrow(/500/);
    expect(denied(api.cloud)).toMatchObject([/secretsmanager:GetSecretValue sluice-dev-run-id-key-/]);
  });

  it('the callback its secret', async () => {
    const api = await bootWithout('sluice-dev-task-callback-function', 'secretsmanager:GetSecretValue');
    await deploy(api, { a: [] });
    await trigger(api, ['a']);

    const { status } = await succeed(api, await claimOne(api));

    expect(status).toBeGreaterThanOrEqual(500);
    expect(denied(api.cloud)).toMatchObject([/secretsmanager:GetSecretValue sluice-dev-task-token-key-/]);
  });

  it('the machine its function: the retry then waits for the sweeper', async () => {
    const api = await bootWithout('sluice-dev-retry-task-machine', 'lambda:InvokeFunction');
    await deploy(api, { a: { execution: { retry: { baseMs: 1_000 } } } });
    await trigger(api, ['a']);
    await fail(api, await claimOne(api));
    await api.cloud.advance(2_000);

    expect(await claim(api)).toEqual([]);
    expect(denied(api.cloud)).toEqual(['sluice-dev-retry-task-machine lambda:InvokeFunction live']);
    await api.cloud.advance(5 * MINUTE_MS);
    expect(await claimOne(api)).toMatchObject({ attempt: 2 });
  });
});

/** Work of runs: retries by machine and by sweep, a request told twice, many tasks at once. */
const workOfRuns = async (api: Api): Promise<void> => {
  const { cloud } = api;
  await deploy(api, { a: { execution: { retry: { baseMs: 1_000 } } } });
  await trigger(api, ['a'], { runKey: 'twice' });
  await fail(api, await claimOne(api));
  for (const { executionArn } of await executionsOf(cloud, 'retry-task'))
    await cloud.call('states', 'StopExecution', { executionArn });
  await trigger(api, ['a'], { runKey: 'twice' });
  await cloud.advance(5 * MINUTE_MS);
  await fail(api, await claimOne(api));
  await cloud.advance(MINUTE_MS);
  await workOff(api);
  await trigger(api, ['a']);
  const logged = await claimOne(api);
  await callback(api, 'logs', logged, { stdout: 'done' });
  await cloud.settle();
  await api.must('GET', inMain(`/runs/${logged.runId}/logs`));
  await succeed(api, logged);
  await api.ask('GET', inMain(`/runs/${logged.runId}/events/stream`));
  const many = wideAssets(20);
  await deploy(api, many);
  await trigger(api, Object.keys(many));
  await workOff(api);
  await cloud.settle();
};

/** A manifest whose body somebody deleted. */
const missingBody = async ({ cloud, ...api }: Api): Promise<void> => {
  const Bucket = 'sluice-dev-blobs-000000000000';
  const { Contents } = await cloud.call('s3', 'ListObjectsV2', { Bucket });
  for (const { Key } of Contents as readonly { Key: string }[])
    await cloud.call('s3', 'DeleteObject', { Bucket, Key });
  const { manifests } = await api.must('GET', inMain('/manifests'));
  const [{ manifestId } = { manifestId: '' }] = manifests as readonly { manifestId: string }[];
  await api.ask('GET', inMain(`/manifests/${manifestId}`));
};

/** Work of feeds: runs by the record's clock and by timer, a chunk too large for an item, a record nobody takes. */
const workOfFeeds = async (api: Api): Promise<void> => {
  const { cloud } = api;
  await oneEngineRun(api);
  const noise = Array.from({ length: 900 }, (_, index) =>
    marketEvent({ symbol: 'AAA', recvTsMs: MINUTE_MS + 2 + index }, 'TradeTick', {
      price: Math.sin(index) * 1e6,
      quantity: Math.cos(index) * 1e6,
      side: 'buy',
      trade_id: Buffer.from(String(Math.sin(index * 7)))
        .toString('hex')
        .repeat(6),
    }),
  );
  await putRecords(cloud, noise);
  await putRecords(cloud, [
    snapshotInputs('AAA', 2 * MINUTE_MS, MINUTE_MS + 2_000),
    trade('AAA', 2 * MINUTE_MS + 1),
    { partitionKey: 'x', data: 'no record' },
  ]);
  await cloud.settle();
  const sources = [{ source_id: 'live', symbols: ['BBB'] }];
  const buffer_retention = { delete_pruned: true };
  await startFeed(api, 'live', minuteFeed({ clock: 'arrival', sources, buffer_retention }));
  const spilling = { max_records: 2, on_full: 'spill' };
  const full = [{ source_id: 'full', symbols: ['CCC'] }];
  await startFeed(
    api,
    'full',
    minuteFeed({ clock: 'arrival', sources: full, buffer_retention: spilling, emit_skipped: false }),
  );
  const at = cloud.clock.nowMs();
  await putRecords(
    cloud,
    [1, 2, 3].map((each) =>
      marketEvent({ symbol: 'CCC', recvTsMs: at + each, sourceId: 'full' }, 'MarkPrice', { mark_price: 1 }),
    ),
  );
  await putRecords(cloud, [
    marketEvent({ symbol: 'BBB', recvTsMs: at, sourceId: 'live' }, 'SnapshotInputs', {
      timestamp_ms: Math.ceil(at / MINUTE_MS) * MINUTE_MS,
      market: { price: 100 },
    }),
  ]);
  await cloud.advance(3 * MINUTE_MS);
  await api.must('GET', inMain('/feeds/live/gates'));
};

/** What a queue gave up on is told to the aggregate behind it. */
const deadLetter = async ({ cloud }: Api, stream: string): Promise<void> => {
  const QueueUrl = 'http://127.0.0.1/000000000000/sluice-dev-timers-dead';
  await cloud.call('sqs', 'SendMessage', { QueueUrl, MessageBody: JSON.stringify({ stream }) });
  await cloud.settle();
};

/** A command as its caller would queue it. */
const queueCommand = async (cloud: TestCloud, stream: string, command: object): Promise<void> => {
  const [QueueUrl, id] = [
    'http://127.0.0.1/000000000000/sluice-dev-commands.fifo',
    sha256Base32(JSON.stringify([stream, command])),
  ];
  await cloud.call('sqs', 'SendMessage', {
    QueueUrl,
    MessageGroupId: id,
    MessageDeduplicationId: id,
    MessageBody: JSON.stringify({
      kind: 'callback',
      stream,
      command,
      commandId: id,
      actor: { kind: 'service', id: 'test' },
      correlationId: id,
    }),
  });
  await cloud.settle();
};

/** Runs without workers, a command that breaks an invariant, and read models that somebody lost. */
const workOfTheRest = async (api: Api): Promise<void> => {
  const { cloud } = api;
  await deploy(api, { n: { execution: { runner: 'noop' } } });
  const runId = await trigger(api, ['n']);
  await cloud.settle();
  const stream = `run#local/main/${runId}`;
  await queueCommand(cloud, stream, { type: 'CompleteTask', taskKey: 'demo.n' });
  for (const { pk, sk } of await itemsOf(cloud, 'views'))
    if (pk?.S === stream)
      await cloud.call('dynamodb', 'DeleteItem', { TableName: 'sluice-dev-views', Key: { pk, sk } });
  await cloud.advance(20 * MINUTE_MS);
};

/** Tasks of two execution locations, a queue and a function that is not there: to be refused one has to be let in. */
const workOfLocations = async (api: Api): Promise<void> => {
  const queueName = 'sluice-dev-worker-yw3l55s5hy-gpu';
  await api.cloud.call('sqs', 'CreateQueue', { QueueName: queueName });
  await api.must('PUT', inMain('/execution-locations/gpu'), { workerQueue: 'gpu', queueName });
  const functionName = 'sluice-dev-worker-yw3l55s5hy-fn';
  await api.must('PUT', inMain('/execution-locations/fn'), {
    kind: 'lambda',
    workerQueue: 'fn',
    functionName,
  });
  await deploy(api, { g: { execution: { queue: 'gpu' } }, f: { execution: { queue: 'fn' } } });
  await trigger(api, ['g', 'f']);
  await api.cloud.settle();
};

/** A halt whose execution is lost, asked for again, replaced, and answered when a person resumes. */
const workOfRecovery = async (api: Api): Promise<void> => {
  const { cloud } = api;
  const config = minuteFeed({ recovery: { reminder_ms: MINUTE_MS } });
  await startFeed(api, 'halted', config);
  await queueCommand(cloud, 'feed#local/main/halted', {
    type: 'HaltPublication',
    symbol: 'AAA',
    blockedSinceMs: 1,
    attempts: 1,
    errorDetail: 'refused',
  });
  for (const { executionArn } of await executionsOf(cloud, 'feed-recovery'))
    await cloud.call('states', 'StopExecution', { executionArn });
  await startFeed(api, 'halted', config);
  await cloud.advance(20 * MINUTE_MS);
  await api.must('POST', inMain('/feeds/halted/resume'), { reason: 'mended' });
  await cloud.settle();
};

/** Three tries of one delivery are refused: the fourth comes by message. */
const refusedOnce: FaultRule = {
  service: 'kinesis',
  operation: 'PutRecord',
  resource: 'sluice-dev-orchestrator-events',
  kind: 'throttle',
  hitsMax: 3,
};

it('grants nothing that no function needs', async () => {
  const cloud = await bootTestCloud({ faults: [refusedOnce] });
  const api = apiOf(cloud);
  expect(cloud.clock.nowMs()).toBe(START_MS);

  await workOfRuns(api);
  await missingBody(api);
  await workOfFeeds(api);
  await workOfTheRest(api);
  await workOfRecovery(api);
  await workOfLocations(api);
  await deadLetter(api, 'feed#local/main/feed');

  const grants = Object.values(cloud.access().grants).flat();
  const nameOf = ({ action, resource }: (typeof grants)[number]): string => `${action} ${resource}`;
  const used = new Set(grants.filter(({ isUsed }) => isUsed).map(nameOf));
  // Logs and traces are written by the services themselves, not by calls of functions.
  const idle = grants.map(nameOf).filter((name) => !used.has(name) && !/^(logs|xray):/.test(name));
  expect([...new Set(idle)]).toEqual([]);
  expect(used.size).toBeGreaterThan(40);
});
