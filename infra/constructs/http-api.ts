/**
 * The REST API: one method per route of the contract table, each handed to its function as it came, and beside them
 * `ANY` on every path. The gateway's own answer to a method that a path does not have is the one it gives to paths
 * there are not; the function behind `ANY` tells them apart, with 405 and the methods there are.
 */
import { Aws, Duration, Fn, RemovalPolicy } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  AuthorizationType,
  CfnAccount,
  EndpointType,
  Integration,
  IntegrationType,
  LogGroupLogDestination,
  MethodLoggingLevel,
  ResponseTransferMode,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import type { Method } from 'aws-cdk-lib/aws-apigateway';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

import type { FunctionName } from '#contracts/naming.ts';
import type { Route } from '#contracts/routes.ts';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { addGatewayErrors } from '#infra/constructs/gateway-errors.ts';

/** The routes and the functions that serve them. */
export interface HttpApiProps {
  readonly name: string;
  /** Stage of the gateway, first part of every path on its own domain. */
  readonly stageName: string;
  readonly routes: readonly Route[];
  readonly functions: ReadonlyMap<FunctionName, IFunction>;
}

/** The gateway; tokens are checked by the functions, so that one check serves AWS and the local cloud. */
export class HttpApi extends Construct {
  readonly api: RestApi;

  constructor(scope: Construct, id: string, props: HttpApiProps) {
    super(scope, id);
    this.api = this.gateway(props);
    addGatewayErrors(this.api);
    for (const [name, alias] of props.functions) this.permit(name, alias);
    for (const route of props.routes) this.route(route, functionOf(props, route));
    for (const route of onePerPath(props.routes)) this.otherMethods(route, functionOf(props, route));
    acknowledge(this.api, {
      rule: 'AwsSolutions-APIG2',
      reason: 'functions check every body against its contract, which models of the gateway cannot express',
    });
    acknowledge(this.api.deploymentStage, {
      rule: 'AwsSolutions-APIG3',
      reason: 'a web ACL is opted into per stage, since it costs more than an idle stage does',
    });
  }

  private gateway({ name, stageName }: HttpApiProps): RestApi {
    const account = this.account();
    const accessLogs = new LogGroup(this, 'AccessLogs', {
      logGroupName: `/aws/apigateway/${name}`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const api = new RestApi(this, 'Api', {
      restApiName: name,
      endpointTypes: [EndpointType.REGIONAL],
      cloudWatchRole: false,
      deployOptions: {
        stageName,
        accessLogDestination: new LogGroupLogDestination(accessLogs),
        accessLogFormat: AccessLogFormat.jsonWithStandardFields(),
        loggingLevel: MethodLoggingLevel.ERROR,
        // Bodies carry tokens and payloads; they are never logged.
        dataTraceEnabled: false,
      },
    });
    api.deploymentStage.node.addDependency(account);
    return api;
  }

  /** API Gateway writes logs with one role per account and region. */
  private account(): CfnAccount {
    const role = new Role(this, 'GatewayLogsRole', {
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      managedPolicies: [
        ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonAPIGatewayPushToCloudWatchLogs'),
      ],
    });
    acknowledge(role, {
      rule: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      reason: 'API Gateway asks for this policy on the role of the account',
    });
    const account = new CfnAccount(this, 'GatewayAccount', { cloudWatchRoleArn: role.roleArn });
    account.applyRemovalPolicy(RemovalPolicy.RETAIN);
    return account;
  }

  /** One permission per function instead of one per route keeps the stack far from its resource limit. */
  private permit(name: FunctionName, alias: IFunction): void {
    alias.addPermission(`Gateway-${name}`, {
      principal: new ServicePrincipal('apigateway.amazonaws.com'),
      sourceArn: this.api.arnForExecuteApi(),
    });
  }

  private route(route: Route, alias: IFunction): void {
    const method = this.api.root
      .resourceForPath(route.path)
      .addMethod(route.method, proxyTo(alias, route.streaming === true), {
        authorizationType: AuthorizationType.NONE,
        operationName: route.operationId,
      });
    acknowledgeOpenMethod(method, reasonOf(route));
  }

  /** A function that streams its answers streams this one too: it has no other way to answer. */
  private otherMethods({ path, streaming }: Route, alias: IFunction): void {
    const method = this.api.root
      .resourceForPath(path)
      .addMethod('ANY', proxyTo(alias, streaming === true), { authorizationType: AuthorizationType.NONE });
    acknowledgeOpenMethod(method, 'it only tells which methods there are');
  }
}

/** The first route of each path. */
const onePerPath = (routes: readonly Route[]): readonly Route[] =>
  routes.filter(({ path }, index) => routes.findIndex((route) => route.path === path) === index);

const functionOf = ({ functions }: HttpApiProps, route: Route): IFunction => {
  const alias = functions.get(route.function);
  if (alias === undefined)
    throw new Error(`route ${route.operationId} names ${route.function}, which is absent`);
  return alias;
};

/** Beyond the 29 s of answers given as a whole, and beyond the lease of any stream. */
const STREAM_TIMEOUT = Duration.seconds(150);

const proxyTo = (alias: IFunction, isStreaming: boolean): Integration =>
  new Integration({
    type: IntegrationType.AWS_PROXY,
    integrationHttpMethod: 'POST',
    uri: Fn.join('', [
      `arn:${Aws.PARTITION}:apigateway:${Aws.REGION}:lambda:path/`,
      isStreaming ? '2021-11-15' : '2015-03-31',
      '/functions/',
      alias.functionArn,
      isStreaming ? '/response-streaming-invocations' : '/invocations',
    ]),
    options: isStreaming
      ? { responseTransferMode: ResponseTransferMode.STREAM, timeout: STREAM_TIMEOUT }
      : {},
  });

/** Why the gateway checks no credential of a route. */
const reasonOf = ({ access, operationId, function: name }: Route): string =>
  access === 'public'
    ? `${operationId} only tells whether the service is alive`
    : `${name} itself checks the ${access === 'task-token' ? 'task token' : `token and the role ${access}`} of ${operationId}`;

const acknowledgeOpenMethod = (method: Method, reason: string): void =>
  acknowledge(method, { rule: 'AwsSolutions-APIG4', reason }, { rule: 'AwsSolutions-COG4', reason });
