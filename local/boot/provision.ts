/**
 * Brings the engines to what the stacks declare, through the operations of AWS itself: what is missing is created,
 * what exists is changed where it can be. Nothing is deleted.
 */
import { randomBytes } from 'node:crypto';

import { AwsError } from '#local/kernel/aws-error.ts';
import type { Engine, Json, ServiceName } from '#local/kernel/engine.ts';
import { generateSecret, readSecretStringOptions } from '#local/secrets/generate-secret.ts';
import type { ResolvedStack, Resource } from '#local/template/resolve-stack.ts';
import { TemplateError } from '#local/template/template-error.ts';

/** The engines to provision, by service. */
export type Engines = Readonly<Partial<Record<ServiceName, Engine>>>;

type Apply = (call: Call, resource: Resource) => Promise<void>;
type Call = (operation: string, input: Json) => Promise<Json>;

interface Provisioner {
  readonly service: ServiceName;
  readonly apply: Apply;
}

/** Applies every live resource that an engine holds, in the order of types that others need. */
export const provision = async (engines: Engines, stacks: readonly ResolvedStack[]): Promise<void> => {
  const resources = stacks.flatMap((stack) => stack.resources);
  for (const [type, { service, apply }] of Object.entries(provisioners)) {
    const call: Call = async (operation, input) => {
      const act = engines[service]?.operations[operation];
      if (act === undefined) throw new Error(`the local cloud has no operation ${service}.${operation}`);
      return act(input);
    };
    for (const resource of leavesFirst(resources.filter((one) => one.type === type)))
      await placed(resource, () => apply(call, resource));
  }
};

/** A queue that redrives comes after the dead-letter queue it names. */
const leavesFirst = (resources: readonly Resource[]): readonly Resource[] =>
  [...resources].sort(
    (one, other) => Number('RedrivePolicy' in one.properties) - Number('RedrivePolicy' in other.properties),
  );

const placed = async (resource: Resource, act: () => Promise<void>): Promise<void> => {
  try {
    await act();
  } catch (error) {
    if (error instanceof TemplateError) throw error;
    throw new TemplateError(resource, error instanceof Error ? error.message : String(error));
  }
};

/** The answer, or undefined when the service says that there is no such thing. */
const found = async (answer: Promise<Json>): Promise<Json | undefined> => {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof AwsError && /NotFound|DoesNotExist|NonExistent|NoSuch/.test(error.code))
      return undefined;
    throw error;
  }
};

const applyTable: Apply = async (call, { physicalName, properties }) => {
  const TableName = physicalName;
  const stream = properties['StreamSpecification'];
  const StreamSpecification = isObject(stream) ? { StreamEnabled: true, ...stream } : undefined;
  const existing = await found(call('DescribeTable', { TableName }));
  if (existing === undefined)
    await call('CreateTable', {
      TableName,
      AttributeDefinitions: properties['AttributeDefinitions'],
      KeySchema: properties['KeySchema'],
      BillingMode: properties['BillingMode'] ?? 'PROVISIONED',
      ...pick(properties, ['GlobalSecondaryIndexes', 'LocalSecondaryIndexes', 'ProvisionedThroughput']),
      ...(StreamSpecification === undefined ? {} : { StreamSpecification }),
      ...(properties['DeletionProtectionEnabled'] === true ? { DeletionProtectionEnabled: true } : {}),
    });
  else await changeTable(call, { TableName, properties, existing, StreamSpecification });
  const TimeToLiveSpecification = properties['TimeToLiveSpecification'];
  if (!isObject(TimeToLiveSpecification)) return;
  const { TimeToLiveDescription } = await call('DescribeTimeToLive', { TableName });
  const status = isObject(TimeToLiveDescription) ? TimeToLiveDescription['TimeToLiveStatus'] : undefined;
  const isOn = status === 'ENABLED' || status === 'ENABLING';
  if (isOn !== (TimeToLiveSpecification['Enabled'] === true))
    await call('UpdateTimeToLive', { TableName, TimeToLiveSpecification });
};

interface TableChange {
  readonly TableName: string;
  readonly properties: Json;
  readonly existing: Json;
  readonly StreamSpecification: Json | undefined;
}

const changeTable = async (call: Call, change: TableChange): Promise<void> => {
  const { TableName, properties, existing, StreamSpecification } = change;
  const table = isObject(existing['Table']) ? existing['Table'] : {};
  if (StreamSpecification !== undefined && !isObject(table['StreamSpecification']))
    await call('UpdateTable', { TableName, StreamSpecification });
  const indexNames = new Set(asList(table['GlobalSecondaryIndexes']).map(({ IndexName }) => IndexName));
  for (const index of asList(properties['GlobalSecondaryIndexes']))
    if (!indexNames.has(index['IndexName']))
      await call('UpdateTable', {
        TableName,
        AttributeDefinitions: properties['AttributeDefinitions'],
        GlobalSecondaryIndexUpdates: [{ Create: index }],
      });
};

const applyStream: Apply = async (call, { physicalName, properties }) => {
  const StreamName = physicalName;
  const shardCount = Number(properties['ShardCount'] ?? 1);
  const hours = Number(properties['RetentionPeriodHours'] ?? 24);
  if ((await found(call('DescribeStreamSummary', { StreamName }))) === undefined)
    await call('CreateStream', { StreamName, ShardCount: shardCount });
  const { StreamDescriptionSummary } = await call('DescribeStreamSummary', { StreamName });
  const summary = isObject(StreamDescriptionSummary) ? StreamDescriptionSummary : {};
  if (Number(summary['OpenShardCount']) !== shardCount)
    await call('UpdateShardCount', {
      StreamName,
      TargetShardCount: shardCount,
      ScalingType: 'UNIFORM_SCALING',
    });
  const present = Number(summary['RetentionPeriodHours'] ?? 24);
  if (present !== hours)
    await call(hours > present ? 'IncreaseStreamRetentionPeriod' : 'DecreaseStreamRetentionPeriod', {
      StreamName,
      RetentionPeriodHours: hours,
    });
};

const QUEUE_ATTRIBUTES = [
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
] as const;

const applyQueue: Apply = async (call, { physicalName, properties }) => {
  const Attributes = Object.fromEntries(
    Object.entries(pick(properties, QUEUE_ATTRIBUTES)).map(([name, value]) => [
      name,
      isObject(value) ? JSON.stringify(value) : String(value),
    ]),
  );
  const existing = await found(call('GetQueueUrl', { QueueName: physicalName }));
  if (existing === undefined)
    await call('CreateQueue', {
      QueueName: physicalName,
      Attributes: { ...Attributes, ...(properties['FifoQueue'] === true ? { FifoQueue: 'true' } : {}) },
    });
  else if (Object.keys(Attributes).length > 0)
    await call('SetQueueAttributes', { QueueUrl: existing['QueueUrl'], Attributes });
};

const applyMachine: Apply = async (call, { physicalName, ref, properties }) => {
  const definition = Object.entries(
    isObject(properties['DefinitionSubstitutions']) ? properties['DefinitionSubstitutions'] : {},
  ).reduce(
    (text, [name, value]) => text.replaceAll(`\${${name}}`, String(value)),
    String(properties['DefinitionString']),
  );
  const roleArn = textOf(properties['RoleArn']);
  if ((await found(call('DescribeStateMachine', { stateMachineArn: ref }))) === undefined)
    await call('CreateStateMachine', {
      name: physicalName,
      definition,
      roleArn,
      type: properties['StateMachineType'] ?? 'STANDARD',
    });
  else await call('UpdateStateMachine', { stateMachineArn: ref, definition });
};

const applyBucket: Apply = async (call, { physicalName, properties }) => {
  const Bucket = physicalName;
  if ((await found(call('HeadBucket', { Bucket }))) === undefined) await call('CreateBucket', { Bucket });
  const lifecycle = isObject(properties['LifecycleConfiguration'])
    ? properties['LifecycleConfiguration']
    : {};
  await call('PutBucketLifecycleConfiguration', {
    Bucket,
    LifecycleConfiguration: { Rules: asList(lifecycle['Rules']).map(lifecycleRule) },
  });
};

/** A rule of a template as the API of S3 spells it. */
const lifecycleRule = ({ ExpirationInDays: Days, TagFilters, ...rule }: Json): Json => {
  const [Tag, ...others] = asList(TagFilters);
  return {
    ...rule,
    ...(Days === undefined ? {} : { Expiration: { Days } }),
    ...(Tag && { Filter: others.length === 0 ? { Tag } : { And: { Tags: [Tag, ...others] } } }),
  };
};

const applySecret: Apply = async (call, { physicalName, properties }) => {
  if ((await found(call('DescribeSecret', { SecretId: physicalName }))) !== undefined) return;
  await call('CreateSecret', {
    Name: physicalName,
    SecretString: secretString(properties),
    ...pick(properties, ['Description']),
    ClientRequestToken: randomBytes(16).toString('hex'),
  });
};

const secretString = (properties: Json): string => {
  if (typeof properties['SecretString'] === 'string') return properties['SecretString'];
  const generate = properties['GenerateSecretString'];
  return generateSecret(readSecretStringOptions(isObject(generate) ? generate : {}));
};

const provisioners: Readonly<Record<string, Provisioner>> = {
  'AWS::DynamoDB::Table': { service: 'dynamodb', apply: applyTable },
  'AWS::DynamoDB::GlobalTable': { service: 'dynamodb', apply: applyTable },
  'AWS::Kinesis::Stream': { service: 'kinesis', apply: applyStream },
  'AWS::SQS::Queue': { service: 'sqs', apply: applyQueue },
  'AWS::S3::Bucket': { service: 's3', apply: applyBucket },
  'AWS::SecretsManager::Secret': { service: 'secretsmanager', apply: applySecret },
  'AWS::StepFunctions::StateMachine': { service: 'states', apply: applyMachine },
};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const isObject = (value: unknown): value is Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const asList = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

const pick = (properties: Json, names: readonly string[]): Json =>
  Object.fromEntries(names.flatMap((name) => (name in properties ? [[name, properties[name]]] : [])));
