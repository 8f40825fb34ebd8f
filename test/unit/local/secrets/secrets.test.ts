import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { virtualClock } from '#local/kernel/clock.ts';
import type { Json } from '#local/kernel/engine.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import { createSecrets } from '#local/secrets/engine.ts';
import { generateSecret, readSecretStringOptions } from '#local/secrets/generate-secret.ts';
import { fileVault, memoryVault } from '#local/secrets/vault.ts';
import type { Vault } from '#local/secrets/vault.ts';

const startAtMs = Date.parse('2026-01-01T00:00:00Z');
const dayMs = 24 * 3_600_000;

const start = (
  vault: Vault = memoryVault(),
  entries: JournalEntry[] = [],
  clock = virtualClock(startAtMs),
) => {
  const engine = createSecrets({
    clock,
    vault,
    journal: {
      append: (_engine, entry) => entries.push(JSON.parse(JSON.stringify(entry)) as JournalEntry),
      durable: () => Promise.resolve(),
    },
    chance: () => 0.5,
    region: 'us-east-1',
    accountId: '000000000000',
  });
  const call = (operation: string, input: Json): Json => engine.operations[operation]?.(input) as Json;
  const refusal = (operation: string, input: Json): string => {
    try {
      call(operation, input);
      return 'no refusal';
    } catch (thrown) {
      return (thrown as { code: string }).code;
    }
  };
  return { engine, call, refusal, vault, entries, clock };
};

/** The same secrets in a new process: the journal and the vault are all that is left. */
const restart = (before: ReturnType<typeof start>): ReturnType<typeof start> => {
  const after = start(before.vault, [], before.clock);
  for (const entry of before.entries) after.engine.restore(entry);
  after.entries.push(...before.entries);
  return after;
};

describe('secrets', () => {
  it('creates, reads by name and by ARN, describes and lists', () => {
    const { call } = start();
    const created = call('CreateSecret', { Name: 'task-token-key', SecretString: 's', Description: 'd' });
    expect(created['ARN']).toMatch(
      /^arn:aws:secretsmanager:us-east-1:000000000000:secret:task-token-key-\w{6}$/,
    );
    for (const SecretId of ['task-token-key', created['ARN']])
      expect(call('GetSecretValue', { SecretId })).toMatchObject({
        SecretString: 's',
        VersionId: created['VersionId'],
        VersionStages: ['AWSCURRENT'],
        CreatedDate: startAtMs / 1_000,
      });
    expect(call('DescribeSecret', { SecretId: 'task-token-key' })).toMatchObject({
      Description: 'd',
      VersionIdsToStages: { [String(created['VersionId'])]: ['AWSCURRENT'] },
    });
    expect(JSON.stringify(call('ListSecrets', {}))).not.toContain('SecretString');
  });

  it('keeps the value before the last as AWSPREVIOUS and drops older ones from the vault', () => {
    const { call, refusal, vault } = start();
    const first = call('CreateSecret', { Name: 'k', SecretString: 'first' })['VersionId'];
    call('PutSecretValue', { SecretId: 'k', SecretString: 'second' });
    call('PutSecretValue', { SecretId: 'k', SecretBinary: 'AAEC' });
    expect(call('GetSecretValue', { SecretId: 'k' })['SecretBinary']).toBe('AAEC');
    expect(call('GetSecretValue', { SecretId: 'k', VersionStage: 'AWSPREVIOUS' })['SecretString']).toBe(
      'second',
    );
    expect(refusal('GetSecretValue', { SecretId: 'k', VersionId: first })).toBe('ResourceNotFoundException');
    expect(JSON.stringify(vault.read())).not.toContain('first');
  });

  it('takes a repeated request with its token and refuses the token for another value', () => {
    const { call, refusal } = start();
    const token = 'x'.repeat(32);
    const input = { Name: 'k', SecretString: 'a', ClientRequestToken: token };
    expect(call('CreateSecret', input)).toEqual(call('CreateSecret', input));
    expect(refusal('CreateSecret', { ...input, SecretString: 'b' })).toBe('ResourceExistsException');
    expect(refusal('CreateSecret', { Name: 'k', SecretString: 'a' })).toBe('ResourceExistsException');
    const put = { SecretId: 'k', SecretString: 'a', ClientRequestToken: token };
    expect(call('PutSecretValue', put)['VersionId']).toBe(token);
    expect(refusal('PutSecretValue', { ...put, SecretString: 'b' })).toBe('ResourceExistsException');
  });

  it('holds back a deleted secret until its window is over, then forgets it', () => {
    const { call, refusal, clock, vault } = start();
    call('CreateSecret', { Name: 'k', SecretString: 'treasure' });
    call('DeleteSecret', { SecretId: 'k', RecoveryWindowInDays: 7 });
    expect(refusal('GetSecretValue', { SecretId: 'k' })).toBe('InvalidRequestException');
    expect(call('ListSecrets', {})['SecretList']).toEqual([]);
    expect(call('ListSecrets', { IncludePlannedDeletion: true })['SecretList']).toHaveLength(1);
    clock.jump(startAtMs + 7 * dayMs - 1);
    expect(call('DescribeSecret', { SecretId: 'k' })['DeletedDate']).toBe(startAtMs / 1_000);
    clock.jump(startAtMs + 7 * dayMs);
    expect(refusal('DescribeSecret', { SecretId: 'k' })).toBe('ResourceNotFoundException');
    expect(vault.read()).toEqual({});
  });

  it('forgets at once when forced', () => {
    const { call, refusal, vault } = start();
    call('CreateSecret', { Name: 'k', SecretString: 'treasure' });
    call('DeleteSecret', { SecretId: 'k', ForceDeleteWithoutRecovery: true });
    expect(refusal('GetSecretValue', { SecretId: 'k' })).toBe('ResourceNotFoundException');
    expect(vault.read()).toEqual({});
    call('CreateSecret', { Name: 'k', SecretString: 'new' });
  });

  it('lists in pages', () => {
    const { call } = start();
    for (const Name of ['c', 'a', 'b']) call('CreateSecret', { Name, SecretString: 'x' });
    const names = (answer: Json): readonly string[] =>
      (answer['SecretList'] as readonly { Name: string }[]).map(({ Name }) => Name);
    const first = call('ListSecrets', { MaxResults: 2 });
    expect(names(first)).toEqual(['a', 'b']);
    const second = call('ListSecrets', { MaxResults: 2, NextToken: first['NextToken'] });
    expect([names(second), second['NextToken']]).toEqual([['c'], undefined]);
  });

  it.each([
    ['CreateSecret', { Name: 'a b' }, 'InvalidParameterException'],
    ['CreateSecret', { Name: 'a', SecretString: 'x', SecretBinary: 'AA==' }, 'InvalidParameterException'],
    ['CreateSecret', { Name: 'a', SecretString: 'x'.repeat(65_537) }, 'InvalidParameterException'],
    ['CreateSecret', { Name: 'a', SecretString: 5 }, 'InvalidParameterException'],
    ['CreateSecret', { Name: 'a', SecretString: 'x'.repeat(65_536) }, 'no refusal'],
    ['PutSecretValue', { SecretId: 'k' }, 'InvalidParameterException'],
    ['GetSecretValue', { SecretId: 'none' }, 'ResourceNotFoundException'],
    ['GetSecretValue', {}, 'InvalidParameterException'],
    ['DeleteSecret', { SecretId: 'k', RecoveryWindowInDays: 6 }, 'InvalidParameterException'],
    ['DeleteSecret', { SecretId: 'k', RecoveryWindowInDays: 31 }, 'InvalidParameterException'],
    [
      'DeleteSecret',
      { SecretId: 'k', RecoveryWindowInDays: 7, ForceDeleteWithoutRecovery: true },
      'InvalidParameterException',
    ],
    ['ListSecrets', { Filters: [] }, 'InvalidParameterException'],
    ['ListSecrets', { MaxResults: 0 }, 'InvalidParameterException'],
  ])('%s %j: %s', (operation, input, code) => {
    const { call, refusal } = start();
    call('CreateSecret', { Name: 'k', SecretString: 'x' });
    expect(refusal(operation, input)).toBe(code);
  });

  it('has no value while none was given', () => {
    const { call, refusal } = start();
    expect(call('CreateSecret', { Name: 'k' })).not.toHaveProperty('VersionId');
    expect(refusal('GetSecretValue', { SecretId: 'k' })).toBe('ResourceNotFoundException');
  });
});

describe('durability', () => {
  const name = fc.constantFrom('a', 'ab', 'c');
  const act = fc.oneof(
    fc.record({
      operation: fc.constant('CreateSecret'),
      Name: name,
      SecretString: fc.constantFrom('PLANTED-1', 'PLANTED-2'),
    }),
    fc.record({
      operation: fc.constant('PutSecretValue'),
      SecretId: name,
      SecretString: fc.constantFrom('PLANTED-3', 'PLANTED-4'),
    }),
    fc.record({
      operation: fc.constant('DeleteSecret'),
      SecretId: name,
      ForceDeleteWithoutRecovery: fc.boolean(),
    }),
    fc.constant({ operation: 'restart' }),
  );

  it('every secret reads the same after any restarts, and no value is in the journal or a snapshot', () => {
    const readAll = (secrets: ReturnType<typeof start>): readonly unknown[] =>
      ['a', 'ab', 'c'].flatMap((SecretId) =>
        ['AWSCURRENT', 'AWSPREVIOUS'].map((VersionStage) => {
          try {
            return secrets.call('GetSecretValue', { SecretId, VersionStage });
          } catch (thrown) {
            return (thrown as { code: string }).code;
          }
        }),
      );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
        let secrets = start();
        for (const { operation, ...input } of acts) {
          if (operation === 'restart') {
            const before = readAll(secrets);
            secrets = restart(secrets);
            expect(readAll(secrets)).toEqual(before);
          } else secrets.refusal(operation, input);
        }
        expect(JSON.stringify([secrets.entries, [...secrets.engine.snapshot()]])).not.toContain('PLANTED');
      }),
      { numRuns: 100 },
    );
  });

  it('restores from a snapshot and refuses an entry it never wrote', () => {
    const secrets = start();
    secrets.call('CreateSecret', { Name: 'k', SecretString: 'v' });
    const other = start(secrets.vault);
    for (const entry of secrets.engine.snapshot()) other.engine.restore(entry);
    expect(other.call('GetSecretValue', { SecretId: 'k' })).toMatchObject({ SecretString: 'v' });
    expect(() => other.engine.restore(['nonsense'])).toThrow('unknown entry');
  });
});

describe('the vault on disk', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vault-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is readable by its owner only, and replaced whole', () => {
    const path = join(folder, 'vault.json');
    const vault = fileVault(path);
    expect(vault.read()).toEqual({});
    vault.write({ a: '1' });
    writeFileSync(`${path}.next`, 'left by a crash', { mode: 0o644 });
    vault.write({ b: '2' });
    expect(fileVault(path).read()).toEqual({ b: '2' });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['vault.json']);
    expect(readFileSync(path, 'utf8')).toBe('{"b":"2"}');
  });

  it('does not quote what it cannot read', () => {
    const path = join(folder, 'vault.json');
    writeFileSync(path, 'PLANTED');
    expect(() => fileVault(path).read()).toThrow(/not readable as JSON$/);
    expect(() => fileVault(folder).read()).toThrow('EISDIR');
  });
});

describe('generated values', () => {
  const generate = (given: Json): string => generateSecret(readSecretStringOptions(given));

  it('have 32 characters with one of each class, and differ', () => {
    const value = generate({});
    expect(value).toHaveLength(32);
    for (const pattern of [/[a-z]/, /[A-Z]/, /\d/, /[^\w\s]/]) expect(value).toMatch(pattern);
    expect(generate({})).not.toBe(value);
  });

  it('follow the exclusions whatever is drawn', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 64 }), fc.boolean(), (length, hasSpace) => {
        const value = generate({
          PasswordLength: length,
          ExcludePunctuation: true,
          ExcludeCharacters: 'abcABC012',
          IncludeSpace: hasSpace,
        });
        expect(value).toHaveLength(length);
        expect(value).toMatch(hasSpace ? /^[d-zD-Z3-9 ]+$/ : /^[d-zD-Z3-9]+$/);
      }),
    );
  });

  it('are put into a template under a key', () => {
    const value = generate({
      SecretStringTemplate: '{"user":"u"}',
      GenerateStringKey: 'password',
      PasswordLength: 8,
    });
    expect(JSON.parse(value)).toEqual({ user: 'u', password: expect.stringMatching(/^.{8}$/) });
  });

  it('can be drawn by a test', () => {
    const options = readSecretStringOptions({ PasswordLength: 4, RequireEachIncludedType: false });
    expect(generateSecret(options, () => 0)).toBe('aaaa');
  });

  it.each([
    { PasswordLength: 0 },
    { PasswordLength: 4_097 },
    { PasswordLength: 3 },
    { Surprise: 1 },
    { GenerateStringKey: 'k' },
    { GenerateStringKey: 'k', SecretStringTemplate: '{' },
    { GenerateStringKey: 'k', SecretStringTemplate: '[]' },
    { ExcludeLowercase: true, ExcludeUppercase: true, ExcludeNumbers: true, ExcludePunctuation: true },
  ])('refuse %j', (given) => {
    expect(() => generate(given)).toThrow();
  });
});
