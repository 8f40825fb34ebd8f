/** Reads the roles of the stacks with everything their policies say; what cannot be judged is refused by name. */
import * as z from 'zod';

import type { Policy, Statement } from '#local/iam/policy.ts';
import { policyOf } from '#local/iam/policy.ts';
import type { Principal } from '#local/iam/principal.ts';
import type { Resource } from '#local/template/resolve-stack.ts';
import { TemplateError } from '#local/template/template-error.ts';

/** The roles that the stacks declare. */
export interface Roles {
  /** The role under its ARN as somebody's session; undefined when no template declares it. */
  readonly principal: (roleArn: string, session: string) => Principal | undefined;
  /** The role a resource names in a property; refuses one that no template declares. */
  readonly of: (resource: Resource, property: string) => Principal;
  /** Every role by its name. */
  readonly policies: () => ReadonlyMap<string, Policy>;
}

const oneOrMore = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? [value] : value));
/** The local cloud knows none of the variables a policy could name. */
const resourcePatterns = oneOrMore.refine(
  (patterns) => patterns.every((pattern) => !pattern.includes('${')),
  {
    error: 'policy variables are not supported by the local cloud',
  },
);

/** `Condition`, `NotAction` and `NotResource` are refused as unknown keys. */
const PolicyDocument = z.strictObject({
  Version: z.literal('2012-10-17'),
  Statement: z.array(
    z.strictObject({
      Sid: z.string().optional(),
      Effect: z.enum(['Allow', 'Deny']),
      Action: oneOrMore,
      Resource: resourcePatterns,
    }),
  ),
});

/** Reads every role that somebody in the stacks works under; others are left unread. */
export const readRoles = (resources: readonly Resource[]): Roles => {
  const declared = new Map(
    resources.filter(({ type }) => type === 'AWS::IAM::Role').map((role) => [arnOfRole(role), role] as const),
  );
  const policies = new Map<string, Policy>();
  const policyOfRole = (role: Resource): Policy => {
    const known = policies.get(role.physicalName);
    if (known !== undefined) return known;
    const policy = policyOf(statementsOf(role, resources));
    policies.set(role.physicalName, policy);
    return policy;
  };
  const principal = (roleArn: string, session: string): Principal | undefined => {
    const role = declared.get(roleArn);
    if (role === undefined) return undefined;
    const arn = `arn:aws:sts::${role.accountId}:assumed-role/${role.physicalName}/${session}`;
    return { arn, policy: policyOfRole(role) };
  };
  return {
    principal,
    of: (resource, property) => {
      const roleArn = resource.properties[property];
      const found = typeof roleArn === 'string' ? principal(roleArn, resource.physicalName) : undefined;
      if (found !== undefined) return found;
      throw new TemplateError(
        { ...resource, property },
        `no template declares the role ${String(roleArn)}, so the local cloud cannot tell what it may do`,
      );
    },
    policies: () => policies,
  };
};

const arnOfRole = ({ accountId, physicalName }: Resource): string =>
  `arn:aws:iam::${accountId}:role/${physicalName}`;

/** The inline policies of a role, then those that are attached to it. */
const statementsOf = (role: Resource, resources: readonly Resource[]): readonly Statement[] => {
  if (role.properties['PermissionsBoundary'] !== undefined)
    throw new TemplateError(
      { ...role, property: 'PermissionsBoundary' },
      'permissions boundaries are not supported by the local cloud',
    );
  const inline = listOf(role.properties['Policies']).flatMap((policy) =>
    readDocument(role, 'Policies', memberOf(policy, 'PolicyDocument')),
  );
  const attached = resources
    .filter((policy) => isAttached(policy, role))
    .flatMap((policy) => readDocument(policy, 'PolicyDocument', policy.properties['PolicyDocument']));
  refuseForeign(role, resources);
  return [...inline, ...attached];
};

const isAttached = (policy: Resource, role: Resource): boolean =>
  (policy.type === 'AWS::IAM::Policy' || policy.type === 'AWS::IAM::ManagedPolicy') &&
  (listOf(policy.properties['Roles']).includes(role.physicalName) ||
    listOf(role.properties['ManagedPolicyArns']).includes(policy.ref));

/** What a policy of AWS says is written in no template. */
const refuseForeign = (role: Resource, resources: readonly Resource[]): void => {
  const known = new Set(resources.map(({ ref }) => ref));
  const foreign = listOf(role.properties['ManagedPolicyArns'])
    .map(String)
    .find((arn) => !known.has(arn));
  if (foreign === undefined) return;
  throw new TemplateError(
    { ...role, property: 'ManagedPolicyArns' },
    `no template declares ${foreign}; write out what it allows`,
  );
};

const readDocument = (resource: Resource, property: string, document: unknown): readonly Statement[] => {
  const parsed = PolicyDocument.safeParse(document);
  if (parsed.success)
    return parsed.data.Statement.map(({ Effect, Action, Resource }) => ({
      effect: Effect,
      actions: Action,
      resources: Resource,
    }));
  const [issue] = parsed.error.issues;
  throw new TemplateError(
    { ...resource, property: [property, ...(issue?.path ?? [])].join('.') },
    `the local cloud cannot judge by this policy: ${issue?.message ?? ''}`,
  );
};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const memberOf = (value: unknown, member: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, member) : undefined;
