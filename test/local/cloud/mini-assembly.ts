/** A small assembly through the whole chain: HTTP → table → table stream → queue → function, and a Kinesis stream. */
import type { FunctionSetting } from '#local/lambda/lambda-host.ts';
import type { CreateHandler, HostPlugin } from '#local/lambda/function-contract.ts';
import { writeAssembly } from '#test/unit/local/template/assembly-fixture.ts';

/** Properties of a resource. */
export type Properties = Readonly<Record<string, unknown>>;
interface Declared {
  readonly Type: string;
  readonly Properties?: Properties;
}

/** Resources by logical id; a test changes what it wants before it writes the assembly. */
export type MiniTemplate = Record<string, Declared>;

const arnOf = (logicalId: string, attribute = 'Arn'): unknown => ({ 'Fn::GetAtt': [logicalId, attribute] });
const lambda = (name: string, more: Properties = {}): Declared => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    FunctionName: name,
    Handler: 'handler.handler',
    Runtime: 'nodejs22.x',
    Role: arnOf('Role'),
    Code: { S3Bucket: 'assets', S3Key: 'code.zip' },
    Environment: { Variables: { TABLE: { Ref: 'Table' }, QUEUE_URL: { Ref: 'Queue' } } },
    ...more,
  },
});
const mapping = (FunctionName: unknown, EventSourceArn: unknown, more: Properties = {}): Declared => ({
  Type: 'AWS::Lambda::EventSourceMapping',
  Properties: { FunctionName, EventSourceArn, ...more },
});
const route = (HttpMethod: string, ResourceId: unknown, streams = false): Declared => ({
  Type: 'AWS::ApiGateway::Method',
  Properties: {
    RestApiId: { Ref: 'Api' },
    ResourceId,
    HttpMethod,
    AuthorizationType: 'NONE',
    Integration: {
      Type: 'AWS_PROXY',
      IntegrationHttpMethod: 'POST',
      ...(streams ? { ResponseTransferMode: 'STREAM' } : {}),
      Uri: {
        'Fn::Sub':
          'arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Put.Arn}/invocations',
      },
    },
  },
});

/** A role with these statements. */
export const role = (...Statement: readonly Properties[]): Declared => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {},
    Policies: [{ PolicyName: 'grants', PolicyDocument: { Version: '2012-10-17', Statement } }],
  },
});

/** The whole template. */
export const miniTemplate = (): MiniTemplate => ({
  Role: role({ Effect: 'Allow', Action: '*', Resource: '*' }),
  Table: {
    Type: 'AWS::DynamoDB::Table',
    Properties: {
      TableName: 'mini-items',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    },
  },
  Dead: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'mini-dead' } },
  Queue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: 'mini-work',
      VisibilityTimeout: 30,
      RedrivePolicy: { deadLetterTargetArn: arnOf('Dead'), maxReceiveCount: 3 },
    },
  },
  Stream: { Type: 'AWS::Kinesis::Stream', Properties: { Name: 'mini-stream', ShardCount: 1 } },
  Pool: { Type: 'AWS::Cognito::UserPool', Properties: { UserPoolName: 'mini' } },
  Client: { Type: 'AWS::Cognito::UserPoolClient', Properties: { UserPoolId: { Ref: 'Pool' } } },
  Put: lambda('mini-put'),
  Copy: lambda('mini-copy'),
  Work: lambda('mini-work'),
  Ingest: lambda('mini-ingest'),
  Tick: lambda('mini-tick'),
  CopyMapping: mapping({ Ref: 'Copy' }, arnOf('Table', 'StreamArn'), { StartingPosition: 'TRIM_HORIZON' }),
  WorkMapping: mapping({ Ref: 'Work' }, arnOf('Queue'), {
    BatchSize: 10,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
  }),
  IngestMapping: mapping(arnOf('Ingest'), arnOf('Stream'), {
    StartingPosition: 'TRIM_HORIZON',
    BatchSize: 2,
  }),
  EachMinute: {
    Type: 'AWS::Events::Rule',
    Properties: { ScheduleExpression: 'rate(1 minute)', Targets: [{ Id: 'T', Arn: arnOf('Tick') }] },
  },
  Machine: {
    Type: 'AWS::StepFunctions::StateMachine',
    Properties: {
      StateMachineName: 'mini-wait',
      RoleArn: arnOf('Role'),
      DefinitionSubstitutions: { target: arnOf('Tick') },
      DefinitionString: JSON.stringify({
        QueryLanguage: 'JSONata',
        StartAt: 'Wait',
        States: {
          Wait: { Type: 'Wait', Seconds: 604_800, Next: 'Tell' },
          Tell: {
            Type: 'Task',
            Resource: 'arn:aws:states:::lambda:invoke',
            Arguments: { FunctionName: '${target}', Payload: '{% $states.input %}' },
            Output: '{% $states.result.Payload %}',
            End: true,
          },
        },
      }),
    },
  },
  Api: { Type: 'AWS::ApiGateway::RestApi', Properties: { Name: 'mini' } },
  ItemsPath: {
    Type: 'AWS::ApiGateway::Resource',
    Properties: { RestApiId: { Ref: 'Api' }, ParentId: arnOf('Api', 'RootResourceId'), PathPart: 'items' },
  },
  ItemPath: {
    Type: 'AWS::ApiGateway::Resource',
    Properties: { RestApiId: { Ref: 'Api' }, ParentId: { Ref: 'ItemsPath' }, PathPart: '{id}' },
  },
  PutItem: route('PUT', { Ref: 'ItemPath' }),
});

/** Writes it; the bundles are there for hosts in threads. */
export const writeMini = (resources: MiniTemplate, bundle = 'export const handler = () => 1;'): string =>
  writeAssembly({ mini: { template: { Resources: resources } } }, { code: bundle });

/** What the functions of a mini cloud saw, by function. */
export type Seen = Record<string, unknown[]>;

/** Functions of the mini cloud: each notes its event in `seen`, and `acts` may say what else it does. */
export const miniFunctions =
  (
    seen: Seen,
    acts: Readonly<Record<string, (event: unknown, platform: MiniPlatform) => unknown>> = {},
  ): ((setting: FunctionSetting) => Promise<Readonly<Record<string, unknown>>>) =>
  ({ name }) => {
    const createHandler: CreateHandler = (environment, plugin) => async (event) => {
      (seen[name] ??= []).push(event);
      return acts[name]?.(event, { environment, plugin });
    };
    return Promise.resolve({ createHandler });
  };

export interface MiniPlatform {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly plugin: HostPlugin | undefined;
}
