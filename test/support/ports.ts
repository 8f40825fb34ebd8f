/** The stores, queues and streams of a stage in the process: the engines behind the real SDK, on a virtual clock. */
import { createDispatcher } from '#local/dispatch/dispatcher.ts';
import type { Dispatcher } from '#local/dispatch/dispatcher.ts';
import { createFaults, seededChance } from '#local/dispatch/faults.ts';
import type { Fault, FaultRule, Faults } from '#local/dispatch/faults.ts';
import { createDynamo } from '#local/dynamodb/engine.ts';
import type { Dynamo } from '#local/dynamodb/engine.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import type { VirtualClock } from '#local/kernel/clock.ts';
import type { Engine, Json, ServiceName } from '#local/kernel/engine.ts';
import { memoryJournal } from '#local/kernel/journal.ts';
import { createKinesis } from '#local/kinesis/engine.ts';
import { createS3 } from '#local/s3/engine.ts';
import { createSdkHost } from '#local/sdk/sdk-host.ts';
import type { Fidelity, SdkHost } from '#local/sdk/sdk-host.ts';
import { createSecrets } from '#local/secrets/engine.ts';
import { memoryVault } from '#local/secrets/vault.ts';
import { createSqs } from '#local/sqs/engine.ts';
import { createStepFunctions } from '#local/stepfunctions/engine.ts';
import type { RunTask } from '#local/stepfunctions/run.ts';
import type { WireHandler } from '#local/wire/message.ts';
import { createWire } from '#local/wire/wire.ts';

export const START_MS = Date.UTC(2026, 0, 5, 9, 30);
const REGION = 'us-east-1';
const ACCOUNT = '000000000000';
const QUEUES = [
  'engine-runs.fifo',
  'commands.fifo',
  'sweep',
  'timers',
  'compactions',
  'publications',
  'inline-runs',
  'function-tasks',
  'market-dead-letters',
] as const;

export interface LocalStage {
  readonly clock: VirtualClock;
  readonly dynamo: Dynamo;
  readonly dispatcher: Dispatcher;
  /** For the clients of the adapters, and with a clock for whole handlers. */
  readonly plugin: SdkHost & {
    readonly nowMs: () => number;
    readonly sleep: (waitMs: number) => Promise<void>;
    readonly fetch: typeof globalThis.fetch;
    readonly write: (line: string) => void;
  };
  /** Requests since the last call, by `service.operation`. */
  readonly requests: () => Readonly<Record<string, number>>;
  /** From now on requests meet these faults. */
  readonly inject: (...rules: readonly FaultRule[]) => void;
  readonly injected: () => readonly Fault[];
  /** Log lines and metrics so far, parsed. */
  readonly lines: () => readonly Json[];
  readonly queueUrl: (name: string) => string;
  /** Takes every message that is visible in a queue, in order. */
  readonly drain: (name: string) => Promise<readonly Json[]>;
  /** Settings of any function of this stage. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface StageOptions {
  /** `bytes` (default) never retries; `handler` has the SDK's own retries. */
  readonly fidelity?: Fidelity;
  /** Answers the tasks of state machines; by default with nothing. */
  readonly runTask?: RunTask;
  readonly fetch?: typeof globalThis.fetch;
  /** What each request waits for before it is answered: the order of requests that race is then the test's. */
  readonly gate?: () => Promise<unknown>;
}

/** An empty stage. */
export const localStage = async (options: StageOptions = {}): Promise<LocalStage> => {
  const clock = virtualClock(START_MS);
  const setting = {
    clock,
    journal: memoryJournal,
    chance: seededChance(1),
    region: REGION,
    accountId: ACCOUNT,
  };
  const dynamo = createDynamo(setting, { streamShardCount: 1 });
  const engines: Partial<Record<ServiceName, Engine>> = {
    dynamodb: dynamo.tables,
    dynamodbstreams: dynamo.streams,
    kinesis: createKinesis({ ...setting, throttle: false }).engine,
    sqs: createSqs(setting).engine,
    s3: createS3(setting),
    secretsmanager: createSecrets({ ...setting, vault: memoryVault() }),
    states: createStepFunctions({ ...setting, runTask: options.runTask ?? (() => Promise.resolve({})) })
      .engine,
  };
  let faults: Faults = createFaults({ rules: [], seed: 1, clock });
  const dispatcher = createDispatcher({
    engines,
    journal: memoryJournal,
    faults: {
      next: (request) => faults.next(request),
      wait: (fault) => faults.wait(fault),
      injected: () => faults.injected(),
    },
  });
  const wire = createWire({ dispatcher, accountId: ACCOUNT });
  const handle: WireHandler = async (request) => {
    await options.gate?.();
    return wire.handle(request);
  };
  const host = createSdkHost({ handle, fidelity: options.fidelity ?? 'bytes', region: REGION });
  const written: string[] = [];
  const queueUrls = await provision(dispatcher);
  dispatcher.reset();
  const queueUrl = (name: string): string => queueUrls.get(name) ?? '';
  return {
    clock,
    dynamo,
    dispatcher,
    plugin: {
      ...host,
      nowMs: clock.nowMs,
      sleep: (waitMs) => {
        clock.jump(clock.nowMs() + waitMs);
        return Promise.resolve();
      },
      fetch: options.fetch ?? (() => Promise.reject(new Error('nothing is fetched here'))),
      write: (line) => void written.push(line),
    },
    requests: () => {
      const counts = dispatcher.counts();
      dispatcher.reset();
      return counts;
    },
    inject: (...rules) => {
      faults = createFaults({ rules, seed: 1, clock });
    },
    injected: () => faults.injected(),
    lines: () => written.map((line) => JSON.parse(line) as Json),
    queueUrl,
    drain: (name) => drain(dispatcher, queueUrl(name)),
    environment: environmentOf(queueUrl),
  };
};

const environmentOf = (queueUrl: (name: string) => string): Readonly<Record<string, string>> => ({
  STAGE: 'dev',
  TENANT_ID: 'acme',
  WORKSPACE_ID: 'prod',
  LEDGER_TABLE: 'ledger',
  VIEWS_TABLE: 'views',
  CONTROL_TABLE: 'control',
  BLOBS_BUCKET: 'blobs',
  MARKET_STREAM: 'market-events',
  OUTPUT_STREAM: 'orchestrator-events',
  ENGINE_RUNS_QUEUE_URL: queueUrl('engine-runs.fifo'),
  COMMANDS_QUEUE_URL: queueUrl('commands.fifo'),
  SWEEP_QUEUE_URL: queueUrl('sweep'),
  TIMERS_QUEUE_URL: queueUrl('timers'),
  COMPACTIONS_QUEUE_URL: queueUrl('compactions'),
  PUBLICATIONS_QUEUE_URL: queueUrl('publications'),
  INLINE_RUNS_QUEUE_URL: queueUrl('inline-runs'),
  FUNCTION_TASKS_QUEUE_URL: queueUrl('function-tasks'),
  WORKER_QUEUES_URL: 'https://sqs.us-east-1.amazonaws.com/000000000000',
  MARKET_DEAD_LETTERS_QUEUE_URL: queueUrl('market-dead-letters'),
  RETRY_TASK_MACHINE_ARN: `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:retry-task`,
  FEED_RECOVERY_MACHINE_ARN: `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:feed-recovery`,
  TASK_TOKEN_SECRET_ID: 'task-token-key',
  RUN_ID_SECRET_ID: 'run-id-key',
  OIDC_ISSUER: 'https://issuer.test',
  OIDC_AUDIENCE: 'sluice-api',
  OIDC_JWKS_URL: 'https://issuer.test/jwks.json',
});

const drain = async (dispatcher: Dispatcher, QueueUrl: string): Promise<readonly Json[]> => {
  const taken: Json[] = [];
  for (;;) {
    const input = { QueueUrl, MaxNumberOfMessages: 10, AttributeNames: ['All'] };
    const { Messages = [] } = (await dispatcher.call('sqs', 'ReceiveMessage', input)) as {
      Messages?: readonly Json[];
    };
    if (Messages.length === 0) return taken;
    for (const message of Messages) {
      taken.push(message);
      await dispatcher.call('sqs', 'DeleteMessage', { QueueUrl, ReceiptHandle: message['ReceiptHandle'] });
    }
  }
};

/** The stores of the stage as its stacks declare them. */
const provision = async ({ call }: Dispatcher): Promise<ReadonlyMap<string, string>> => {
  await call('dynamodb', 'CreateTable', {
    ...table('ledger', ['stream', 'S'], ['sequence', 'N']),
    AttributeDefinitions: attributes(['stream', 'S'], ['sequence', 'N'], ['due', 'S']),
    GlobalSecondaryIndexes: [index('by-due', ['due', 'stream'], 'KEYS_ONLY')],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
  });
  await call('dynamodb', 'CreateTable', {
    ...table('views', ['pk', 'S'], ['sk', 'S']),
    AttributeDefinitions: attributes(['pk', 'S'], ['sk', 'S'], ['listKey', 'S'], ['listSort', 'S']),
    GlobalSecondaryIndexes: [index('by-list', ['listKey', 'listSort'], 'KEYS_ONLY')],
  });
  await call('dynamodb', 'CreateTable', table('control', ['pk', 'S'], ['sk', 'S']));
  for (const TableName of ['ledger', 'views', 'control'])
    await call('dynamodb', 'UpdateTimeToLive', {
      TableName,
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    });
  for (const StreamName of ['market-events', 'orchestrator-events'])
    await call('kinesis', 'CreateStream', { StreamName, ShardCount: 1 });
  await call('s3', 'CreateBucket', { Bucket: 'blobs' });
  await call('secretsmanager', 'CreateSecret', {
    Name: 'task-token-key',
    SecretString: 'a secret of tests that is long enough for HS256',
    ClientRequestToken: 'a'.repeat(32),
  });
  await call('secretsmanager', 'CreateSecret', {
    Name: 'run-id-key',
    SecretString: 'dev-secret',
    ClientRequestToken: 'b'.repeat(32),
  });
  for (const [name, definition] of Object.entries({
    'retry-task': waitThenCall,
    'feed-recovery': waitAnHour,
  }))
    await call('states', 'CreateStateMachine', {
      name,
      roleArn: 'arn:aws:iam::000000000000:role/none',
      definition: JSON.stringify(definition),
    });
  const urls = new Map<string, string>();
  for (const QueueName of QUEUES) {
    const isFifo = QueueName.endsWith('.fifo');
    const input = { QueueName, ...(isFifo ? { Attributes: { FifoQueue: 'true' } } : {}) };
    const { QueueUrl } = await call('sqs', 'CreateQueue', input);
    urls.set(QueueName, String(QueueUrl));
  }
  return urls;
};

/** Stands for `feed-recovery`, which waits much longer than a test of one function. */
const waitAnHour = {
  QueryLanguage: 'JSONata',
  StartAt: 'Wait',
  States: { Wait: { Type: 'Wait', Seconds: 3_600, End: true } },
};

/** The shape of `retry-task`. */
const waitThenCall = {
  QueryLanguage: 'JSONata',
  StartAt: 'Wait',
  States: {
    Wait: { Type: 'Wait', Timestamp: '{% $states.input.retryAt %}', Next: 'Call' },
    Call: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Arguments: { FunctionName: 'retry-task', Payload: '{% $states.input %}' },
      End: true,
    },
  },
};

type Key = readonly [name: string, type: 'S' | 'N'];

const attributes = (...keys: readonly Key[]): readonly Json[] =>
  keys.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType }));

const schema = ([hash, range]: readonly [string, string]): readonly Json[] => [
  { AttributeName: hash, KeyType: 'HASH' },
  { AttributeName: range, KeyType: 'RANGE' },
];

const index = (IndexName: string, keys: readonly [string, string], ProjectionType: string): Json => ({
  IndexName,
  KeySchema: schema(keys),
  Projection: { ProjectionType },
});

const table = (TableName: string, hash: Key, range: Key): Json => ({
  TableName,
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: attributes(hash, range),
  KeySchema: schema([hash[0], range[0]]),
});
