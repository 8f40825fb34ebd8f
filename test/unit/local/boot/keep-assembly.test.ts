import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeEach, expect, it, onTestFinished } from 'vitest';

import { keepAssembly } from '#local/boot/keep-assembly.ts';
import type { CopyFolder } from '#local/boot/keep-assembly.ts';

let assembly: string;
let copyDir: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-keep-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  assembly = join(folder, 'cdk.out');
  copyDir = join(folder, 'state', 'assembly');
  write('one');
});

const write = (content: string, folder = assembly): void => {
  mkdirSync(join(folder, 'asset.a'), { recursive: true });
  writeFileSync(join(folder, 'asset.a', 'handler.mjs'), content);
};
const copied = (): string => readFileSync(join(copyDir, 'asset.a', 'handler.mjs'), 'utf8');

/** A build: what it made takes the folder's place in one step. */
const replace = (content: string): void => {
  write(content, `${assembly}.fresh`);
  renameSync(assembly, `${assembly}.old`);
  renameSync(`${assembly}.fresh`, assembly);
  rmSync(`${assembly}.old`, { recursive: true });
};

const copyWith =
  (act: (round: number) => void): CopyFolder =>
  (from, to) => {
    act(++rounds);
    cpSync(from, to, { recursive: true });
  };
let rounds = 0;
beforeEach(() => {
  rounds = 0;
});

it('keeps what the folder held, whatever happens to the folder later', async () => {
  await keepAssembly(assembly, copyDir);

  writeFileSync(join(assembly, 'asset.a', 'handler.mjs'), 'two');
  expect(copied()).toBe('one');
  rmSync(assembly, { recursive: true });
  expect(copied()).toBe('one');
});

it('leaves nothing of an earlier copy', async () => {
  mkdirSync(copyDir, { recursive: true });
  writeFileSync(join(copyDir, 'old'), '');

  await keepAssembly(assembly, copyDir);

  expect(existsSync(join(copyDir, 'old'))).toBe(false);
});

it('copies again when a build replaces the folder during the copy', async () => {
  await keepAssembly(
    assembly,
    copyDir,
    copyWith((round) => {
      if (round === 1) replace('two');
    }),
  );

  expect([copied(), rounds]).toEqual(['two', 2]);
});

it('copies again when the folder is away for an instant', async () => {
  const gone = `${assembly}.gone`;
  renameSync(assembly, gone);
  setTimeout(() => renameSync(gone, assembly), 10);

  await keepAssembly(assembly, copyDir);

  expect(copied()).toBe('one');
});

it('copies again when a copy fails because its files were taken away', async () => {
  await keepAssembly(
    assembly,
    copyDir,
    copyWith((round) => {
      if (round > 1) return;
      replace('two');
      throw new Error('ENOENT');
    }),
  );

  expect([copied(), rounds]).toEqual(['two', 2]);
});

it('throws what the copy of a folder that stands still throws', async () => {
  const full = (): never => {
    throw new Error('no space left');
  };

  await expect(keepAssembly(assembly, copyDir, full)).rejects.toThrow('no space left');
});

it('says what to do when there is no assembly', async () => {
  rmSync(assembly, { recursive: true });

  await expect(keepAssembly(assembly, copyDir)).rejects.toThrow(
    /no cloud assembly in .*: run npm run synth first/,
  );
});

it('gives up on a folder that is never still', async () => {
  const restless = copyWith((round) => replace(String(round)));

  await expect(keepAssembly(assembly, copyDir, restless)).rejects.toThrow(/was replaced 10 times/);
});
