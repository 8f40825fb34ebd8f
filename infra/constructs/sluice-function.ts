import { join } from 'node:path';

import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function,
  LoggingFormat,
  RecursiveLoop,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

import { environmentKeysOf } from '#contracts/config.ts';
import type { EnvironmentKey } from '#contracts/config.ts';
import { liveAlias } from '#contracts/naming.ts';
import type { FunctionName } from '#contracts/naming.ts';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { functionSettings } from '#infra/function-settings.ts';
import { statementsOf } from '#infra/grants.ts';
import type { ResourceNames } from '#infra/resource-names.ts';
import { resourceNames } from '#infra/resource-names.ts';
import type { StackSettings } from '#infra/settings.ts';

/** Where the tokens of people come from; only functions behind the API need it. */
export interface TokenIssuer {
  readonly issuer: string;
  readonly audience: string;
}

/** Which function of which deployment. */
export interface SluiceFunctionProps {
  readonly name: FunctionName;
  readonly settings: StackSettings;
  readonly tokenIssuer?: TokenIssuer;
}

/** One Lambda function with its own role, log group and `live` alias; everything about it follows from its name. */
export class SluiceFunction extends Construct {
  readonly alias: IFunction;

  constructor(scope: Construct, id: string, props: SluiceFunctionProps) {
    super(scope, id);
    const { name, settings } = props;
    const names = resourceNames(settings.stage);
    const { timeoutSeconds, isRecursive, description } = functionSettings[name];
    const lambda = new Function(this, 'Function', {
      functionName: names.of(name),
      description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 512,
      timeout: Duration.seconds(timeoutSeconds),
      handler: 'handler.handler',
      code: Code.fromAsset(join(settings.dist, name)),
      role: this.role(name, names),
      logGroup: this.logGroup(name, names),
      // What Lambda itself says of an invocation that went well costs more than it tells: metrics say the same.
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: SystemLogLevel.WARN,
      environment: environmentOf(props, names),
      ...(isRecursive ? { recursiveLoop: RecursiveLoop.ALLOW } : {}),
    });
    // CDK's classes do not fit its own interfaces under exactOptionalPropertyTypes; this is the only cast for it.
    this.alias = lambda.addAlias(liveAlias) as IFunction;
  }

  private role(name: FunctionName, names: ResourceNames): Role {
    const statements = statementsOf(name, names);
    const role = new Role(this, 'Role', {
      roleName: `${names.of(name)}-function`,
      description: `What ${names.of(name)} may do`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { grants: new PolicyDocument({ statements }) },
    });
    for (const [resource, reason] of wildcards(names, name)) {
      if (!statements.some((statement) => statement.resources.includes(resource))) continue;
      acknowledge(role, { rule: `AwsSolutions-IAM5[Resource::${asFinding(this, resource)}]`, reason });
    }
    return role;
  }

  private logGroup(name: FunctionName, names: ResourceNames): LogGroup {
    return new LogGroup(this, 'Logs', {
      logGroupName: names.logGroupName(name),
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}

/** The resources whose last part AWS or the content chooses; nothing narrower can be named. */
const wildcards = (names: ResourceNames, name: FunctionName): readonly (readonly [string, string])[] => [
  [names.logStreamsArn(name), 'Lambda names the log streams inside this one log group'],
  [`${names.bucketArn}/*`, 'keys are hashes of what is stored, under this one bucket'],
  [names.chunksArn, 'keys of chunks end in hashes of what is stored, under this one prefix'],
  [names.spillsArn, 'keys of spilled records end in hashes of what is stored, under this one prefix'],
  [names.executionsArn('retry-task'), 'executions of this one machine are named after run and attempt'],
  [names.executionsArn('feed-recovery'), 'executions of this one machine are named after feed and halt'],
  [
    names.workerFunctionsArn,
    'customers make the functions that make tasks, under this one prefix of the stage',
  ],
  [names.workerQueuesArn, 'customers make the queues of their workers, under this one prefix of the stage'],
  ['*', 'a task token stands for its task: whoever answers one can name no resource'],
];

/** The resource as the checks spell it in their findings: pseudo parameters in angle brackets. */
const asFinding = (scope: Construct, resource: string): string => flatten(Stack.of(scope).resolve(resource));

const flatten = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(flatten).join('');
  const [intrinsic, argument] = Object.entries(value as object)[0] ?? [];
  return intrinsic === 'Ref' ? `<${String(argument)}>` : flatten((argument as readonly unknown[])[1]);
};

const environmentOf = (
  { name, settings, tokenIssuer }: SluiceFunctionProps,
  names: ResourceNames,
): Record<string, string> => {
  const values: Readonly<Record<EnvironmentKey, string | undefined>> = {
    STAGE: settings.stage,
    TENANT_ID: settings.tenant,
    WORKSPACE_ID: settings.workspace,
    LIMITS: settings.limits,
    LEDGER_TABLE: names.of('ledger'),
    VIEWS_TABLE: names.of('views'),
    CONTROL_TABLE: names.of('control'),
    BLOBS_BUCKET: names.bucketName,
    MARKET_STREAM: names.of('market-events'),
    OUTPUT_STREAM: names.of('orchestrator-events'),
    ENGINE_RUNS_QUEUE_URL: names.queueUrl('engine-runs.fifo'),
    COMMANDS_QUEUE_URL: names.queueUrl('commands.fifo'),
    SWEEP_QUEUE_URL: names.queueUrl('sweep'),
    TIMERS_QUEUE_URL: names.queueUrl('timers'),
    COMPACTIONS_QUEUE_URL: names.queueUrl('compactions'),
    PUBLICATIONS_QUEUE_URL: names.queueUrl('publications'),
    INLINE_RUNS_QUEUE_URL: names.queueUrl('inline-runs'),
    FUNCTION_TASKS_QUEUE_URL: names.queueUrl('function-tasks'),
    WORKER_QUEUES_URL: names.queuesUrl,
    MARKET_DEAD_LETTERS_QUEUE_URL: names.queueUrl('market-dead-letters'),
    RETRY_TASK_MACHINE_ARN: names.machineArn('retry-task'),
    FEED_RECOVERY_MACHINE_ARN: names.machineArn('feed-recovery'),
    TASK_TOKEN_SECRET_ID: names.of('task-token-key'),
    RUN_ID_SECRET_ID: names.of('run-id-key'),
    OIDC_ISSUER: tokenIssuer?.issuer,
    OIDC_AUDIENCE: tokenIssuer?.audience,
    OIDC_JWKS_URL: tokenIssuer && `${tokenIssuer.issuer}/.well-known/jwks.json`,
  };
  const keys: readonly EnvironmentKey[] = environmentKeysOf[name];
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = values[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
};
