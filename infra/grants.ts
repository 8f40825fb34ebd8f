/**
 * What each function may do, and to what. A role holds exactly these statements; the table in `test/infra` says
 * the same in plain words. Nobody may change or delete what is in the ledger.
 */
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';

import { deadQueueOf } from '#contracts/naming.ts';
import type { FunctionName, QueueName, StreamName } from '#contracts/naming.ts';
import type { ResourceNames } from '#infra/resource-names.ts';

type Grant = (names: ResourceNames) => readonly PolicyStatement[];

/** The statements of one function's role. */
export const statementsOf = (name: FunctionName, names: ResourceNames): PolicyStatement[] => [
  allow(['logs:CreateLogStream', 'logs:PutLogEvents'], names.logStreamsArn(name)),
  ...grantsOf[name].flatMap((grant) => grant(names)),
  denyLedgerChanges(names),
];

const allow = (actions: readonly string[], ...resources: readonly string[]): PolicyStatement =>
  new PolicyStatement({ actions: [...actions], resources: [...resources] });

const denyLedgerChanges = (names: ResourceNames): PolicyStatement =>
  new PolicyStatement({
    effect: Effect.DENY,
    actions: [
      'dynamodb:UpdateItem',
      'dynamodb:DeleteItem',
      'dynamodb:BatchWriteItem',
      'dynamodb:PartiQLUpdate',
      'dynamodb:PartiQLDelete',
    ],
    resources: [names.tableArn('ledger')],
  });

const readLedger: Grant = (names) => [
  allow(['dynamodb:GetItem', 'dynamodb:Query'], names.tableArn('ledger')),
];
const appendToLedger: Grant = (names) => [allow(['dynamodb:PutItem'], names.tableArn('ledger'))];
/** The first pass, and one that lost its cursor, reads the whole sparse index. */
const readDueIndex: Grant = (names) => [allow(['dynamodb:Query', 'dynamodb:Scan'], names.dueIndexArn)];
const readViews: Grant = (names) => [
  allow(
    ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'],
    names.tableArn('views'),
    names.listIndexArn,
  ),
];
const writeViews: Grant = (names) => [allow(['dynamodb:PutItem'], names.tableArn('views'))];
const coordinate: Grant = (names) => [
  allow(
    ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
    names.tableArn('control'),
  ),
];
/** Listing makes a missing body answer "not there" instead of "forbidden". */
const readBlobs: Grant = (names) => [
  allow(['s3:GetObject'], `${names.bucketArn}/*`),
  allow(['s3:ListBucket'], names.bucketArn),
];
const writeBlobs: Grant = (names) => [allow(['s3:PutObject'], `${names.bucketArn}/*`)];
const readSecret: Grant = (names) => [allow(['secretsmanager:GetSecretValue'], names.secretArn)];
const startRetries: Grant = (names) => [
  allow(['states:StartExecution'], names.machineArn('retry-task')),
  allow(['states:DescribeExecution'], names.executionsArn('retry-task')),
];
const readLedgerStream: Grant = (names) => [
  allow(
    ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
    names.ledgerStreamArn,
  ),
];
const putRecords =
  (stream: StreamName): Grant =>
  (names) => [allow(['kinesis:PutRecord'], names.streamArn(stream))];
const readRecords =
  (stream: StreamName): Grant =>
  (names) => [
    allow(
      [
        'kinesis:DescribeStream',
        'kinesis:DescribeStreamSummary',
        'kinesis:GetRecords',
        'kinesis:GetShardIterator',
        'kinesis:ListShards',
      ],
      names.streamArn(stream),
    ),
  ];
const send =
  (...queues: readonly QueueName[]): Grant =>
  (names) => [allow(['sqs:SendMessage'], ...queues.map(names.queueArn))];
const consume =
  (...queues: readonly QueueName[]): Grant =>
  (names) => [
    allow(
      ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
      ...queues.map(names.queueArn),
    ),
  ];

/** How long the queue of engine runs is decides whether feeds hold back what they plan. */
const watchEngineRuns: Grant = (names) => [
  allow(['sqs:GetQueueAttributes'], names.queueArn('engine-runs.fifo')),
];

/** What loading, deciding and appending need, whatever the aggregate. */
const decide: readonly Grant[] = [readLedger, appendToLedger, readBlobs, writeBlobs];
/** What runs may owe after a commit: offers to workers, tasks of in-process runners, retries, commands to others, timers. */
const actForRuns: readonly Grant[] = [
  coordinate,
  startRetries,
  send('commands.fifo', 'timers', 'inline-runs'),
];
/** What feeds may owe after a commit: engine runs, commands to others, timers, deliveries, a look at themselves. */
const actForFeeds: readonly Grant[] = [
  send('engine-runs.fifo', 'commands.fifo', 'timers', 'publications', 'sweep'),
];
/** What any aggregate may owe. */
const act: readonly Grant[] = [...actForRuns, ...actForFeeds];

const grantsOf: Readonly<Record<FunctionName, readonly Grant[]>> = {
  'api-runs': [...decide, ...actForRuns, readViews],
  'api-feeds': [...decide, ...actForFeeds, readViews],
  'api-workers': [...decide, ...actForRuns, readSecret],
  'task-callback': [...decide, ...actForRuns, readSecret],
  'ingest-market': [
    ...decide,
    ...actForFeeds,
    readViews,
    readRecords('market-events'),
    watchEngineRuns,
    send('market-dead-letters'),
  ],
  'run-engine': [...decide, ...actForFeeds, consume('engine-runs.fifo')],
  commands: [...decide, ...act, consume('commands.fifo')],
  'retry-task': [...decide, ...actForRuns],
  compact: [
    readLedgerStream,
    readLedger,
    readBlobs,
    readViews,
    writeViews,
    consume('compactions'),
    send('dead-letters'),
  ],
  publish: [
    readLedgerStream,
    readLedger,
    coordinate,
    putRecords('orchestrator-events'),
    consume('publications'),
    send('commands.fifo', 'publications', 'dead-letters'),
  ],
  sweeper: [readDueIndex, coordinate, send('sweep')],
  sweep: [...decide, ...act, watchEngineRuns, readViews, send('compactions'), consume('sweep')],
  'dead-letters': [...decide, ...act, consume(...Object.values(deadQueueOf), 'dead-letters')],
  timers: [...decide, ...act, consume('timers')],
  'run-inline': [...decide, ...actForRuns, consume('inline-runs')],
};
