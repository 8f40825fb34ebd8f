import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { physicalName } from '#contracts/naming.ts';
import { createFeed, feedIds, marketStream, oneRun, outputStream } from '#test/support/one-run.ts';
import { serve, temporaryFolder } from '#test/support/process.ts';
import type { Serving } from '#test/support/process.ts';

const folder = temporaryFolder();
let serving: Serving;
beforeAll(async () => {
  serving = await serve(['--ephemeral']);
});
afterAll(() => serving.stop());

const run = promisify(execFile);
const eventually = { timeout: 60_000, interval: 500 };

/** `aws SERVICE OPERATION …` with credentials nobody issued; its JSON answer. */
const aws = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
  const { stdout } = await run(
    'aws',
    [...args, '--endpoint-url', serving.awsUrl, '--region', 'us-east-1', '--output', 'json'],
    {
      env: { ...process.env, AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'thing', AWS_PAGER: '' },
    },
  );
  return stdout.trim() === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>);
};

/** Undefined where there is no AWS CLI. */
const version = (): Promise<string | undefined> =>
  run('aws', ['--version']).then(
    ({ stdout, stderr }) => stdout + stderr,
    (error: unknown) => {
      expect(error).toMatchObject({ code: 'ENOENT' });
      return undefined;
    },
  );

const listsWhatIsDeployed = async (): Promise<void> => {
  const [tables, streams, queues, machines] = await Promise.all([
    aws('dynamodb', 'list-tables'),
    aws('kinesis', 'describe-stream-summary', '--stream-name', marketStream),
    aws('sqs', 'list-queues'),
    aws('stepfunctions', 'list-state-machines'),
  ]);
  expect(tables['TableNames']).toContain(physicalName('dev', 'ledger'));
  expect(streams).toMatchObject({ StreamDescriptionSummary: { StreamStatus: 'ACTIVE' } });
  expect(queues['QueueUrls']).toContain(
    `${serving.awsUrl}/000000000000/${physicalName('dev', 'engine-runs.fifo')}`,
  );
  expect(machines['stateMachines']).toMatchObject(
    ['feed-recovery', 'retry-task'].map((name) => ({ name: physicalName('dev', name) })),
  );
};

const producesAndConsumes = async (): Promise<void> => {
  await createFeed(serving.client, 'cli');
  await expect.poll(() => feedIds(serving.client), eventually).toContain('cli');
  for (const [index, record] of oneRun('cli').entries()) {
    // As bytes of a file, which both major versions of the CLI read alike.
    const file = path.join(folder, `record-${index}`);
    writeFileSync(file, record);
    const data = ['--partition-key', 'cli', '--data', `fileb://${file}`];
    await aws('kinesis', 'put-record', '--stream-name', marketStream, ...data);
  }
  const shard = ['--shard-id', 'shardId-000000000000', '--shard-iterator-type', 'TRIM_HORIZON'];
  const { ShardIterator } = await aws(
    'kinesis',
    'get-shard-iterator',
    '--stream-name',
    outputStream,
    ...shard,
  );
  const read = async (): Promise<readonly string[]> => {
    const { Records } = await aws('kinesis', 'get-records', '--shard-iterator', String(ShardIterator));
    return (Records as readonly { readonly Data: string }[]).map(({ Data }) => {
      const event = JSON.parse(Buffer.from(Data, 'base64').toString('utf8')) as { event_type: string };
      return event.event_type;
    });
  };
  await expect
    .poll(read, eventually)
    .toEqual(['EngineRunStarted', 'HysteresisDecisionPublished', 'EngineRunCompleted']);
};

const sendsAndReceives = async (): Promise<void> => {
  const { QueueUrl } = await aws('sqs', 'create-queue', '--queue-name', 'cli-queue');
  const queue = ['--queue-url', String(QueueUrl)];
  await aws('sqs', 'send-message', ...queue, '--message-body', 'a < b & "c"');
  const { Messages } = await aws('sqs', 'receive-message', ...queue);
  expect(Messages).toMatchObject([{ Body: 'a < b & "c"' }]);
  await aws('sqs', 'delete-queue', ...queue);
};

const startsAndDescribes = async (): Promise<void> => {
  const States = { Say: { Type: 'Pass', Output: { said: '{% $states.input.word %}' }, End: true } };
  const definition = JSON.stringify({ QueryLanguage: 'JSONata', StartAt: 'Say', States });
  const role = ['--role-arn', 'arn:aws:iam::000000000000:role/any'];
  const machine = await aws(
    ...['stepfunctions', 'create-state-machine', '--name', 'cli-machine'],
    ...['--definition', definition, ...role],
  );
  const arn = ['--state-machine-arn', String(machine['stateMachineArn'])];
  const started = await aws('stepfunctions', 'start-execution', ...arn, '--input', '{"word":"hello"}');
  const execution = ['--execution-arn', String(started['executionArn'])];
  await expect
    .poll(() => aws('stepfunctions', 'describe-execution', ...execution), eventually)
    .toMatchObject({ status: 'SUCCEEDED', output: '{"said":"hello"}' });
  await aws('stepfunctions', 'delete-state-machine', ...arn);
};

it('serves the AWS CLI as lister, producer and consumer, wherever one is installed', async () => {
  if ((await version()) === undefined) return;

  await listsWhatIsDeployed();
  await Promise.all([producesAndConsumes(), sendsAndReceives(), startsAndDescribes()]);
});
