/** The table of who may do what to which resource: exact, so that a grant too many fails as one too few does. */
import { beforeAll, describe, expect, it } from 'vitest';

import { functionNames } from '#contracts/naming.ts';
import type { FunctionName } from '#contracts/naming.ts';
import { assembly, at, listOf } from '#test/infra/assembly.ts';
import type { TestAssembly } from '#test/infra/assembly.ts';

type Grants = Readonly<Record<string, readonly string[]>>;

const ledger = 'table/sluice-dev-ledger';
const control = 'table/sluice-dev-control';
const bucket = 'bucket/sluice-dev-blobs-000000000000';
const readLedger: Grants = { [ledger]: ['dynamodb:Query'] };
const decide: Grants = { [ledger]: ['dynamodb:Query', 'dynamodb:PutItem'] };
const readBlobs: Grants = { [bucket]: ['s3:ListBucket'], [`${bucket}/*`]: ['s3:GetObject'] };
const writeBlobs: Grants = { [`${bucket}/*`]: ['s3:PutObject'] };
const readDocuments: readonly Grants[] = [{ [ledger]: ['dynamodb:GetItem'] }, readBlobs];
const cursors: Grants = { [control]: ['dynamodb:GetItem', 'dynamodb:UpdateItem'] };
const start = (machine: string): Grants => ({
  [`stateMachine:sluice-dev-${machine}`]: ['states:StartExecution'],
  [`execution:sluice-dev-${machine}:*`]: ['states:DescribeExecution'],
});
const send = (...queues: readonly string[]): Grants =>
  Object.fromEntries(queues.map((queue) => [`queue/sluice-dev-${queue}`, ['sqs:SendMessage']]));
const consume = (...queues: readonly string[]): Grants =>
  Object.fromEntries(
    queues.map((queue) => [
      `queue/sluice-dev-${queue}`,
      ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
    ]),
  );
const views = 'table/sluice-dev-views';
const getRows: Grants = { [views]: ['dynamodb:BatchGetItem'] };
const listRows: Grants = { [`${views}/index/by-list`]: ['dynamodb:Query'] };
const readSecret: Grants = {
  'secret:sluice-dev-task-token-key-??????': ['secretsmanager:GetSecretValue'],
};
const readRunIdKey: Grants = {
  'secret:sluice-dev-run-id-key-??????': ['secretsmanager:GetSecretValue'],
};
const readLedgerStream: Grants = {
  [`${ledger}/stream/local`]: [
    'dynamodb:DescribeStream',
    'dynamodb:GetRecords',
    'dynamodb:GetShardIterator',
    'dynamodb:ListStreams',
  ],
};
const readMarket: Grants = {
  'stream/sluice-dev-market-events': [
    'kinesis:DescribeStream',
    'kinesis:DescribeStreamSummary',
    'kinesis:GetRecords',
    'kinesis:GetShardIterator',
    'kinesis:ListShards',
  ],
};
const watchEngineRuns: Grants = { 'queue/sluice-dev-engine-runs.fifo': ['sqs:GetQueueAttributes'] };
const forRuns: readonly Grants[] = [
  decide,
  { [control]: ['dynamodb:PutItem', 'dynamodb:DeleteItem'] },
  start('retry-task'),
  send('inline-runs', 'function-tasks', 'commands.fifo'),
];
const forFeeds: readonly Grants[] = [
  decide,
  send('engine-runs.fifo', 'timers', 'publications', 'sweep'),
  start('feed-recovery'),
];
const releaseObjects = ['s3:GetObject', 's3:PutObject', 's3:PutObjectTagging'];
const spillRecords: readonly Grants[] = [
  writeBlobs,
  { [`${bucket}/documents/spill%23*`]: releaseObjects },
  { [bucket]: ['s3:ListBucket'] },
];
const limitRates: Grants = { [control]: ['dynamodb:UpdateItem'] };
const forAll: readonly Grants[] = [...forRuns, ...forFeeds];

const allowed: Readonly<Record<FunctionName, readonly Grants[]>> = {
  'api-runs': [
    ...forRuns,
    limitRates,
    getRows,
    listRows,
    { [views]: ['dynamodb:Query'] },
    readBlobs,
    writeBlobs,
    readRunIdKey,
  ],
  'api-feeds': [
    ...forFeeds,
    limitRates,
    getRows,
    listRows,
    { [views]: ['dynamodb:Query'] },
    ...readDocuments,
  ],
  'api-access': [decide, limitRates, getRows, listRows],
  'api-workers': [...forRuns, limitRates, { [control]: ['dynamodb:Query', 'dynamodb:GetItem'] }, readSecret],
  'api-streams': [readLedger, limitRates],
  'task-callback': [...forRuns, writeBlobs, readSecret],
  'ingest-market': [
    ...forFeeds,
    ...spillRecords,
    getRows,
    listRows,
    readMarket,
    watchEngineRuns,
    send('market-dead-letters'),
  ],
  'run-engine': [...forFeeds, ...readDocuments, consume('engine-runs.fifo')],
  commands: [
    ...forAll,
    consume('commands.fifo'),
    { 'queue/sluice-dev-commands.fifo': ['sqs:ChangeMessageVisibility'] },
  ],
  'retry-task': forRuns,
  'feed-recovery': [...forFeeds, { [control]: ['dynamodb:PutItem'] }, readSecret],
  compact: [
    readLedgerStream,
    readLedger,
    getRows,
    { [views]: ['dynamodb:PutItem'] },
    consume('compactions'),
    send('dead-letters'),
  ],
  publish: [
    readLedgerStream,
    readLedger,
    cursors,
    { 'stream/sluice-dev-orchestrator-events': ['kinesis:PutRecord'] },
    consume('publications'),
    send('commands.fifo', 'publications', 'dead-letters'),
  ],
  sweeper: [
    { [`${ledger}/index/by-due`]: ['dynamodb:Query', 'dynamodb:Scan'] },
    cursors,
    { [control]: ['dynamodb:Query'] },
    send('sweep'),
  ],
  sweep: [
    ...forAll,
    { [control]: ['dynamodb:GetItem'] },
    watchEngineRuns,
    getRows,
    { [`${bucket}/documents/chunk%23*`]: releaseObjects },
    send('compactions'),
    consume('sweep'),
  ],
  'dead-letters': [
    ...forAll,
    consume(
      'engine-runs-dead.fifo',
      'commands-dead.fifo',
      'sweep-dead',
      'timers-dead',
      'compactions-dead',
      'publications-dead',
      'inline-runs-dead',
      'dead-letters',
    ),
  ],
  timers: [
    ...spillRecords,
    ...forFeeds,
    cursors,
    { '*': ['states:SendTaskSuccess'] },
    watchEngineRuns,
    readSecret,
    consume('timers'),
  ],
  'run-inline': [...forRuns, consume('inline-runs'), readSecret, send('worker-*')],
  'run-task': [
    ...forRuns,
    consume('function-tasks'),
    readSecret,
    { 'function:sluice-dev-worker-*': ['lambda:InvokeFunction'] },
  ],
};

/** Everything a policy names with an asterisk, with the reason AWS leaves no narrower way. */
const wildcards: Readonly<Record<string, string>> = {
  'logs of one function': 'Lambda names the streams of a log group',
  'bucket/sluice-dev-blobs-000000000000/*': 'keys are hashes of the content',
  'bucket/sluice-dev-blobs-000000000000/documents/chunk%23*': 'keys are hashes of the content',
  'bucket/sluice-dev-blobs-000000000000/documents/spill%23*': 'keys are hashes of the content',
  'execution:sluice-dev-retry-task:*': 'executions are named after run and attempt',
  'execution:sluice-dev-feed-recovery:*': 'executions are named after feed and halt',
  'function:sluice-dev-worker-*':
    'customers make the functions that make tasks, under this prefix of the stage',
  'queue/sluice-dev-worker-*': 'customers make the queues of their workers, under this prefix of the stage',
  '*': 'log delivery, X-Ray and task tokens know no resources',
};

interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

const plain = (arn: string): string =>
  arn
    .replace(/^arn:aws:sqs:us-east-1:000000000000:/, 'queue/')
    .replace(/^arn:aws:s3:::/, 'bucket/')
    .replace(/^arn:aws:[a-z]+:us-east-1:000000000000:/, '')
    .replace(/^log-group:\/aws\/lambda\/sluice-dev-[a-z-]+:\*$/, 'logs of one function');

const statementsIn = (policy: unknown): readonly Statement[] =>
  listOf(at(policy, 'Statement')).map((statement) => ({
    effect: String(at(statement, 'Effect')),
    actions: listOf(at(statement, 'Action')).map(String),
    resources: listOf(at(statement, 'Resource')).map((arn) => plain(String(arn))),
  }));

const merge = (grants: readonly (readonly [string, readonly string[]])[]): Grants => {
  const merged = new Map<string, Set<string>>();
  for (const [resource, actions] of grants)
    merged.set(resource, new Set([...(merged.get(resource) ?? []), ...actions]));
  return Object.fromEntries([...merged].sort().map(([resource, actions]) => [resource, [...actions].sort()]));
};

let app: TestAssembly;

beforeAll(async () => {
  app = await assembly();
});

const roleOf = (name: FunctionName): readonly Statement[] => {
  const role = app
    .ofType('AWS::IAM::Role')
    .find(({ properties }) => properties['RoleName'] === `sluice-dev-${name}-function`);
  return listOf(role?.properties['Policies']).flatMap((policy) => statementsIn(at(policy, 'PolicyDocument')));
};

describe('the role of a function', () => {
  it.each(functionNames)('%s may do exactly what the table lists', (name) => {
    const found = merge(
      roleOf(name)
        .filter(({ effect }) => effect === 'Allow')
        .flatMap(({ actions, resources }) => resources.map((resource) => [resource, actions] as const)),
    );

    expect(found).toEqual(
      merge([
        ...allowed[name].flatMap((grants) => Object.entries(grants)),
        ['logs of one function', ['logs:CreateLogStream', 'logs:PutLogEvents']],
      ]),
    );
  });

  it.each(functionNames)('%s is denied every change of what the ledger holds', (name) => {
    const denied = roleOf(name).filter(({ effect }) => effect === 'Deny');

    expect(denied).toEqual([
      {
        effect: 'Deny',
        actions: [
          'dynamodb:UpdateItem',
          'dynamodb:DeleteItem',
          'dynamodb:BatchWriteItem',
          'dynamodb:PartiQLUpdate',
          'dynamodb:PartiQLDelete',
        ],
        resources: [ledger],
      },
    ]);
  });

  it('belongs to one function alone', () => {
    const roles = app.ofType('AWS::Lambda::Function').map(({ properties }) => properties['Role']);

    expect(new Set(roles).size).toBe(functionNames.length);
  });

  it('gives the write to read models to the compactor alone', () => {
    const writers = functionNames.filter((name) =>
      roleOf(name).some(
        ({ effect, actions, resources }) =>
          effect === 'Allow' &&
          resources.includes('table/sluice-dev-views') &&
          actions.some((action) => /Put|Update|Delete|Write/.test(action)),
      ),
    );

    expect(writers).toEqual(['compact']);
  });
});

it('names an asterisk only where AWS offers nothing narrower', () => {
  const policies = [
    ...app.ofType('AWS::IAM::Policy').map(({ properties }) => properties['PolicyDocument']),
    ...app
      .ofType('AWS::IAM::Role')
      .flatMap(({ properties }) => listOf(properties['Policies']))
      .map((policy) => at(policy, 'PolicyDocument')),
  ];
  const statements = policies.flatMap(statementsIn).filter(({ effect }) => effect === 'Allow');

  const found = new Set(
    statements
      .flatMap(({ resources }) => resources)
      .filter((resource) => resource.includes('*') || resource === 'logs of one function'),
  );

  expect([...found].sort()).toEqual(Object.keys(wildcards).sort());
  expect(statements.flatMap(({ actions }) => actions).filter((action) => action.includes('*'))).toEqual([]);
});
