/** What a command that speaks to AWS says when it cannot, and that it closes what it opened. */
import { afterEach, expect, it, vi } from 'vitest';
import { withAws } from '#cli/aws-connection.ts';
import { CliError } from '#cli/cli-error.ts';
import { testFolder } from '#test/support/folders.ts';

afterEach(() => vi.unstubAllEnvs());

const failing = (error: unknown) =>
  withAws({ stateDir: testFolder(), isAws: true }, () => Promise.reject(error as Error)).catch(
    (thrown: unknown) => thrown,
  );
const named = (name: string): Error => Object.assign(new Error('no such thing'), { name });

it.each([
  ['QueueDoesNotExist', 'not_found', /no such thing; is its name right/],
  ['ResourceNotFoundException', 'not_found', /is the stage right \(--stage\)/],
  ['CredentialsProviderError', 'missing_credentials', /AWS credentials are missing: no such thing/],
])('explains %s', async (name, code, message) => {
  const thrown = await failing(named(name));
  expect(thrown).toBeInstanceOf(CliError);
  expect(thrown).toMatchObject({ code, message: expect.stringMatching(message) as string });
});

it('says that nothing answers, and passes on what it does not know', async () => {
  expect(await failing(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))).toMatchObject({
    code: 'unavailable',
  });
  const other = named('Other');
  expect(await failing(other)).toBe(other);
  expect(await failing('text')).toBe('text');
  const known = new CliError('usage', 'so it is');
  expect(await failing(known)).toBe(known);
});

it('refuses when no local stack runs and AWS was not asked for', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL', undefined);
  const connection = { stateDir: testFolder(), isAws: false };
  await expect(withAws(connection, () => Promise.resolve())).rejects.toMatchObject({ code: 'not_found' });
});

it('closes the clients that were attached, however it ends', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1');
  const closed: string[] = [];
  await withAws({ stateDir: testFolder(), isAws: false }, (plugin) => {
    const { attach, configuration } = plugin as {
      readonly attach: (client: object) => void;
      readonly configuration: object;
    };
    expect(configuration).toMatchObject({ endpoint: 'http://127.0.0.1:1', region: 'us-east-1' });
    attach({ destroy: () => closed.push('one') });
    attach({});
    return Promise.reject(new Error('it broke'));
  }).catch(() => undefined);
  expect(closed).toEqual(['one']);
});
