import { expect, it } from 'vitest';

import { requestedAccess } from '#local/iam/requested-access.ts';
import type { Json, ServiceName } from '#local/kernel/engine.ts';
import { secretArnOf } from '#local/secrets/secret-arn.ts';

const account = { region: 'us-east-1', accountId: '000000000000' };
const regional = (service: string, rest: string): string =>
  `arn:aws:${service}:us-east-1:000000000000:${rest}`;
const table = regional('dynamodb', 'table/one');
const queue = regional('sqs', 'work.fifo');
const QueueUrl = 'http://127.0.0.1:4566/000000000000/work.fifo';
const stream = regional('kinesis', 'stream/one');
const machine = regional('states', 'stateMachine:one');
const execution = regional('states', 'execution:one:first');

const cases: readonly (readonly [ServiceName, string, Json, readonly string[]])[] = [
  ['dynamodb', 'PutItem', { TableName: 'one' }, [`dynamodb:PutItem ${table}`]],
  ['dynamodb', 'PutItem', { TableName: table }, [`dynamodb:PutItem ${table}`]],
  ['dynamodb', 'Query', { TableName: 'one', IndexName: 'by' }, [`dynamodb:Query ${table}/index/by`]],
  ['dynamodb', 'ListTables', {}, ['dynamodb:ListTables *']],
  [
    'dynamodb',
    'BatchGetItem',
    { RequestItems: { one: {}, two: {} } },
    [`dynamodb:BatchGetItem ${table}`, `dynamodb:BatchGetItem ${regional('dynamodb', 'table/two')}`],
  ],
  [
    'dynamodb',
    'TransactWriteItems',
    {
      TransactItems: [
        { Put: { TableName: 'one' } },
        { ConditionCheck: { TableName: 'one' } },
        { Strange: { TableName: 'one' } },
        { Delete: 'nothing' },
        'nothing',
      ],
    },
    [`dynamodb:PutItem ${table}`, `dynamodb:ConditionCheckItem ${table}`, `dynamodb:Strange ${table}`],
  ],
  [
    'dynamodb',
    'TransactGetItems',
    { TransactItems: [{ Get: { TableName: 'one' } }] },
    [`dynamodb:GetItem ${table}`],
  ],
  [
    'dynamodbstreams',
    'DescribeStream',
    { StreamArn: `${table}/stream/x` },
    [`dynamodb:DescribeStream ${table}/stream/x`],
  ],
  ['dynamodbstreams', 'GetRecords', { ShardIterator: 'opaque' }, ['dynamodb:GetRecords *']],
  ['kinesis', 'PutRecord', { StreamName: 'one' }, [`kinesis:PutRecord ${stream}`]],
  ['kinesis', 'PutRecord', { StreamARN: stream, StreamName: 'other' }, [`kinesis:PutRecord ${stream}`]],
  ['kinesis', 'ListStreams', {}, ['kinesis:ListStreams *']],
  ['sqs', 'SendMessage', { QueueUrl }, [`sqs:SendMessage ${queue}`]],
  ['sqs', 'SendMessageBatch', { QueueUrl }, [`sqs:SendMessage ${queue}`]],
  ['sqs', 'GetQueueUrl', { QueueName: 'work.fifo' }, [`sqs:GetQueueUrl ${queue}`]],
  ['sqs', 'StartMessageMoveTask', { SourceArn: queue }, [`sqs:StartMessageMoveTask ${queue}`]],
  ['sqs', 'ListQueues', {}, ['sqs:ListQueues *']],
  [
    'states',
    'StartExecution',
    { stateMachineArn: machine, name: 'first' },
    [`states:StartExecution ${machine}`],
  ],
  ['states', 'DescribeExecution', { executionArn: execution }, [`states:DescribeExecution ${execution}`]],
  ['states', 'ListTagsForResource', { resourceArn: machine }, [`states:ListTagsForResource ${machine}`]],
  ['states', 'SendTaskSuccess', { taskToken: 'opaque' }, ['states:SendTaskSuccess *']],
  ['s3', 'GetObject', { Bucket: 'one', Key: 'a/b' }, ['s3:GetObject arn:aws:s3:::one/a/b']],
  ['s3', 'HeadObject', { Bucket: 'one', Key: 'a' }, ['s3:GetObject arn:aws:s3:::one/a']],
  ['s3', 'ListObjectsV2', { Bucket: 'one' }, ['s3:ListBucket arn:aws:s3:::one']],
  ['s3', 'ListBuckets', {}, ['s3:ListAllMyBuckets *']],
  [
    's3',
    'DeleteObjects',
    { Bucket: 'one', Delete: { Objects: [{ Key: 'a' }, { Key: 'b' }, 'nothing'] } },
    ['s3:DeleteObject arn:aws:s3:::one/a', 's3:DeleteObject arn:aws:s3:::one/b'],
  ],
  ['s3', 'DeleteObjects', { Bucket: 'one', Delete: 'nothing' }, ['s3:DeleteObject arn:aws:s3:::one']],
  [
    'secretsmanager',
    'GetSecretValue',
    { SecretId: 'key' },
    [`secretsmanager:GetSecretValue ${secretArnOf(account, 'key')}`],
  ],
  ['secretsmanager', 'GetSecretValue', { SecretId: 'arn:x' }, ['secretsmanager:GetSecretValue arn:x']],
  [
    'secretsmanager',
    'CreateSecret',
    { Name: 'key' },
    [`secretsmanager:CreateSecret ${secretArnOf(account, 'key')}`],
  ],
  ['secretsmanager', 'ListSecrets', {}, ['secretsmanager:ListSecrets *']],
  ['scheduler', 'GetSchedule', { Name: 'x' }, ['scheduler:GetSchedule *']],
  ['logs', 'PutLogEvents', {}, ['logs:PutLogEvents *']],
];

it.each(cases)('%s.%s of %j needs %j', (service, operation, input, expected) => {
  const needed = requestedAccess({ service, operation, input }, account);

  expect(needed.map(({ action, resource }) => `${action} ${resource}`)).toEqual(expected);
});
