import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openStateDirectory, type StateDirectory } from '#local/journal/state-directory.ts';

let directory = '';
let children: ChildProcess[] = [];
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lock-'));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  fs.rmSync(directory, { recursive: true, force: true });
});

const open = (lockPatienceMs = 0): StateDirectory =>
  openStateDirectory(directory, { segmentBytes: 4096, lockPatienceMs });

const shell = async (script: string): Promise<number> => {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return Number(line.toString());
};

/** Fields 3 (state) and 22 (start) of what the system tells of a process. */
const statOf = (pid: number): { readonly state: string; readonly begin: string } => {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return { state: fields[0] ?? '', begin: `${boot}/${fields[19]}` };
};

const writeLock = (pid: number): void =>
  fs.writeFileSync(path.join(directory, 'lock'), JSON.stringify({ pid, begin: statOf(pid).begin }));

const start = (): ChildProcess => {
  const script = path.join(import.meta.dirname, 'appending-process.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
};

/** The last number the child acknowledged before it was killed, at or after the given one. */
const killAfter = (child: ChildProcess, acknowledged: number, onFirst: () => void): Promise<number> =>
  new Promise((resolve) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      if (text === '') onFirst();
      text += chunk.toString();
      if (Number(text.trim().split('\n').at(-1)) >= acknowledged) child.kill('SIGKILL');
    });
    child.on('close', () => resolve(Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1))));
  });

it('refuses a second opener and lets it in after the first has closed', async () => {
  const first = open();
  expect(() => open()).toThrow(expect.objectContaining({ code: 'state_locked' }));
  expect(() => open()).toThrow(`in use by process ${process.pid}`);
  await first.close();
  await open().close();
});

it('takes over the lock of a process that is gone, and of an earlier one with the same number', async () => {
  const lock = path.join(directory, 'lock');
  for (const holder of [{ pid: 2 ** 22 + 1, begin: '' }, { pid: process.pid, begin: 'earlier/1' }, 'torn']) {
    fs.writeFileSync(lock, JSON.stringify(holder));
    await open().close();
    expect(fs.existsSync(lock)).toBe(false);
  }
});

/** Elsewhere a process that nobody waited for looks like one that runs. */
const tellsStates = fs.existsSync('/proc/self/stat');

if (tellsStates) {
  it('takes over from a process that has ended and that its parent does not wait for', async () => {
    // It ends when the shell that would wait for it has become another program.
    const pid = await shell('sleep 0.3 & echo $!; exec sleep 60');
    await vi.waitUntil(() => statOf(pid).state === 'Z');
    writeLock(pid);

    await open().close();
  });

  it('waits a moment for a process that is about to end', async () => {
    const pid = await shell('echo $$; exec sleep 0.2');
    writeLock(pid);

    expect(() => open()).toThrow(expect.objectContaining({ code: 'state_locked' }));
    await open(5_000).close();
  });
}

it('takes over from a process that was killed while it took over', async () => {
  const gone = JSON.stringify({ pid: 2 ** 22 + 1, begin: '' });
  fs.writeFileSync(path.join(directory, 'lock'), gone);
  fs.writeFileSync(path.join(directory, 'lock.claim'), gone);
  await open().close();
  expect(fs.readdirSync(directory).filter((name) => name.startsWith('lock'))).toEqual([]);
});

it('refuses the directory of a living process, and has every entry it acknowledged before a kill', async () => {
  let last = 0;
  for (let kill = 1; kill <= 2; kill++) {
    const acknowledged = await killAfter(start(), last + 600, () =>
      expect(() => open()).toThrow(expect.objectContaining({ code: 'state_locked' })),
    );
    const state = open();
    const numbers = [...state.entries()].map(([, [, n]]) => Number(n));
    last = numbers.at(-1) ?? 0;
    expect(last).toBeGreaterThanOrEqual(acknowledged);
    expect(numbers.every((n, index) => index === 0 || n === (numbers[index - 1] ?? 0) + 1)).toBe(true);
    await state.close();
  }
});
