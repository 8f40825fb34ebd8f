/** Resolves the templates of an assembly into resources with physical names and plain property values. */
import type { AssemblyStack, TemplateResource } from '#local/template/assembly.ts';
import { inertTypes } from '#local/template/inert-types.ts';
import { evaluateCondition, resolveValue } from '#local/template/intrinsics.ts';
import type { IntrinsicScope } from '#local/template/intrinsics.ts';
import { aliasType } from '#local/template/lambda-alias.ts';
import { liveTypes } from '#local/template/live-types.ts';
import type { ResourceIdentity, ResourceType } from '#local/template/resource-type.ts';
import { TemplateError } from '#local/template/template-error.ts';

/** A resource of the template with every intrinsic replaced. */
export interface Resource extends ResourceIdentity {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly ref: string;
  readonly behaviour: 'live' | 'inert';
}

/** One stack as it would stand in the account. */
export interface ResolvedStack {
  readonly stackName: string;
  readonly resources: readonly Resource[];
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly assetPaths: ReadonlyMap<string, string>;
}

/** The account the templates are resolved for. */
export interface Account {
  readonly region: string;
  readonly accountId: string;
  /** Root of queue URLs: where the wire endpoint listens. */
  readonly awsUrl: string;
}

const types: Readonly<Record<string, ResourceType>> = {
  ...liveTypes,
  ...inertTypes,
  'AWS::Lambda::Alias': aliasType,
};

/** Resolves the stacks in order; SSM parameters of earlier stacks can be read by later ones. */
export const resolveStacks = (
  stacks: readonly AssemblyStack[],
  account: Account,
): readonly ResolvedStack[] => {
  const stored = new Map<string, string>();
  return stacks.map((stack) => {
    const resolved = resolveStack({ stack, account, stored });
    for (const { type, properties, physicalName } of resolved.resources)
      if (type === 'AWS::SSM::Parameter') stored.set(physicalName, String(properties['Value']));
    return resolved;
  });
};

interface StackToResolve {
  readonly stack: AssemblyStack;
  readonly account: Account;
  readonly stored: ReadonlyMap<string, string>;
}

const resolveStack = ({ stack, account, stored }: StackToResolve): ResolvedStack => {
  const declared = stack.template.Resources ?? {};
  const scope = stackScope({ stack, account, stored });
  const resources = Object.entries(declared)
    .filter(([, { Condition }]) => Condition === undefined || evaluateCondition(Condition, scope))
    .map(([logicalId, resource]) => resolveResource({ stack, account, logicalId, resource, scope }));
  return {
    stackName: stack.stackName,
    resources,
    outputs: Object.fromEntries(
      Object.entries(stack.template.Outputs ?? {}).map(([name, output]) => [
        name,
        resolveValue((output as { readonly Value?: unknown }).Value, scope),
      ]),
    ),
    assetPaths: stack.assetPaths,
  };
};

interface ResourceToResolve {
  readonly stack: AssemblyStack;
  readonly account: Account;
  readonly logicalId: string;
  readonly resource: TemplateResource;
  readonly scope: IntrinsicScope;
}

const resolveResource = (from: ResourceToResolve): Resource => {
  const { stack, logicalId, resource, scope } = from;
  const place = { stackName: stack.stackName, logicalId, type: resource.Type };
  const type = types[resource.Type];
  if (type === undefined)
    throw new TemplateError(place, 'this resource type is not supported by the local cloud');
  const properties: Record<string, unknown> = {};
  for (const [property, value] of Object.entries(resource.Properties ?? {})) {
    if (!type.properties.includes(property))
      throw new TemplateError(
        { ...place, property },
        'this property is not supported by the local cloud for this type',
      );
    const resolved = placed({ ...place, property }, () => resolveValue(value, scope));
    if (resolved !== undefined) properties[property] = resolved;
  }
  const identity = placed(place, () => identify(from, type));
  return { ...identity, properties, ref: type.ref(identity), behaviour: type.behaviour };
};

const identify = (
  { stack, account, logicalId, resource, scope }: Omit<ResourceToResolve, 'type'>,
  type: ResourceType,
): ResourceIdentity => {
  const nameSource =
    resource.Type === 'AWS::Lambda::Alias' || resource.Type === 'AWS::Lambda::Version'
      ? 'FunctionName'
      : type.nameProperty;
  const explicit =
    nameSource === undefined ? undefined : resolveValue(resource.Properties?.[nameSource], scope);
  const aliasName: unknown =
    resource.Type === 'AWS::Lambda::Alias' ? resource.Properties?.['Name'] : undefined;
  const alias = typeof aliasName === 'string' ? `:${aliasName}` : '';
  const fifo = resource.Properties?.['FifoQueue'] === true ? '.fifo' : '';
  return {
    stackName: stack.stackName,
    logicalId,
    type: resource.Type,
    physicalName: typeof explicit === 'string' ? explicit + alias : `${stack.stackName}-${logicalId}${fifo}`,
    ...account,
  };
};

const stackScope = ({ stack, account, stored }: StackToResolve): IntrinsicScope => {
  const { template, stackName } = stack;
  const declared = template.Resources ?? {};
  const pseudo: Readonly<Record<string, unknown>> = {
    'AWS::Region': account.region,
    'AWS::AccountId': account.accountId,
    'AWS::Partition': 'aws',
    'AWS::StackName': stackName,
    'AWS::StackId': `arn:aws:cloudformation:${account.region}:${account.accountId}:stack/${stackName}/local`,
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::NotificationARNs': [],
    'AWS::NoValue': undefined,
  };
  const find = (logicalId: string): { identity: ResourceIdentity; type: ResourceType } => {
    const resource = declared[logicalId];
    if (resource === undefined) throw new Error(`there is no resource ${logicalId}`);
    const type = types[resource.Type];
    if (type === undefined)
      throw new TemplateError(
        { stackName, logicalId, type: resource.Type },
        'this resource type is not supported by the local cloud',
      );
    return { identity: identify({ stack, account, logicalId, resource, scope }, type), type };
  };
  const storedParameter = (name: string): string => {
    const value = stored.get(name);
    if (value === undefined) throw new Error(`no earlier stack stores the SSM parameter ${name}`);
    return value;
  };
  const scope: IntrinsicScope = {
    mappings: template.Mappings ?? {},
    conditions: template.Conditions ?? {},
    storedParameter,
    ref: (name) => {
      if (name in pseudo) return pseudo[name];
      const parameter = template.Parameters?.[name];
      if (parameter !== undefined)
        return parameter.Type.startsWith('AWS::SSM::Parameter::Value') && name !== 'BootstrapVersion'
          ? storedParameter(String(parameter.Default))
          : parameter.Default;
      const { identity, type } = find(name);
      return type.ref(identity);
    },
    attribute: (logicalId, attribute) => {
      const { identity, type } = find(logicalId);
      const valueOf = type.attributes[attribute];
      if (valueOf === undefined)
        throw new TemplateError(identity, `the attribute ${attribute} is not supported by the local cloud`);
      return valueOf(identity);
    },
  };
  return scope;
};

const placed = <Value>(place: ConstructorParameters<typeof TemplateError>[0], act: () => Value): Value => {
  try {
    return act();
  } catch (error) {
    if (error instanceof TemplateError) throw error;
    throw new TemplateError(place, error instanceof Error ? error.message : String(error));
  }
};
