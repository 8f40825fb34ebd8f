/** How `sluice up` starts and ends its stack, and what it refuses to start on. */
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

import { expect, it, onTestFinished, vi } from 'vitest';

import { startStack } from '#cli/up/stack.ts';
import type { Stack, StackSetting } from '#cli/up/stack.ts';
import { testFolder } from '#test/support/folders.ts';
import { testAssembly } from '#test/support/cloud.ts';

const setting = (more: Partial<StackSetting> = {}): StackSetting => ({
  root: process.cwd(),
  stateDir: testFolder(),
  isEphemeral: false,
  port: 0,
  awsPort: 0,
  hasShardLimits: true,
  log: () => undefined,
  ...more,
});
const start = async (more: Partial<StackSetting> = {}): Promise<Stack> => {
  const stack = await startStack(setting(more), () => testAssembly());
  onTestFinished(() => stack.close());
  return stack;
};
/** What is left of processes without state, and of this one. */
const ephemeral = (): readonly string[] =>
  readdirSync(os.tmpdir()).filter((name) => name.startsWith(`sluice-up-${process.pid}-`));

it('tells where it listens, and with which token, only while it runs', async () => {
  const stateDir = testFolder();

  const stack = await start({ stateDir });

  const endpoint = path.join(stateDir, 'endpoint.json');
  expect(JSON.parse(readFileSync(endpoint, 'utf8'))).toMatchObject({
    url: stack.url,
    awsUrl: stack.awsUrl,
    pid: process.pid,
  });
  expect(statSync(stack.tokenFile).mode & 0o777).toBe(0o600);
  const { token } = stack;
  const reading = { headers: { authorization: `Bearer ${token}` } };
  // The functions of this assembly are stubs whose answers are none of HTTP.
  expect((await fetch(`${stack.url}/health`, reading)).status).toBe(502);
  await stack.close();
  expect(existsSync(endpoint)).toBe(false);
});

it('keeps nothing when it is ephemeral, whether it ends or never begins', async () => {
  const before = ephemeral().length;
  const stack = await start({ isEphemeral: true });
  expect(ephemeral()).toHaveLength(before + 1);

  await expect(start({ isEphemeral: true, port: Number(new URL(stack.url).port) })).rejects.toThrow();
  await stack.close();

  expect(ephemeral()).toHaveLength(before);
});

it('says nothing any more once it ends', async () => {
  const log = vi.fn<StackSetting['log']>();
  const stack = await start({ log });
  expect(log).toHaveBeenCalledWith(expect.stringMatching(/^state in /));
  log.mockClear();

  await stack.close();

  expect(log).not.toHaveBeenCalled();
});

it('refuses a port that is taken', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;

  await expect(start({ awsPort: port })).rejects.toMatchObject({
    code: 'port_in_use',
    exitCode: 3,
    message: `port ${port} is in use; choose another with --port or --aws-port`,
  });
});

it('refuses the directory of a process that runs, before anything is built', async () => {
  const stateDir = testFolder();
  // The parent of this process runs as long as the test does.
  const endpoint = {
    url: 'http://127.0.0.1:1',
    awsUrl: 'http://127.0.0.1:2',
    stateDir,
    workspace: 'main',
    pid: process.ppid,
  };
  writeFileSync(path.join(stateDir, 'endpoint.json'), JSON.stringify(endpoint));
  const prepare = vi.fn(() => testAssembly());

  await expect(startStack(setting({ stateDir }), prepare)).rejects.toMatchObject({
    code: 'state_locked',
    exitCode: 3,
  });
  expect(prepare).not.toHaveBeenCalled();
});

it('refuses a directory whose lock another holds, and leaves its code as it is', async () => {
  const stateDir = testFolder();
  await start({ stateDir });

  await expect(start({ stateDir })).rejects.toMatchObject({ code: 'state_locked', exitCode: 3 });
  expect(existsSync(path.join(stateDir, 'assembly', 'manifest.json'))).toBe(true);
});

it('throws any other fault as it is', async () => {
  const missing = path.join(testFolder(), 'nothing');

  await expect(startStack(setting(), () => Promise.resolve(missing))).rejects.toThrow(
    /no cloud assembly in .*nothing/,
  );
});
