/** Everything the resolved stacks ask for beside engines: functions, mappings, schedules, routes, the token issuer. */
import type { Roles } from '#local/iam/roles.ts';
import { readFunctionSetting } from '#local/lambda/function-setting.ts';
import type { FunctionSetting } from '#local/lambda/lambda-host.ts';
import { requireMappingAccess } from '#local/mapping/mapping-access.ts';
import { readMappingSetting } from '#local/mapping/mapping-setting.ts';
import type { MappingSetting } from '#local/mapping/mapping-setting.ts';
import { readRoutes } from '#local/rest/route-tree.ts';
import type { Route } from '#local/rest/route-tree.ts';
import { readScheduleSetting } from '#local/schedule/schedule-setting.ts';
import type { ScheduleSetting } from '#local/schedule/schedule-setting.ts';
import { functionNameOf } from '#local/template/lambda-alias.ts';
import type { ResolvedStack, Resource } from '#local/template/resolve-stack.ts';
import { TemplateError } from '#local/template/template-error.ts';

/** What the stacks declare, read and checked. */
export interface StackSettings {
  readonly resources: readonly Resource[];
  readonly functions: ReadonlyMap<string, FunctionSetting>;
  readonly mappings: readonly MappingSetting[];
  readonly schedules: readonly ScheduleSetting[];
  readonly routes: readonly Route[];
  /** Stage and id of the REST API. */
  readonly api: { readonly stage: string; readonly id: string };
  /** The Cognito pool whose tokens the cloud issues, and the client they are for. */
  readonly userPool: { readonly id: string; readonly audience: string } | undefined;
}

/** Reads the stacks; refuses what the local cloud cannot do, and references to functions there are not. */
export const readStackSettings = (stacks: readonly ResolvedStack[], roles: Roles): StackSettings => {
  const resources = stacks.flatMap((stack) => stack.resources);
  const ofType = (...types: readonly string[]): readonly Resource[] =>
    resources.filter(({ type }) => types.includes(type));
  const functions = new Map(
    stacks.flatMap((stack) =>
      stack.resources
        .filter(({ type }) => type === 'AWS::Lambda::Function')
        .map((resource): [string, FunctionSetting] => [
          resource.physicalName,
          readFunctionSetting(resource, stack, roles),
        ]),
    ),
  );
  for (const machine of ofType('AWS::StepFunctions::StateMachine')) roles.of(machine, 'RoleArn');
  const [api] = ofType('AWS::ApiGateway::RestApi');
  const [stage] = ofType('AWS::ApiGateway::Stage');
  const [pool] = ofType('AWS::Cognito::UserPool');
  const [client] = ofType('AWS::Cognito::UserPoolClient');
  return {
    resources,
    functions,
    mappings: ofType('AWS::Lambda::EventSourceMapping').map((resource) => {
      const setting = readMappingSetting(resource);
      const fn = functions.get(functionNameOf(setting.functionReference));
      if (fn === undefined)
        throw new TemplateError({ ...resource, property: 'FunctionName' }, 'there is no such function');
      requireMappingAccess(resource, setting, fn);
      return setting;
    }),
    schedules: ofType('AWS::Events::Rule', 'AWS::Scheduler::Schedule').flatMap(
      (resource) => readScheduleSetting(resource) ?? [],
    ),
    routes: readRoutes(resources),
    api: { stage: stage?.physicalName ?? 'local', id: api?.ref ?? 'local' },
    userPool: pool && { id: pool.ref, audience: client?.ref ?? pool.ref },
  };
};
