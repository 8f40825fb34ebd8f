/**
 * Resource types that are known and have no effect here: permissions, keys, alarms, dashboards and the like. Their
 * properties are listed too, so that a misspelt one is found at boot and not at deployment.
 */
import { arn, idOf, name } from '#local/template/resource-type.ts';
import type { ResourceType } from '#local/template/resource-type.ts';

const inert = (
  properties: readonly string[],
  rest: Partial<Omit<ResourceType, 'behaviour' | 'properties'>> = {},
): ResourceType => ({ behaviour: 'inert', properties, ref: name, attributes: {}, ...rest });

const generated = { ref: (identity: Parameters<ResourceType['ref']>[0]) => idOf(identity) };
const globalArn = (service: string, kind: string) => ({
  Arn: (identity: Parameters<ResourceType['ref']>[0]) =>
    `arn:aws:${service}::${identity.accountId}:${kind}/${identity.physicalName}`,
});

/** Types without behaviour in the local cloud. */
export const inertTypes: Readonly<Record<string, ResourceType>> = {
  'AWS::CDK::Metadata': inert(['Analytics']),
  'AWS::IAM::Role': inert(
    [
      'RoleName',
      'AssumeRolePolicyDocument',
      'Description',
      'ManagedPolicyArns',
      'MaxSessionDuration',
      'Path',
      'PermissionsBoundary',
      'Policies',
      'Tags',
    ],
    {
      nameProperty: 'RoleName',
      attributes: { ...globalArn('iam', 'role'), RoleId: (identity) => idOf(identity) },
    },
  ),
  'AWS::IAM::Policy': inert(['PolicyName', 'PolicyDocument', 'Roles', 'Groups', 'Users'], {
    nameProperty: 'PolicyName',
  }),
  'AWS::IAM::ManagedPolicy': inert(
    ['ManagedPolicyName', 'Description', 'Path', 'PolicyDocument', 'Roles', 'Groups', 'Users'],
    {
      nameProperty: 'ManagedPolicyName',
      ref: (identity) => `arn:aws:iam::${identity.accountId}:policy/${identity.physicalName}`,
    },
  ),
  'AWS::KMS::Key': inert(
    [
      'Description',
      'Enabled',
      'EnableKeyRotation',
      'KeyPolicy',
      'KeySpec',
      'KeyUsage',
      'MultiRegion',
      'Origin',
      'PendingWindowInDays',
      'RotationPeriodInDays',
      'Tags',
    ],
    {
      ref: (identity) => idOf(identity, 36),
      attributes: {
        Arn: arn('kms', (identity) => `key/${idOf(identity, 36)}`),
        KeyId: (identity) => idOf(identity, 36),
      },
    },
  ),
  'AWS::KMS::Alias': inert(['AliasName', 'TargetKeyId'], { nameProperty: 'AliasName' }),
  'AWS::Logs::LogGroup': inert(
    [
      'LogGroupName',
      'LogGroupClass',
      'RetentionInDays',
      'KmsKeyId',
      'DataProtectionPolicy',
      'FieldIndexPolicies',
      'DeletionProtectionEnabled',
      'Tags',
    ],
    {
      nameProperty: 'LogGroupName',
      attributes: { Arn: arn('logs', ({ physicalName }) => `log-group:${physicalName}:*`) },
    },
  ),
  'AWS::Logs::MetricFilter': inert([
    'FilterName',
    'FilterPattern',
    'LogGroupName',
    'MetricTransformations',
    'ApplyOnTransformedLogs',
  ]),
  'AWS::Logs::ResourcePolicy': inert(['PolicyName', 'PolicyDocument'], { nameProperty: 'PolicyName' }),
  'AWS::CloudWatch::Alarm': inert(
    [
      'AlarmName',
      'AlarmDescription',
      'ActionsEnabled',
      'AlarmActions',
      'OKActions',
      'InsufficientDataActions',
      'ComparisonOperator',
      'DatapointsToAlarm',
      'Dimensions',
      'EvaluateLowSampleCountPercentile',
      'EvaluationPeriods',
      'ExtendedStatistic',
      'MetricName',
      'Metrics',
      'Namespace',
      'Period',
      'Statistic',
      'Threshold',
      'ThresholdMetricId',
      'TreatMissingData',
      'Unit',
      'Tags',
    ],
    {
      nameProperty: 'AlarmName',
      attributes: { Arn: arn('cloudwatch', ({ physicalName }) => `alarm:${physicalName}`) },
    },
  ),
  'AWS::CloudWatch::CompositeAlarm': inert(
    [
      'AlarmName',
      'AlarmDescription',
      'AlarmRule',
      'AlarmActions',
      'OKActions',
      'InsufficientDataActions',
      'ActionsEnabled',
      'ActionsSuppressor',
      'ActionsSuppressorExtensionPeriod',
      'ActionsSuppressorWaitPeriod',
      'Tags',
    ],
    {
      nameProperty: 'AlarmName',
      attributes: { Arn: arn('cloudwatch', ({ physicalName }) => `alarm:${physicalName}`) },
    },
  ),
  'AWS::CloudWatch::Dashboard': inert(['DashboardName', 'DashboardBody', 'Tags'], {
    nameProperty: 'DashboardName',
  }),
  'AWS::SSM::Parameter': inert(
    ['Name', 'Type', 'Value', 'Description', 'AllowedPattern', 'DataType', 'Policies', 'Tier', 'Tags'],
    { nameProperty: 'Name' },
  ),
  'AWS::SNS::Topic': inert(
    ['TopicName', 'DisplayName', 'KmsMasterKeyId', 'Subscription', 'FifoTopic', 'SignatureVersion', 'Tags'],
    {
      nameProperty: 'TopicName',
      ref: arn('sns', ({ physicalName }) => physicalName),
      attributes: { TopicArn: arn('sns', ({ physicalName }) => physicalName), TopicName: name },
    },
  ),
  'AWS::SNS::TopicPolicy': inert(['PolicyDocument', 'Topics']),
  'AWS::SNS::Subscription': inert(['Endpoint', 'Protocol', 'TopicArn', 'FilterPolicy', 'RawMessageDelivery']),
  'AWS::SQS::QueuePolicy': inert(['PolicyDocument', 'Queues']),
  'AWS::S3::BucketPolicy': inert(['Bucket', 'PolicyDocument']),
  'AWS::SecretsManager::ResourcePolicy': inert(['SecretId', 'ResourcePolicy', 'BlockPublicPolicy']),
  'AWS::Lambda::Permission': inert([
    'Action',
    'FunctionName',
    'Principal',
    'SourceArn',
    'SourceAccount',
    'EventSourceToken',
    'FunctionUrlAuthType',
    'InvokedViaFunctionUrl',
    'PrincipalOrgID',
  ]),
  'AWS::Lambda::Version': inert(
    ['FunctionName', 'CodeSha256', 'Description', 'ProvisionedConcurrencyConfig', 'RuntimePolicy'],
    {
      ref: arn('lambda', ({ physicalName }) => `function:${physicalName}:1`),
      attributes: {
        Version: () => '1',
        FunctionArn: arn('lambda', ({ physicalName }) => `function:${physicalName}:1`),
      },
    },
  ),
  'AWS::Lambda::EventInvokeConfig': inert([
    'FunctionName',
    'Qualifier',
    'MaximumRetryAttempts',
    'MaximumEventAgeInSeconds',
    'DestinationConfig',
  ]),
  'AWS::ApiGateway::Deployment': inert(
    ['RestApiId', 'Description', 'StageName', 'StageDescription', 'DeploymentCanarySettings'],
    { ...generated, attributes: { DeploymentId: (identity) => idOf(identity) } },
  ),
  'AWS::ApiGateway::Stage': inert(
    [
      'RestApiId',
      'DeploymentId',
      'StageName',
      'AccessLogSetting',
      'CacheClusterEnabled',
      'CacheClusterSize',
      'ClientCertificateId',
      'Description',
      'MethodSettings',
      'TracingEnabled',
      'Variables',
      'Tags',
    ],
    { nameProperty: 'StageName' },
  ),
  'AWS::ApiGateway::Account': inert(['CloudWatchRoleArn'], generated),
  'AWS::ApiGateway::RequestValidator': inert(
    ['RestApiId', 'Name', 'ValidateRequestBody', 'ValidateRequestParameters'],
    { ...generated, attributes: { RequestValidatorId: (identity) => idOf(identity) } },
  ),
  'AWS::ApiGateway::Model': inert(['RestApiId', 'Name', 'ContentType', 'Description', 'Schema'], {
    nameProperty: 'Name',
  }),
  'AWS::ApiGateway::UsagePlan': inert(
    ['UsagePlanName', 'Description', 'ApiStages', 'Quota', 'Throttle', 'Tags'],
    { nameProperty: 'UsagePlanName', attributes: { Id: (identity) => idOf(identity) } },
  ),
  'AWS::Cognito::UserPoolClient': inert(
    [
      'UserPoolId',
      'ClientName',
      'AccessTokenValidity',
      'AllowedOAuthFlows',
      'AllowedOAuthFlowsUserPoolClient',
      'AllowedOAuthScopes',
      'AuthSessionValidity',
      'CallbackURLs',
      'DefaultRedirectURI',
      'EnablePropagateAdditionalUserContextData',
      'EnableTokenRevocation',
      'ExplicitAuthFlows',
      'GenerateSecret',
      'IdTokenValidity',
      'LogoutURLs',
      'PreventUserExistenceErrors',
      'ReadAttributes',
      'RefreshTokenRotation',
      'RefreshTokenValidity',
      'SupportedIdentityProviders',
      'TokenValidityUnits',
      'WriteAttributes',
    ],
    {
      ref: (identity) => idOf(identity, 26),
      attributes: { ClientId: (identity) => idOf(identity, 26), Name: name },
    },
  ),
  'AWS::Cognito::UserPoolDomain': inert([
    'UserPoolId',
    'Domain',
    'CustomDomainConfig',
    'ManagedLoginVersion',
  ]),
  'AWS::Cognito::UserPoolGroup': inert(['UserPoolId', 'GroupName', 'Description', 'Precedence', 'RoleArn'], {
    nameProperty: 'GroupName',
  }),
  'AWS::Cognito::UserPoolResourceServer': inert(['UserPoolId', 'Identifier', 'Name', 'Scopes'], {
    nameProperty: 'Identifier',
  }),
  'AWS::Budgets::Budget': inert(['Budget', 'NotificationsWithSubscribers', 'ResourceTags']),
  'AWS::Scheduler::ScheduleGroup': inert(['Name', 'Tags'], { nameProperty: 'Name' }),
};
