/**
 * What each function may do, and to what. A role holds exactly these statements; the table in `test/infra` says
 * the same in plain words, and the local cloud refuses what they do not allow. Nobody may change or delete what is
 * in the ledger.
 */
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';

import { deadQueueNames } from '#contracts/naming.ts';
import type { FunctionName, QueueName, SecretName, StateMachineName, StreamName } from '#contracts/naming.ts';
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

const readLedger: Grant = (names) => [allow(['dynamodb:Query'], names.tableArn('ledger'))];
const appendToLedger: Grant = (names) => [allow(['dynamodb:PutItem'], names.tableArn('ledger'))];
/** The first pass, and one that lost its cursor, reads the whole sparse index. */
const readDueIndex: Grant = (names) => [allow(['dynamodb:Query', 'dynamodb:Scan'], names.dueIndexArn)];
const getRows: Grant = (names) => [allow(['dynamodb:BatchGetItem'], names.tableArn('views'))];
/** Rows that stand together, in their own order: the layers of a feed's symbols, the logs of a run. */
const readPartitions: Grant = (names) => [allow(['dynamodb:Query'], names.tableArn('views'))];
/** The index has the keys of rows. */
const readViews: Grant = (names) => [...getRows(names), allow(['dynamodb:Query'], names.listIndexArn)];
const writeViews: Grant = (names) => [allow(['dynamodb:PutItem'], names.tableArn('views'))];
const inControl =
  (...actions: readonly string[]): Grant =>
  (names) => [
    allow(
      actions.map((action) => `dynamodb:${action}`),
      names.tableArn('control'),
    ),
  ];
/** Offers to workers are made and withdrawn. */
const offerTasks: Grant = inControl('PutItem', 'DeleteItem');
/** Offers are looked through for what suits a worker; taking one is deleting it, and a claim with a key is kept. */
const takeOffers: Grant = inControl('Query', 'DeleteItem', 'GetItem', 'PutItem');
/** Whether offers still stand, how far deliveries are, and when a stream is looked at again. */
const checkOffers: Grant = inControl('GetItem', 'PutItem');
const moveCursors: Grant = inControl('GetItem', 'UpdateItem');
const readRearms: Grant = inControl('Query');
/** How often a caller asked stands in one item. */
const limitRates: Grant = inControl('UpdateItem');
/** Listing makes a missing body answer "not there" instead of "forbidden". */
const readBlobs: Grant = (names) => [
  allow(['s3:GetObject'], `${names.bucketArn}/*`),
  allow(['s3:ListBucket'], names.bucketArn),
];
const writeBlobs: Grant = (names) => [allow(['s3:PutObject'], `${names.bucketArn}/*`)];
/** Bodies are released by a tag, and deleted by the rules of the bucket; nobody may delete. */
const release = (objectsArn: string): PolicyStatement =>
  allow(['s3:GetObject', 's3:PutObject', 's3:PutObjectTagging'], objectsArn);
/** Content of market chunks that no feed needs any more; no other body is ever released, but what follows. */
const releaseChunks: Grant = (names) => [release(names.chunksArn)];
/** Records a feed had no room for wait in the bucket, and are released once the buffer has them. */
const spillRecords: readonly Grant[] = [
  writeBlobs,
  (names) => [release(names.spillsArn), allow(['s3:ListBucket'], names.bucketArn)],
];
/** Documents are items of the ledger, or bodies when they are large. */
const readDocuments: Grant = (names) => [
  allow(['dynamodb:GetItem'], names.tableArn('ledger')),
  ...readBlobs(names),
];
const readSecret =
  (secret: SecretName): Grant =>
  (names) => [allow(['secretsmanager:GetSecretValue'], names.secretArn(secret))];
const readTokenKey = readSecret('task-token-key');
const start =
  (machine: StateMachineName): Grant =>
  (names) => [
    allow(['states:StartExecution'], names.machineArn(machine)),
    allow(['states:DescribeExecution'], names.executionsArn(machine)),
  ];
/** The token is the permission; it names no resource. */
const answerTasks: Grant = () => [allow(['states:SendTaskSuccess'], '*')];
/** Sealed tokens of executions that wait for a person. */
const keepTokens: Grant = inControl('PutItem');
const readTokens: Grant = inControl('GetItem');
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
      ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
      ...queues.map(names.queueArn),
    ),
  ];

/** Tasks go to queues of customers, which the stage knows by the beginning of their names. */
const sendToWorkers: Grant = (names) => [allow(['sqs:SendMessage'], names.workerQueuesArn)];

/** Tasks are made by functions of customers, which the stage knows by the beginning of their names. */
const invokeWorkers: Grant = (names) => [allow(['lambda:InvokeFunction'], names.workerFunctionsArn)];

/** A command that breaks an invariant is given back at once, so that those behind it need not wait. */
const giveBack =
  (queue: QueueName): Grant =>
  (names) => [allow(['sqs:ChangeMessageVisibility'], names.queueArn(queue))];

/** How long the queue of engine runs is decides whether feeds hold back what they plan. */
const watchEngineRuns: Grant = (names) => [
  allow(['sqs:GetQueueAttributes'], names.queueArn('engine-runs.fifo')),
];

/** What loading, deciding and appending need, whatever the aggregate. */
const decide: readonly Grant[] = [readLedger, appendToLedger];
/** What runs may owe after a commit: offers to workers, tasks of runners and functions, retries, words to limits. */
const actForRuns: readonly Grant[] = [
  offerTasks,
  start('retry-task'),
  send('inline-runs', 'function-tasks', 'commands.fifo'),
];
/** What feeds may owe after a commit: engine runs, timers, deliveries to be resumed, a look at themselves, reminders. */
const actForFeeds: readonly Grant[] = [
  send('engine-runs.fifo', 'timers', 'publications', 'sweep'),
  start('feed-recovery'),
];
/** What any aggregate may owe. */
const act: readonly Grant[] = [...actForRuns, ...actForFeeds];

const grantsOf: Readonly<Record<FunctionName, readonly Grant[]>> = {
  'api-runs': [
    ...decide,
    ...actForRuns,
    limitRates,
    readViews,
    readPartitions,
    readBlobs,
    writeBlobs,
    readSecret('run-id-key'),
  ],
  'api-feeds': [...decide, ...actForFeeds, limitRates, readViews, readPartitions, readDocuments],
  'api-access': [...decide, limitRates, readViews],
  'api-workers': [...decide, ...actForRuns, limitRates, takeOffers, readTokenKey],
  'api-streams': [readLedger, limitRates],
  'task-callback': [...decide, ...actForRuns, writeBlobs, readTokenKey],
  'ingest-market': [
    ...decide,
    ...actForFeeds,
    ...spillRecords,
    readViews,
    readRecords('market-events'),
    watchEngineRuns,
    send('market-dead-letters'),
  ],
  'run-engine': [...decide, ...actForFeeds, readDocuments, consume('engine-runs.fifo')],
  commands: [...decide, ...act, consume('commands.fifo'), giveBack('commands.fifo')],
  'retry-task': [...decide, ...actForRuns],
  'feed-recovery': [...decide, ...actForFeeds, keepTokens, readTokenKey],
  compact: [readLedgerStream, readLedger, getRows, writeViews, consume('compactions'), send('dead-letters')],
  publish: [
    readLedgerStream,
    readLedger,
    moveCursors,
    putRecords('orchestrator-events'),
    consume('publications'),
    send('commands.fifo', 'publications', 'dead-letters'),
  ],
  sweeper: [readDueIndex, moveCursors, readRearms, send('sweep')],
  sweep: [
    ...decide,
    ...act,
    checkOffers,
    watchEngineRuns,
    getRows,
    releaseChunks,
    send('compactions'),
    consume('sweep'),
  ],
  'dead-letters': [...decide, ...act, consume(...deadQueueNames, 'dead-letters')],
  timers: [
    ...decide,
    ...actForFeeds,
    ...spillRecords,
    moveCursors,
    readTokens,
    readTokenKey,
    answerTasks,
    watchEngineRuns,
    consume('timers'),
  ],
  'run-inline': [...decide, ...actForRuns, consume('inline-runs'), readTokenKey, sendToWorkers],
  'run-task': [...decide, ...actForRuns, consume('function-tasks'), readTokenKey, invokeWorkers],
};
