import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { expect, it, onTestFinished } from 'vitest';
import { ephemeralFolder } from '#cli/up/ephemeral-folder.ts';

/** No system gives this number to a process. */
const NOBODY = 2 ** 30;

const parent = (...names: readonly string[]): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-parent-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of names) mkdirSync(path.join(folder, name));
  return folder;
};

it('is fresh each time and named after the process', () => {
  const folder = parent();

  const [one, other] = [ephemeralFolder(folder), ephemeralFolder(folder)];

  expect(one).not.toBe(other);
  expect(path.basename(one)).toMatch(new RegExp(`^sluice-up-${process.pid}-`));
  expect([existsSync(one), existsSync(other)]).toEqual([true, true]);
});

it('removes what a killed process left, and nothing else', () => {
  const left = `sluice-up-${NOBODY}-abc`;
  const alive = `sluice-up-${process.pid}-abc`;
  const others = [`sluice-up-${NOBODY}`, 'sluice-up-x-abc', 'other'];
  const folder = parent(left, alive, ...others);

  ephemeralFolder(folder);

  expect(existsSync(path.join(folder, left))).toBe(false);
  for (const name of [alive, ...others]) expect(existsSync(path.join(folder, name))).toBe(true);
});
