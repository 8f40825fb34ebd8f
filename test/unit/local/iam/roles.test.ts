import { describe, expect, it } from 'vitest';

import { readRoles } from '#local/iam/roles.ts';
import { readAssembly } from '#local/template/assembly.ts';
import { resolveStacks } from '#local/template/resolve-stack.ts';
import { writeAssembly } from '#test/unit/local/template/assembly-fixture.ts';

type Properties = Readonly<Record<string, unknown>>;

const account = { region: 'us-east-1', accountId: '000000000000', awsUrl: 'http://127.0.0.1' };
const arnOf = (logicalId: string): unknown => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });
const allow = (Action: unknown, Resource: unknown): Properties => ({ Effect: 'Allow', Action, Resource });
const document = (...Statement: readonly Properties[]): Properties => ({ Version: '2012-10-17', Statement });
const role = (more: Properties = {}) => ({
  Type: 'AWS::IAM::Role',
  Properties: { RoleName: 'worker', AssumeRolePolicyDocument: {}, ...more },
});
const fn = (Role: unknown = arnOf('Role')) => ({
  Type: 'AWS::Lambda::Function',
  Properties: { FunctionName: 'fn', Role },
});

/** The role of the one function among these resources. */
const roleIn = (template: Properties) => {
  const assembly = readAssembly(
    writeAssembly({ one: { template: { Resources: { Fn: fn(), ...template } } } }),
  );
  const resources = resolveStacks(assembly, account).flatMap((stack) => stack.resources);
  const found = resources.find(({ type }) => type === 'AWS::Lambda::Function');
  if (found === undefined) throw new Error('no function');
  return { roles: readRoles(resources), found };
};
const grantsIn = (template: Properties): readonly string[] => {
  const { roles, found } = roleIn(template);
  return roles
    .of(found, 'Role')
    .policy.grants()
    .map(({ action, resource }) => `${action} ${resource}`);
};
const inline = (...statements: readonly Properties[]) => [
  { PolicyName: 'grants', PolicyDocument: document(...statements) },
];

describe('the policies of a role', () => {
  it('are its inline ones with their intrinsics resolved, one pair for each action and resource', () => {
    const grants = grantsIn({
      Role: role({
        Policies: inline(
          allow(['sqs:SendMessage', 'sqs:PurgeQueue'], [arnOf('Queue'), 'arn:aws:sqs:*:*:other']),
          allow('sqs:ListQueues', '*'),
        ),
      }),
      Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'work' } },
    });

    const queue = 'arn:aws:sqs:us-east-1:000000000000:work';
    expect(grants).toEqual([
      `sqs:SendMessage ${queue}`,
      'sqs:SendMessage arn:aws:sqs:*:*:other',
      `sqs:PurgeQueue ${queue}`,
      'sqs:PurgeQueue arn:aws:sqs:*:*:other',
      'sqs:ListQueues *',
    ]);
  });

  it('are also those attached to it, from either side', () => {
    const grants = grantsIn({
      Role: role({ ManagedPolicyArns: [{ Ref: 'Managed' }] }),
      Attached: {
        Type: 'AWS::IAM::Policy',
        Properties: {
          PolicyName: 'a',
          PolicyDocument: document(allow('a:One', '*')),
          Roles: [{ Ref: 'Role' }],
        },
      },
      Managed: {
        Type: 'AWS::IAM::ManagedPolicy',
        Properties: { PolicyDocument: document(allow('a:Two', '*')) },
      },
      OfNobody: {
        Type: 'AWS::IAM::Policy',
        Properties: { PolicyName: 'b', PolicyDocument: document(allow('a:Three', '*')), Roles: ['another'] },
      },
    });

    expect(grants).toEqual(['a:One *', 'a:Two *']);
  });

  it('are read once for a role, and left unread for one nobody works under', () => {
    const { roles, found } = roleIn({
      Role: role({ Policies: inline(allow('a:One', '*')) }),
      Idle: { ...role({ RoleName: 'idle', ManagedPolicyArns: ['arn:aws:iam::aws:policy/Any'] }) },
    });

    const { policy, arn } = roles.of(found, 'Role');

    expect(arn).toBe('arn:aws:sts::000000000000:assumed-role/worker/fn');
    expect(roles.of(found, 'Role').policy).toBe(policy);
    expect([...roles.policies().keys()]).toEqual(['worker']);
    expect(roles.principal('arn:aws:iam::000000000000:role/stranger', 's')).toBeUndefined();
  });
});

describe('a template is refused, with its place, whose', () => {
  const refusal = (template: Properties, foreign?: unknown): string => {
    try {
      grantsIn({ ...template, ...(foreign === undefined ? {} : { Fn: fn(foreign) }) });
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    return 'nothing';
  };

  it('function works under a role that no template declares', () => {
    const said = refusal({ Role: role() }, 'arn:aws:iam::000000000000:role/stranger');

    expect(said).toMatch(/resource Fn .*property Role: no template declares the role .*role\/stranger/);
    expect(refusal({}, { Ref: 'AWS::NoValue' })).toMatch(/no template declares the role undefined/);
  });

  it.each([
    [
      'condition',
      { ...allow('a:B', '*'), Condition: { StringEquals: {} } },
      /Policies.Statement.0.*Condition/,
    ],
    ['inverted action', { Effect: 'Allow', NotAction: 'a:B', Resource: '*' }, /Policies.Statement.0/],
    ['policy variable', allow('a:B', 'arn:aws:s3:::b/${aws:username}'), /policy variables are not supported/],
    ['unknown effect', { ...allow('a:B', '*'), Effect: 'Maybe' }, /Policies.Statement.0.Effect/],
  ])('statement has a %s', (_, statement, said) => {
    const message = refusal({ Role: role({ Policies: inline(statement) }) });

    expect(message).toMatch(/resource Role \(AWS::IAM::Role\)/);
    expect(message).toMatch(said);
  });

  it('role takes its grants from a policy of AWS, or has a boundary', () => {
    const managed = 'arn:aws:iam::aws:policy/AdministratorAccess';

    expect(refusal({ Role: role({ ManagedPolicyArns: [managed] }) })).toContain(
      `no template declares ${managed}; write out what it allows`,
    );
    expect(refusal({ Role: role({ PermissionsBoundary: managed }) })).toMatch(
      /PermissionsBoundary: permissions boundaries are not supported/,
    );
  });

  it('inline policy is no document', () => {
    expect(refusal({ Role: role({ Policies: ['nothing'] }) })).toMatch(/cannot judge by this policy/);
  });
});
