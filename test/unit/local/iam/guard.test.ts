import { describe, expect, it } from 'vitest';

import { createGuard } from '#local/iam/guard.ts';
import type { Guard } from '#local/iam/guard.ts';
import { policyOf } from '#local/iam/policy.ts';
import type { Statement } from '#local/iam/policy.ts';
import { actingAs } from '#local/iam/principal.ts';
import type { Principal } from '#local/iam/principal.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Json, ServiceName } from '#local/kernel/engine.ts';

const bearer = (...statements: readonly Statement[]): Principal => ({
  arn: 'arn:aws:sts::000000000000:assumed-role/worker/fn',
  policy: policyOf(statements),
});
const allow = (action: string, resource = '*'): Statement => ({
  effect: 'Allow',
  actions: [action],
  resources: [resource],
});
const bench = (): { readonly guard: Guard; readonly logged: string[] } => {
  const logged: string[] = [];
  const scope = { region: 'us-east-1', accountId: '000000000000' };
  return { guard: createGuard({ scope, log: (line) => logged.push(line) }), logged };
};
const refused = (guard: Guard, service: ServiceName, operation: string, input: Json): unknown => {
  try {
    guard.authorize({ service, operation, input });
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('a call', () => {
  it('of a role that allows it goes through, and of a person whatever it is', () => {
    const { guard, logged } = bench();

    expect(refused(guard, 'dynamodb', 'DeleteTable', { TableName: 'one' })).toBeUndefined();
    actingAs(bearer(allow('dynamodb:*')), () => {
      expect(refused(guard, 'dynamodb', 'DeleteTable', { TableName: 'one' })).toBeUndefined();
      actingAs(undefined, () =>
        expect(refused(guard, 'sqs', 'PurgeQueue', { QueueUrl: 'one' })).toBeUndefined(),
      );
    });
    expect([guard.denials(), logged]).toEqual([[], []]);
  });

  it.each([
    ['dynamodb', 'PutItem', { TableName: 'one' }, ['AccessDeniedException', 400]],
    ['kinesis', 'PutRecord', { StreamName: 'one' }, ['AccessDeniedException', 400]],
    ['sqs', 'SendMessage', { QueueUrl: 'one' }, ['AccessDeniedException', 403]],
    ['s3', 'GetObject', { Bucket: 'one', Key: 'k' }, ['AccessDenied', 403]],
  ] as const)(
    '%s.%s that no statement allows is refused as the service does',
    (service, operation, input, [code, status]) => {
      const { guard } = bench();

      const error = actingAs(bearer(), () => refused(guard, service, operation, input));

      expect(error).toBeInstanceOf(AwsError);
      expect(error).toMatchObject({ code, status });
    },
  );

  it('that is refused names who, what and why, and is told once', () => {
    const { guard, logged } = bench();
    const principal = bearer({ effect: 'Deny', actions: ['dynamodb:PutItem'], resources: ['*'] });
    const said = (operation: string) =>
      actingAs(principal, () => String(refused(guard, 'dynamodb', operation, { TableName: 'one' })));
    const text = (action: string, why: string): string =>
      'User: arn:aws:sts::000000000000:assumed-role/worker/fn is not authorized to perform: ' +
      `${action} on resource: arn:aws:dynamodb:us-east-1:000000000000:table/one ${why}`;

    expect(said('GetItem')).toContain(
      text('dynamodb:GetItem', 'because no identity-based policy allows the dynamodb:GetItem action'),
    );
    expect(said('PutItem')).toContain(
      text('dynamodb:PutItem', 'with an explicit deny in an identity-based policy'),
    );
    expect(said('PutItem')).toContain('explicit deny');
    expect(guard.denials().map(({ action }) => action)).toEqual(['dynamodb:GetItem', 'dynamodb:PutItem']);
    expect(logged).toHaveLength(2);
    expect(logged[0]).toMatch(/^access denied: User: /);
  });

  it('that needs several grants is refused when one is missing', () => {
    const { guard } = bench();
    const input = { RequestItems: { one: {}, two: {} } };
    const one = 'arn:aws:dynamodb:us-east-1:000000000000:table/one';

    const error = actingAs(bearer(allow('dynamodb:BatchGetItem', one)), () =>
      refused(guard, 'dynamodb', 'BatchGetItem', input),
    );

    expect(String(error)).toContain('table/two');
  });

  it('is remembered among the first thousand refusals', () => {
    const { guard, logged } = bench();

    actingAs(bearer(), () => {
      for (let key = 0; key <= 1_000; key++)
        refused(guard, 's3', 'GetObject', { Bucket: 'one', Key: String(key) });
    });

    expect(guard.denials()).toHaveLength(1_000);
    expect(logged).toHaveLength(1_000);
  });
});

describe('an object that is missing', () => {
  const request = { service: 's3', operation: 'GetObject', input: { Bucket: 'one', Key: 'k' } } as const;
  const missing = new AwsError('NoSuchKey', 'The specified key does not exist.', { status: 404 });

  it('is told to whoever may list the bucket, and to a person', () => {
    const { guard } = bench();

    expect(guard.conceal(missing, request)).toBe(missing);
    actingAs(bearer(allow('s3:ListBucket', 'arn:aws:s3:::one')), () =>
      expect(guard.conceal(missing, request)).toBe(missing),
    );
  });

  it('is forbidden to anybody else', () => {
    const { guard } = bench();

    const error = actingAs(bearer(allow('s3:GetObject')), () => guard.conceal(missing, request));

    expect(error).toMatchObject({ code: 'AccessDenied', status: 403 });
    expect(error.message).toContain('s3:ListBucket on resource: arn:aws:s3:::one');
  });

  it('hides no other error', () => {
    const { guard } = bench();
    const other = new AwsError('PreconditionFailed', 'it is there', { status: 412 });

    expect(actingAs(bearer(), () => guard.conceal(other, request))).toBe(other);
  });
});
