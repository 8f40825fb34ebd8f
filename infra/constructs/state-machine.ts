/** State machines: each is a file of `statemachines/` and calls the function that has its name, and nothing else. */
import { readFileSync } from 'node:fs';

import { RemovalPolicy } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

import type { Stage, StateMachineName } from '#contracts/naming.ts';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { resourceNames } from '#infra/resource-names.ts';
import type { ResourceNames } from '#infra/resource-names.ts';

/** Which machine of which stage. */
export interface StateMachineProps {
  readonly name: StateMachineName;
  readonly stage: Stage;
}

const folder = new URL('../../statemachines/', import.meta.url);

/** Adds a machine with its role and its log, whose lines hold no data of executions. */
export const addStateMachine = (scope: Construct, id: string, { name, stage }: StateMachineProps): void => {
  const names = resourceNames(stage);
  const machine = new StateMachine(scope, `${id}Machine`, {
    stateMachineName: names.of(name),
    definitionBody: DefinitionBody.fromString(readFileSync(new URL(`${name}.asl.json`, folder), 'utf8')),
    definitionSubstitutions: { [`${id}FunctionArn`]: names.functionArn(name) },
    role: roleOf(scope, id, { name, names }),
    tracingEnabled: true,
    logs: {
      destination: new LogGroup(scope, `${id}Logs`, {
        logGroupName: `/aws/vendedlogs/states/${names.of(name)}`,
        retention: RetentionDays.ONE_MONTH,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
      level: LogLevel.ALL,
      includeExecutionData: false,
    },
  });
  acknowledge(machine.role, {
    rule: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'log delivery and X-Ray have no resources that a policy could name',
  });
};

const roleOf = (
  scope: Construct,
  id: string,
  { name, names }: { readonly name: StateMachineName; readonly names: ResourceNames },
): Role =>
  new Role(scope, `${id}Role`, {
    roleName: `${names.of(name)}-machine`,
    assumedBy: new ServicePrincipal('states.amazonaws.com'),
    inlinePolicies: {
      invoke: new PolicyDocument({
        statements: [
          new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [names.functionArn(name)] }),
        ],
      }),
    },
  });
