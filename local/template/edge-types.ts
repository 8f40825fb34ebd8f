/** Live resource types at the edge of the system: the HTTP API, schedules, and the token issuer. */
import { arn, idOf, name } from '#local/template/resource-type.ts';
import type { ResourceType } from '#local/template/resource-type.ts';

/** Types with behaviour that callers and clocks meet first. */
export const edgeTypes: Readonly<Record<string, ResourceType>> = {
  'AWS::ApiGateway::RestApi': {
    behaviour: 'live',
    nameProperty: 'Name',
    properties: [
      'Name',
      'Description',
      'EndpointConfiguration',
      'BinaryMediaTypes',
      'MinimumCompressionSize',
      'DisableExecuteApiEndpoint',
      'ApiKeySourceType',
      'FailOnWarnings',
      'Policy',
      'SecurityPolicy',
      'EndpointAccessMode',
      'Tags',
    ],
    ref: (identity) => idOf(identity),
    attributes: {
      RestApiId: (identity) => idOf(identity),
      RootResourceId: (identity) => `${idOf(identity)}-root`,
    },
  },
  'AWS::ApiGateway::Resource': {
    behaviour: 'live',
    properties: ['RestApiId', 'ParentId', 'PathPart'],
    ref: (identity) => idOf(identity),
    attributes: { ResourceId: (identity) => idOf(identity) },
  },
  'AWS::ApiGateway::Method': {
    behaviour: 'live',
    properties: [
      'RestApiId',
      'ResourceId',
      'HttpMethod',
      'AuthorizationType',
      'AuthorizerId',
      'AuthorizationScopes',
      'ApiKeyRequired',
      'Integration',
      'MethodResponses',
      'OperationName',
      'RequestModels',
      'RequestParameters',
      'RequestValidatorId',
    ],
    ref: (identity) => idOf(identity),
    attributes: {},
  },
  'AWS::ApiGateway::GatewayResponse': {
    behaviour: 'live',
    properties: ['RestApiId', 'ResponseType', 'StatusCode', 'ResponseParameters', 'ResponseTemplates'],
    ref: (identity) => idOf(identity),
    attributes: { Id: (identity) => idOf(identity) },
  },
  'AWS::Events::Rule': {
    behaviour: 'live',
    nameProperty: 'Name',
    properties: ['Name', 'Description', 'ScheduleExpression', 'State', 'Targets', 'RoleArn', 'Tags'],
    ref: name,
    attributes: { Arn: arn('events', ({ physicalName }) => `rule/${physicalName}`) },
  },
  'AWS::Scheduler::Schedule': {
    behaviour: 'live',
    nameProperty: 'Name',
    properties: [
      'Name',
      'Description',
      'GroupName',
      'ScheduleExpression',
      'ScheduleExpressionTimezone',
      'FlexibleTimeWindow',
      'State',
      'Target',
      'KmsKeyArn',
    ],
    ref: name,
    attributes: { Arn: arn('scheduler', ({ physicalName }) => `schedule/default/${physicalName}`) },
  },
  'AWS::Cognito::UserPool': {
    behaviour: 'live',
    nameProperty: 'UserPoolName',
    properties: [
      'UserPoolName',
      'AccountRecoverySetting',
      'AdminCreateUserConfig',
      'AutoVerifiedAttributes',
      'AliasAttributes',
      'DeletionProtection',
      'EmailVerificationMessage',
      'EmailVerificationSubject',
      'EnabledMfas',
      'LambdaConfig',
      'MfaConfiguration',
      'Policies',
      'Schema',
      'SmsVerificationMessage',
      'UserAttributeUpdateSettings',
      'UserPoolAddOns',
      'UserPoolTags',
      'UserPoolTier',
      'UsernameAttributes',
      'UsernameConfiguration',
      'VerificationMessageTemplate',
    ],
    ref: (identity) => userPoolId(identity),
    attributes: {
      UserPoolId: (identity) => userPoolId(identity),
      Arn: arn('cognito-idp', (identity) => `userpool/${userPoolId(identity)}`),
      ProviderName: (identity) => `cognito-idp.${identity.region}.amazonaws.com/${userPoolId(identity)}`,
      ProviderURL: (identity) =>
        `https://cognito-idp.${identity.region}.amazonaws.com/${userPoolId(identity)}`,
    },
  },
};

/** Cognito's form of a pool id: region, `_`, nine characters. */
const userPoolId = (identity: Parameters<ResourceType['ref']>[0]): string =>
  `${identity.region}_${idOf(identity, 9)}`;
