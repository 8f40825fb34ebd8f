import { appendFileSync, chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { diagnose, doctorExitCode } from '#cli/offline/doctor.ts';
import type { DoctorPorts, Finding } from '#cli/offline/doctor.ts';
import { machine } from '#cli/offline/doctor-ports.ts';
import { openStateDirectory } from '#local/journal/state-directory.ts';
import { inProject } from '#test/support/tracked-files.ts';
import { testFolder } from '#test/support/folders.ts';

const newDirectory = testFolder;
const endpoint = (stateDir: string) => ({
  url: 'http://127.0.0.1:4600',
  awsUrl: 'http://127.0.0.1:4566',
  stateDir,
  workspace: 'main',
  pid: 7,
});

const healthy = (over: Partial<DoctorPorts> = {}): DoctorPorts => ({
  nodeVersion: '20.20.0',
  stateDir: join(newDirectory(), 'none'),
  ports: [
    { name: 'HTTP API', option: '--port', port: 4600 },
    { name: 'AWS endpoint', option: '--aws-port', port: 4566 },
  ],
  endpoint: undefined,
  isAlive: () => true,
  isPortFree: async () => true,
  get: async () => 200,
  freeBytes: () => 5 * 1024 ** 3,
  packages: () => [{ name: 'zod', pinned: '4.6.7', installed: '4.6.7' }],
  sluiceVersion: '0.1.0',
  ...over,
});

const problemsOf = (findings: readonly Finding[]): readonly Finding[] => findings.filter(({ isOk }) => !isOk);
const state = async (stateDir: string, over: Partial<DoctorPorts> = {}) =>
  (await diagnose(healthy({ stateDir, ...over }))).filter(({ check }) => ['state', 'token'].includes(check));

/** A state directory with three records and a clean close. */
const written = async (): Promise<string> => {
  const directory = newDirectory();
  const opened = openStateDirectory(directory);
  for (let index = 0; index < 3; index++) opened.journal.append('engine', ['x', index]);
  await opened.journal.durable();
  await opened.close();
  return directory;
};

describe('the doctor', () => {
  it('finds nothing wrong before the first start', async () => {
    const findings = await diagnose(healthy());
    expect(problemsOf(findings)).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual([
      'node',
      'versions',
      'port 4600',
      'port 4566',
      'state',
      'disk',
      'stack',
    ]);
    expect(doctorExitCode(findings)).toBe(0);
  });

  const faults: readonly (readonly [string, Partial<DoctorPorts>, string, number])[] = [
    ['Node below 20.20', { nodeVersion: '20.19.9' }, 'node', 1],
    ['an older Node', { nodeVersion: '18.30.0' }, 'node', 1],
    [
      'a package of another version',
      { packages: () => [{ name: 'zod', pinned: '4.6.7', installed: '4.0.0' }] },
      'versions',
      1,
    ],
    [
      'a package that is missing',
      { packages: () => [{ name: 'zod', pinned: '4.6.7', installed: undefined }] },
      'versions',
      1,
    ],
    ['a port of another program', { isPortFree: async (port: number) => port !== 4566 }, 'port 4566', 3],
    ['a full disk', { freeBytes: () => 1024 ** 3 - 1 }, 'disk', 3],
    ['a stack that hangs', { endpoint: endpoint('x'), get: async () => undefined }, 'stack', 3],
    ['a stack that fails', { endpoint: endpoint('x'), get: async () => 500 }, 'stack', 3],
  ];
  it.each(faults)('names %s with a remedy', async (_, over, check, exitCode) => {
    const findings = await diagnose(healthy(over));
    expect(problemsOf(findings)).toMatchObject([{ check, remedy: expect.any(String) }]);
    expect(doctorExitCode(findings)).toBe(exitCode);
  });

  const fine: readonly (readonly [string, Partial<DoctorPorts>])[] = [
    ['Node 20.20', { nodeVersion: '20.20.0' }],
    ['a later Node', { nodeVersion: '24.0.0' }],
    ['exactly 1 GiB', { freeBytes: () => 1024 ** 3 }],
    ['space that cannot be measured', { freeBytes: () => undefined }],
    ['a stack that died', { endpoint: endpoint('x'), isAlive: () => false, get: async () => undefined }],
    ['the ports of the running stack', { endpoint: endpoint('x'), isPortFree: async () => false }],
  ];
  it.each(fine)('takes %s as it is', async (_, over) => {
    expect(problemsOf(await diagnose(healthy(over)))).toEqual([]);
  });
});

describe('the doctor on a state directory', () => {
  it('counts the records of a good one and leaves its files as they are', async () => {
    const directory = await written();
    const read = () =>
      readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'latin1')]);
    const before = read();
    expect(await state(directory)).toMatchObject([
      { isOk: true, found: expect.stringContaining('3 records') },
    ]);
    expect(read()).toEqual(before);
  });

  it('does not mend what a kill left, and does not mind it', async () => {
    const directory = await written();
    writeFileSync(join(directory, 'snapshot-000000000000009.journal.part'), 'half');
    writeFileSync(join(directory, 'lock'), '{"pid":1,"begin":"gone"}');
    const before = readdirSync(directory);
    expect(await state(directory)).toMatchObject([
      { isOk: true, found: expect.stringContaining('lock of a process that was killed') },
    ]);
    expect(readdirSync(directory)).toEqual(before);
  });

  it('does not read the journal of a running stack', async () => {
    const directory = await written();
    const running = { endpoint: endpoint(directory) };
    expect(await state(directory, running)).toMatchObject([
      { isOk: true, found: expect.stringContaining('in use by the running stack') },
    ]);
  });

  const spoilt: readonly (readonly [string, (directory: string) => void, string])[] = [
    [
      'a journal that lost its end',
      (directory) => {
        for (const name of readdirSync(directory))
          if (name.endsWith('.journal')) writeFileSync(join(directory, name), '');
      },
      'are missing',
    ],
    [
      'a stamp of another format',
      (directory) => writeFileSync(join(directory, 'state.json'), '{"formatVersion":9}'),
      'format 9',
    ],
    ['a stamp that is none', (directory) => writeFileSync(join(directory, 'state.json'), '['), 'no stamp'],
  ];
  it.each(spoilt)('names %s', async (_, spoil, found) => {
    const directory = await written();
    spoil(directory);
    const findings = await state(directory);
    expect(findings).toMatchObject([{ isOk: false, found: expect.stringContaining(found) }]);
    expect(findings[0]?.remedy).not.toBe('');
    expect(doctorExitCode(findings)).toBe(3);
  });

  it('names a file in its place', async () => {
    const file = join(newDirectory(), 'state');
    appendFileSync(file, '');
    expect(await state(file)).toMatchObject([{ isOk: false, found: `${file} is a file` }]);
  });

  it.each([
    [0o600, true],
    [0o640, false],
    [0o604, false],
  ])('looks at the mode of the token: %o', async (mode, isOk) => {
    const directory = newDirectory();
    const payload = Buffer.from(JSON.stringify({ exp: 1_800_000_000 })).toString('base64url');
    writeFileSync(join(directory, 'token'), `h.${payload}.s\n`);
    chmodSync(join(directory, 'token'), mode);
    const [, token] = await state(directory);
    expect(token).toMatchObject({ check: 'token', isOk });
    if (isOk) expect(token?.found).toContain('valid until 2027-01-15T08:00:00.000Z');
    else expect(token?.remedy).toBe(`chmod 600 ${join(directory, 'token')}`);
  });

  it.each(['no token at all', 'a.bm90IGpzb24.c', 'a.W10.c'])(
    'does not mind a token it cannot read: %s',
    async (text) => {
      const directory = newDirectory();
      writeFileSync(join(directory, 'token'), text, { mode: 0o600 });
      expect((await state(directory))[1]).toMatchObject({
        isOk: true,
        found: expect.not.stringContaining('valid'),
      });
    },
  );
});

describe('this machine', () => {
  it('has the packages that are pinned, free space, and an idea of its ports', async () => {
    const stateDir = newDirectory();
    mkdirSync(join(stateDir, 'deep'));
    const ports = machine({
      root: inProject('.'),
      stateDir: join(stateDir, 'deep', 'er'),
      port: 4600,
      awsPort: 4566,
    });
    expect(ports.packages().length).toBeGreaterThan(5);
    expect(ports.packages().every(({ pinned, installed }) => pinned === installed)).toBe(true);
    expect(ports.freeBytes()).toBeGreaterThan(0);
    expect([ports.isAlive(process.pid), ports.isAlive(2 ** 22 + 1)]).toEqual([true, false]);
    expect(await ports.isPortFree(0)).toBe(true);
    expect(await ports.get('http://127.0.0.1:1/')).toBeUndefined();
  });
});
