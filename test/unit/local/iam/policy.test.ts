import { describe, expect, it } from 'vitest';

import { policyOf } from '#local/iam/policy.ts';
import type { Statement } from '#local/iam/policy.ts';

const table = 'arn:aws:dynamodb:us-east-1:000000000000:table/one';
const allow = (actions: readonly string[], ...resources: readonly string[]): Statement => ({
  effect: 'Allow',
  actions,
  resources,
});
const judged = (statements: readonly Statement[], action: string, resource: string) =>
  policyOf(statements).judge({ action, resource });

describe('a policy', () => {
  it('allows exactly the named action on the named resource', () => {
    const statements = [allow(['dynamodb:PutItem'], table)];

    expect(judged(statements, 'dynamodb:PutItem', table)).toBe('allowed');
    expect(judged(statements, 'dynamodb:GetItem', table)).toBe('denied');
    expect(judged(statements, 'dynamodb:PutItem', `${table}-other`)).toBe('denied');
    expect(judged(statements, 'dynamodb:PutItem', `${table}/index/by-list`)).toBe('denied');
    expect(judged([], 'dynamodb:PutItem', table)).toBe('denied');
  });

  it('lets an explicit deny win, wherever it stands', () => {
    const deny: Statement = { effect: 'Deny', actions: ['dynamodb:Put*'], resources: [table] };

    for (const statements of [
      [deny, allow(['*'], '*')],
      [allow(['*'], '*'), deny],
    ]) {
      expect(judged(statements, 'dynamodb:PutItem', table)).toBe('explicitly-denied');
      expect(judged(statements, 'dynamodb:GetItem', table)).toBe('allowed');
    }
  });

  it.each([
    ['arn:aws:s3:::bucket/*', 'arn:aws:s3:::bucket/a/b', 'allowed'],
    ['arn:aws:s3:::bucket/*', 'arn:aws:s3:::bucket/', 'allowed'],
    ['arn:aws:s3:::bucket/*', 'arn:aws:s3:::bucket', 'denied'],
    ['arn:aws:s3:::bucket/*', 'arn:aws:s3:::bucket/two\nlines', 'allowed'],
    ['secret:key-??????', 'secret:key-abc123', 'allowed'],
    ['secret:key-??????', 'secret:key-abc12', 'denied'],
    ['secret:key-??????', 'secret:key-abc1234', 'denied'],
    ['a.b(c)[d]|e', 'a.b(c)[d]|e', 'allowed'],
    ['a.b', 'aXb', 'denied'],
    ['Table', 'table', 'denied'],
  ] as const)('holds the pattern %s against %j: %s', (pattern, resource, verdict) => {
    expect(judged([allow(['s3:GetObject'], pattern)], 's3:GetObject', resource)).toBe(verdict);
  });

  it('compares actions without regard to case', () => {
    expect(judged([allow(['SQS:sendmessage'], '*')], 'sqs:SendMessage', 'any')).toBe('allowed');
  });

  it('tells which of its grants were needed, and counts none that a deny took away', () => {
    const policy = policyOf([
      allow(['sqs:SendMessage', 'sqs:PurgeQueue'], 'one', 'o*'),
      { effect: 'Deny', actions: ['sqs:PurgeQueue'], resources: ['one'] },
    ]);

    policy.judge({ action: 'sqs:SendMessage', resource: 'other' });
    policy.judge({ action: 'sqs:PurgeQueue', resource: 'one' });

    expect(policy.grants()).toEqual([
      { action: 'sqs:SendMessage', resource: 'one', isUsed: false },
      { action: 'sqs:SendMessage', resource: 'o*', isUsed: true },
      { action: 'sqs:PurgeQueue', resource: 'one', isUsed: false },
      { action: 'sqs:PurgeQueue', resource: 'o*', isUsed: false },
    ]);
  });

  it('judges alike however many different resources came before', () => {
    const policy = policyOf([allow(['s3:GetObject'], 'bucket/*')]);
    const judge = (resource: string) => policy.judge({ action: 's3:GetObject', resource });

    const verdicts = new Set(Array.from({ length: 2_100 }, (_, index) => judge(`bucket/${index}`)));

    expect([...verdicts]).toEqual(['allowed']);
    expect(judge('bucket/0')).toBe('allowed');
    expect(judge('elsewhere')).toBe('denied');
    expect(judge('elsewhere')).toBe('denied');
  });
});
