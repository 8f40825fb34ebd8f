/**
 * Resource types that behave, with every property the engines honour or may ignore without changing an outcome.
 * A property missing here is refused at boot, so what the cloud cannot do is never silently accepted.
 */
import { secretArnOf } from '#local/secrets/secret-arn.ts';
import { edgeTypes } from '#local/template/edge-types.ts';
import { arn, idOf, name } from '#local/template/resource-type.ts';
import type { ResourceType } from '#local/template/resource-type.ts';

const tableArn = arn('dynamodb', ({ physicalName }) => `table/${physicalName}`);
const functionArn = arn('lambda', ({ physicalName }) => `function:${physicalName}`);
const streamArn = arn('kinesis', ({ physicalName }) => `stream/${physicalName}`);
const queueArn = arn('sqs', ({ physicalName }) => physicalName);
const machineArn = arn('states', ({ physicalName }) => `stateMachine:${physicalName}`);
const secretArn = (identity: Parameters<ResourceType['ref']>[0]): string =>
  secretArnOf(identity, identity.physicalName);

/** Label of the table stream in `GetAtt StreamArn`; the engine finds the stream by its table. */
export const localStreamLabel = 'local';

const table: ResourceType = {
  behaviour: 'live',
  nameProperty: 'TableName',
  properties: [
    'TableName',
    'AttributeDefinitions',
    'KeySchema',
    'BillingMode',
    'ProvisionedThroughput',
    'OnDemandThroughput',
    'GlobalSecondaryIndexes',
    'LocalSecondaryIndexes',
    'StreamSpecification',
    'TimeToLiveSpecification',
    'PointInTimeRecoverySpecification',
    'SSESpecification',
    'DeletionProtectionEnabled',
    'TableClass',
    'ContributorInsightsSpecification',
    'Tags',
    'Replicas',
    'WriteOnDemandThroughputSettings',
    'WriteProvisionedThroughputSettings',
  ],
  ref: name,
  attributes: {
    Arn: tableArn,
    StreamArn: (identity) => `${tableArn(identity)}/stream/${localStreamLabel}`,
    TableId: (identity) => idOf(identity, 32),
  },
};

/** Types with behaviour in the local cloud. */
export const liveTypes: Readonly<Record<string, ResourceType>> = {
  'AWS::DynamoDB::Table': table,
  'AWS::DynamoDB::GlobalTable': table,
  'AWS::Kinesis::Stream': {
    behaviour: 'live',
    nameProperty: 'Name',
    properties: [
      'Name',
      'ShardCount',
      'RetentionPeriodHours',
      'StreamEncryption',
      'StreamModeDetails',
      'Tags',
      'DesiredShardLevelMetrics',
    ],
    ref: name,
    attributes: { Arn: streamArn },
  },
  'AWS::SQS::Queue': {
    behaviour: 'live',
    nameProperty: 'QueueName',
    properties: [
      'QueueName',
      'FifoQueue',
      'ContentBasedDeduplication',
      'DeduplicationScope',
      'FifoThroughputLimit',
      'VisibilityTimeout',
      'DelaySeconds',
      'MessageRetentionPeriod',
      'MaximumMessageSize',
      'ReceiveMessageWaitTimeSeconds',
      'RedrivePolicy',
      'RedriveAllowPolicy',
      'SqsManagedSseEnabled',
      'KmsMasterKeyId',
      'KmsDataKeyReusePeriodSeconds',
      'Tags',
    ],
    ref: ({ awsUrl, accountId, physicalName }) => `${awsUrl}/${accountId}/${physicalName}`,
    attributes: {
      Arn: queueArn,
      QueueName: name,
      QueueUrl: ({ awsUrl, accountId, physicalName }) => `${awsUrl}/${accountId}/${physicalName}`,
    },
  },
  'AWS::StepFunctions::StateMachine': {
    behaviour: 'live',
    nameProperty: 'StateMachineName',
    properties: [
      'StateMachineName',
      'StateMachineType',
      'DefinitionString',
      'DefinitionSubstitutions',
      'RoleArn',
      'LoggingConfiguration',
      'TracingConfiguration',
      'EncryptionConfiguration',
      'Tags',
    ],
    ref: machineArn,
    attributes: { Arn: machineArn, Name: name },
  },
  'AWS::Lambda::Function': {
    behaviour: 'live',
    nameProperty: 'FunctionName',
    properties: [
      'FunctionName',
      'Code',
      'Handler',
      'Runtime',
      'Architectures',
      'Role',
      'Description',
      'Environment',
      'Timeout',
      'MemorySize',
      'EphemeralStorage',
      'ReservedConcurrentExecutions',
      'RecursiveLoop',
      'LoggingConfig',
      'TracingConfig',
      'KmsKeyArn',
      'DeadLetterConfig',
      'RuntimeManagementConfig',
      'Tags',
    ],
    ref: name,
    attributes: { Arn: functionArn },
  },
  'AWS::Lambda::EventSourceMapping': {
    behaviour: 'live',
    properties: [
      'EventSourceArn',
      'FunctionName',
      'Enabled',
      'BatchSize',
      'MaximumBatchingWindowInSeconds',
      'StartingPosition',
      'ParallelizationFactor',
      'BisectBatchOnFunctionError',
      'MaximumRetryAttempts',
      'MaximumRecordAgeInSeconds',
      'FunctionResponseTypes',
      'FilterCriteria',
      'DestinationConfig',
      'ScalingConfig',
      'TumblingWindowInSeconds',
      'MetricsConfig',
      'Tags',
    ],
    ref: (identity) => idOf(identity, 36),
    attributes: {
      Id: (identity) => idOf(identity, 36),
      EventSourceMappingArn: arn('lambda', (identity) => `event-source-mapping:${idOf(identity, 36)}`),
    },
  },
  'AWS::S3::Bucket': {
    behaviour: 'live',
    nameProperty: 'BucketName',
    properties: [
      'BucketName',
      'BucketEncryption',
      'VersioningConfiguration',
      'LifecycleConfiguration',
      'PublicAccessBlockConfiguration',
      'OwnershipControls',
      'LoggingConfiguration',
      'AccessControl',
      'IntelligentTieringConfigurations',
      'Tags',
    ],
    ref: name,
    attributes: {
      Arn: ({ physicalName }) => `arn:aws:s3:::${physicalName}`,
      DomainName: ({ physicalName }) => `${physicalName}.s3.amazonaws.com`,
      RegionalDomainName: ({ physicalName, region }) => `${physicalName}.s3.${region}.amazonaws.com`,
    },
  },
  'AWS::SecretsManager::Secret': {
    behaviour: 'live',
    nameProperty: 'Name',
    properties: ['Name', 'Description', 'GenerateSecretString', 'SecretString', 'KmsKeyId', 'Tags'],
    ref: secretArn,
    attributes: { Id: secretArn },
  },
  ...edgeTypes,
};
