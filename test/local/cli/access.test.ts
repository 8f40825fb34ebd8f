/** `sluice access` against a stack in this process. */
import { expect, it } from 'vitest';

import { sluice, startTestStack } from '#test/support/cli.ts';

it('hands out access and takes it back, for people and for programs', async () => {
  const { stateDir, cloud } = await startTestStack();
  const say = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await sluice('access', ...args, '--state', stateDir);
    expect([args, code, stderr]).toEqual([args, 0, '']);
    return stdout;
  };
  const json = async (...args: readonly string[]) =>
    JSON.parse(await say(...args, '--json')) as Record<string, Record<string, string>>;
  const key = ['key', 'create', '--name', 'ci', '--role', 'operator', '--workspace', 'main', 'other'];

  const created = await json(...key, '--expires', '2999-01-01T00:00:00Z');
  const keyId = created['apiKey']?.['keyId'] ?? '';
  expect(created['secret']).toMatch(/^slk_local_/);
  expect(await say(...key)).toMatch(
    /^created key_\S+; keep its secret, it is shown this once:\nslk_local_\S+\n$/,
  );
  expect(await say('key', 'list')).toContain(
    `${keyId}  ci    operator  main other  2999-01-01T00:00:00.000Z`,
  );
  expect(await say('key', 'list')).toMatch(/main other {2}never/);
  expect(await say('key', 'revoke', keyId)).toBe(`revoked ${keyId}\n`);
  expect(await say('key', 'list')).not.toContain(keyId);

  const grant = ['grant', 'add', 'bob', 'viewer', '--workspace', '*'];
  const { grantId } = (await json(...grant)) as unknown as { readonly grantId: string };
  expect(await say(...grant)).toBe(`granted ${grantId}\n`);
  expect(await say('grant', 'list')).toContain(`${grantId}  bob      viewer  *`);
  expect(await say('grant', 'revoke', grantId)).toBe(`revoked ${grantId}\n`);

  expect(await say('workspace', 'register', 'main', '--name', 'Main')).toBe('workspace main is open\n');
  expect(await say('workspace', 'register', 'other')).toBe('workspace other is open\n');
  expect(await say('workspace', 'close', 'other')).toBe('workspace other is closed\n');
  expect(await say('workspace', 'list')).toMatch(/main +open +Main\nother +closed\n/);
  expect(await say('workspace', 'policy')).toBe('tenant local: open\n');
  expect(await say('workspace', 'policy', 'registered')).toBe('tenant local: registered\n');

  await sluice('access', 'workspace', 'close', 'nowhere', '--state', stateDir);
  await cloud.settle();
  expect(await say('audit', '--limit', '200')).toMatch(
    /tester +closeWorkspace +\/v1\/workspaces\/nowhere +404 workspace_not_found\n/,
  );
  expect(await say('audit', '--limit', '200')).toMatch(/createApiKey +\/v1\/api-keys +201\n/);
});
