/** ARNs and URLs made from names alone: how one stack speaks of what another one owns. */
import { Aws, CfnDynamicReference, CfnDynamicReferenceService } from 'aws-cdk-lib';

import {
  blobsBucketName,
  dueIndexName,
  ledgerStreamParameterName,
  listIndexName,
  liveAlias,
  physicalName,
  workerQueuePrefix,
} from '#contracts/naming.ts';
import type {
  FunctionName,
  QueueName,
  SecretName,
  Stage,
  StateMachineName,
  StreamName,
  TableName,
} from '#contracts/naming.ts';

const regional = (service: string, rest: string): string =>
  `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${rest}`;

/** Names of one stage's resources. */
export interface ResourceNames {
  readonly of: (logical: string) => string;
  readonly tableArn: (table: TableName) => string;
  readonly dueIndexArn: string;
  readonly listIndexArn: string;
  /** Known only after the data stack is deployed; AWS puts it in when another stack is. */
  readonly ledgerStreamArn: string;
  readonly bucketName: string;
  readonly bucketArn: string;
  /** The objects of market chunks: their key begins with the kind of their stream, encoded. */
  readonly chunksArn: string;
  /** The objects of records that feeds have spilled. */
  readonly spillsArn: string;
  readonly streamArn: (stream: StreamName) => string;
  readonly queueArn: (queue: QueueName) => string;
  readonly queueUrl: (queue: QueueName) => string;
  /** What the URL of every queue begins with. */
  readonly queuesUrl: string;
  /** Queues of customers to whose workers tasks may be sent. */
  readonly workerQueuesArn: string;
  /** Functions of customers that may make tasks. */
  readonly workerFunctionsArn: string;
  /** The alias callers use. */
  readonly functionArn: (name: FunctionName) => string;
  readonly machineArn: (machine: StateMachineName) => string;
  readonly executionsArn: (machine: StateMachineName) => string;
  /** AWS ends a secret's ARN in six characters of its own. */
  readonly secretArn: (secret: SecretName) => string;
  readonly logGroupName: (name: FunctionName) => string;
  readonly logStreamsArn: (name: FunctionName) => string;
}

/** The names of a stage. */
export const resourceNames = (stage: Stage): ResourceNames => {
  const of = (logical: string): string => physicalName(stage, logical);
  const tableArn = (table: TableName): string => regional('dynamodb', `table/${of(table)}`);
  const queuesUrl = `https://sqs.${Aws.REGION}.${Aws.URL_SUFFIX}/${Aws.ACCOUNT_ID}`;
  const bucketName = blobsBucketName(stage, Aws.ACCOUNT_ID);
  const logGroupName = (name: FunctionName): string => `/aws/lambda/${of(name)}`;
  return {
    of,
    tableArn,
    dueIndexArn: `${tableArn('ledger')}/index/${dueIndexName}`,
    listIndexArn: `${tableArn('views')}/index/${listIndexName}`,
    ledgerStreamArn: new CfnDynamicReference(
      CfnDynamicReferenceService.SSM,
      ledgerStreamParameterName(stage),
    ).toString(),
    bucketName,
    bucketArn: `arn:${Aws.PARTITION}:s3:::${bucketName}`,
    chunksArn: `arn:${Aws.PARTITION}:s3:::${bucketName}/documents/chunk%23*`,
    spillsArn: `arn:${Aws.PARTITION}:s3:::${bucketName}/documents/spill%23*`,
    streamArn: (stream) => regional('kinesis', `stream/${of(stream)}`),
    queueArn: (queue) => regional('sqs', of(queue)),
    queueUrl: (queue) => `${queuesUrl}/${of(queue)}`,
    queuesUrl,
    workerQueuesArn: regional('sqs', `${workerQueuePrefix(stage)}*`),
    workerFunctionsArn: regional('lambda', `function:${workerQueuePrefix(stage)}*`),
    functionArn: (name) => regional('lambda', `function:${of(name)}:${liveAlias}`),
    machineArn: (machine) => regional('states', `stateMachine:${of(machine)}`),
    executionsArn: (machine) => regional('states', `execution:${of(machine)}:*`),
    secretArn: (secret) => regional('secretsmanager', `secret:${of(secret)}-??????`),
    logGroupName,
    logStreamsArn: (name) => regional('logs', `log-group:${logGroupName(name)}:*`),
  };
};
