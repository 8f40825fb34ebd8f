import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { anyPorts, runSluice, serve, temporaryFolder } from '#test/support/process.ts';
import type { Serving } from '#test/support/process.ts';

const folder = temporaryFolder();
const stateDir = path.join(folder, 'state');

let serving: Serving;
beforeAll(async () => {
  serving = await serve(['--state', stateDir]);
});
afterAll(() => serving.stop());

const healthy = async (): Promise<boolean> => (await fetch(`${serving.url}/health`)).ok;

it.each([
  ['the HTTP API', () => ['--port', new URL(serving.url).port, '--aws-port', '0']],
  ['AWS clients', () => ['--port', '0', '--aws-port', new URL(serving.awsUrl).port]],
])('ends with 3 when the port for %s is in use, and names it', async (_name, ports) => {
  const { code, stdout, stderr } = await runSluice(['up', '--ephemeral', '--json', ...ports()]);

  expect([code, stdout]).toEqual([3, []]);
  const port = ports().find((text) => Number(text) > 0) ?? '';
  expect(JSON.parse(stderr.at(-1) ?? '')).toMatchObject({
    code: 'port_in_use',
    message: expect.stringContaining(`port ${port} is in use; choose another with --port or --aws-port`),
  });
  expect(await healthy()).toBe(true);
});

it.each([
  ['a process that told where it listens', () => undefined],
  ['a process whose endpoint file is gone', () => rmSync(path.join(stateDir, 'endpoint.json'))],
])('ends with 3 when the state directory belongs to %s', async (_name, prepare) => {
  prepare();
  const { code, stdout, stderr } = await runSluice(['up', ...anyPorts, '--json', '--state', stateDir]);

  expect([code, stdout]).toEqual([3, []]);
  expect(JSON.parse(stderr.at(-1) ?? '')).toMatchObject({ code: 'state_locked' });
  expect(await healthy()).toBe(true);
  // The code that runs there is as it was.
  expect(existsSync(path.join(stateDir, 'assembly', 'manifest.json'))).toBe(true);
});

it('keeps a copy of its code while it runs, and only then', async () => {
  const own = path.join(folder, 'own');
  const assembly = path.join(own, 'assembly');

  const { stop } = await serve(['--state', own]);
  const bundles = readdirSync(assembly).filter((name) => name.startsWith('asset.'));
  await stop();

  expect(bundles.length).toBeGreaterThan(10);
  expect(existsSync(assembly)).toBe(false);
});

it('ends with 3 for a corrupt state directory, names file and byte, and leaves it as it was', async () => {
  const corrupt = path.join(folder, 'corrupt');
  const before = await serve(['--state', corrupt]);
  await before.stop();
  const segment = readdirSync(corrupt).find((name) => name.startsWith('segment-')) ?? '';
  const bytes = readFileSync(path.join(corrupt, segment));
  bytes[40] = (bytes[40] ?? 0) ^ 0xff;
  writeFileSync(path.join(corrupt, segment), bytes);

  const { code, stdout, stderr } = await runSluice(['up', ...anyPorts, '--state', corrupt]);

  expect([code, stdout]).toEqual([3, []]);
  expect(stderr.join('\n')).toMatch(
    new RegExp(`^state_corrupt: corrupt state directory: .*${segment} at byte 0`),
  );
  expect(readFileSync(path.join(corrupt, segment)).equals(bytes)).toBe(true);
});

it('ends with 3 when the state directory is a file', async () => {
  const file = path.join(folder, 'file');
  writeFileSync(file, '');

  const { code, stderr } = await runSluice(['up', ...anyPorts, '--state', file]);

  expect([code, stderr.join('\n')]).toEqual([3, expect.stringMatching(/^state_unwritable: .*--state/)]);
});
