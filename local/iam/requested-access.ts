/** Which actions on which resources a request needs, as the service authorisation reference of AWS lists them. */
import type { Grant } from '#local/iam/policy.ts';
import type { Json, ServiceName } from '#local/kernel/engine.ts';
import { secretArnOf } from '#local/secrets/secret-arn.ts';

/** A request as it reaches an engine. */
export interface Requested {
  readonly service: ServiceName;
  readonly operation: string;
  readonly input: Json;
}

/** The account that requests are made in. */
export interface AccessScope {
  readonly region: string;
  readonly accountId: string;
}

type AccessOf = (request: Requested, scope: AccessScope) => readonly Grant[];

/**
 * Every action a request must be allowed; all of them, or none of it happens. Where AWS knows no resource, or the
 * request does not tell it, the resource is `*`, which only a statement for `*` allows.
 */
export const requestedAccess: AccessOf = (request, scope) => accessOf[request.service](request, scope);

const arnOf =
  (service: string) =>
  ({ region, accountId }: AccessScope, rest: string): string =>
    `arn:aws:${service}:${region}:${accountId}:${rest}`;
const tableArn = arnOf('dynamodb');
const streamArn = arnOf('kinesis');
const queueArn = arnOf('sqs');

const plainly =
  (prefix: string, resourceOf: (input: Json, scope: AccessScope) => string | undefined): AccessOf =>
  ({ operation, input }, scope) => [
    { action: `${prefix}:${operation}`, resource: resourceOf(input, scope) ?? '*' },
  ];

const dynamodb: AccessOf = ({ operation, input }, scope) => {
  const one = (action: string, { TableName, IndexName }: Json): Grant => ({
    action: `dynamodb:${action}`,
    resource: tableOf(scope, TableName, IndexName),
  });
  const { RequestItems, TransactItems } = input;
  if (isRecord(RequestItems))
    return Object.keys(RequestItems).map((TableName) => one(operation, { TableName }));
  if (Array.isArray(TransactItems))
    return TransactItems.filter(isRecord).flatMap((item) =>
      Object.entries(item).flatMap(([act, of]) => (isRecord(of) ? [one(transacted[act] ?? act, of)] : [])),
    );
  return [one(operation, input)];
};

/** Actions that the members of a transaction stand for. */
const transacted: Readonly<Record<string, string>> = {
  Get: 'GetItem',
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
};

const tableOf = (scope: AccessScope, table: unknown, index: unknown): string => {
  if (typeof table !== 'string') return '*';
  const arn = table.startsWith('arn:') ? table : tableArn(scope, `table/${table}`);
  return typeof index === 'string' ? `${arn}/index/${index}` : arn;
};

const kinesisStream = ({ StreamARN, StreamName }: Json, scope: AccessScope): string | undefined =>
  textOf(StreamARN) ??
  (typeof StreamName === 'string' ? streamArn(scope, `stream/${StreamName}`) : undefined);

const sqs: AccessOf = ({ operation, input }, scope) => {
  const { QueueUrl, QueueName, SourceArn } = input;
  const name = textOf(QueueName) ?? textOf(QueueUrl)?.split('/').at(-1);
  const resource = textOf(SourceArn) ?? (name === undefined ? '*' : queueArn(scope, name));
  // A batch needs what its entries need.
  return [{ action: `sqs:${operation.replace(/Batch$/, '')}`, resource }];
};

const states = ({ executionArn, stateMachineArn, resourceArn }: Json): string | undefined =>
  textOf(executionArn) ?? textOf(stateMachineArn) ?? textOf(resourceArn);

const s3: AccessOf = ({ operation, input }) => {
  const action = `s3:${s3Actions[operation] ?? operation}`;
  const bucket = textOf(input['Bucket']);
  if (bucket === undefined || operation === 'ListBuckets') return [{ action, resource: '*' }];
  const arn = `arn:aws:s3:::${bucket}`;
  if (operation === 'CopyObject') return [sourceAccess(input), ...writeAccess(input, arn)];
  if (operation === 'PutObject') return writeAccess(input, arn);
  const keys = operation === 'DeleteObjects' ? keysIn(input['Delete']) : keysIn({ Objects: [input] });
  return keys.length === 0
    ? [{ action, resource: arn }]
    : keys.map((key) => ({ action, resource: `${arn}/${key}` }));
};

const sourceAccess = ({ CopySource }: Json): Grant => ({
  action: 's3:GetObject',
  resource: `arn:aws:s3:::${decodeURIComponent(textOf(CopySource) ?? '').replace(/^\//, '')}`,
});

/** Tags that come with an object need an action of their own. */
const writeAccess = ({ Key, Tagging }: Json, bucketArn: string): readonly Grant[] =>
  ['s3:PutObject', ...(Tagging === undefined ? [] : ['s3:PutObjectTagging'])].map((action) => ({
    action,
    resource: `${bucketArn}/${textOf(Key) ?? ''}`,
  }));

/** Actions of S3 that are not called as their operations. */
const s3Actions: Readonly<Record<string, string>> = {
  HeadObject: 'GetObject',
  DeleteObjects: 'DeleteObject',
  ListObjectsV2: 'ListBucket',
  HeadBucket: 'ListBucket',
  ListBuckets: 'ListAllMyBuckets',
  PutBucketLifecycleConfiguration: 'PutLifecycleConfiguration',
};

const keysIn = (named: unknown): readonly string[] => {
  const { Objects } = isRecord(named) ? named : {};
  return Array.isArray(Objects) ? Objects.flatMap((object) => textOf(at(object, 'Key')) ?? []) : [];
};

const secret = ({ SecretId, Name }: Json, scope: AccessScope): string | undefined => {
  const id = textOf(SecretId) ?? textOf(Name);
  if (id === undefined || id.startsWith('arn:')) return id;
  return secretArnOf(scope, id);
};

const invocation: AccessOf = ({ input }, { region, accountId }) => {
  const reference = textOf(input['FunctionName']) ?? '*';
  const resource = reference.startsWith('arn:')
    ? reference
    : `arn:aws:lambda:${region}:${accountId}:function:${reference}`;
  return [{ action: 'lambda:InvokeFunction', resource }];
};

const accessOf: Readonly<Record<ServiceName, AccessOf>> = {
  dynamodb,
  dynamodbstreams: plainly('dynamodb', ({ StreamArn }) => textOf(StreamArn)),
  kinesis: plainly('kinesis', kinesisStream),
  sqs,
  states: plainly('states', states),
  lambda: invocation,
  s3,
  secretsmanager: plainly('secretsmanager', secret),
  scheduler: plainly('scheduler', () => undefined),
  logs: plainly('logs', () => undefined),
};

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null;

const at = (value: unknown, member: string): unknown => (isRecord(value) ? value[member] : undefined);
