import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inProject } from '#test/support/tracked-files.ts';
import { realDisk, writeAtomically } from '#tools/generate/write-atomically.ts';
import type { AtomicDisk } from '#tools/generate/write-atomically.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-write-'));
  file = path.join(folder, 'openapi.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const fault = (code: string) => Object.assign(new Error(`${code}: injected`), { code });
const failing = (code: string) => (): never => {
  throw fault(code);
};
/** A step that fails the first time only. */
const failingOnce = <Step extends (...inputs: never[]) => void>(code: string, step: Step): Step => {
  let isFirst = true;
  return ((...inputs: Parameters<Step>) => {
    if (isFirst) {
      isFirst = false;
      throw fault(code);
    }
    step(...inputs);
  }) as Step;
};
const diskWith = (steps: Partial<AtomicDisk>): AtomicDisk => ({ ...realDisk, ...steps });

it('writes the bytes and leaves nothing else in the folder', () => {
  writeAtomically(file, 'one');
  writeAtomically(file, Buffer.from('two'));

  expect(readFileSync(file, 'utf8')).toBe('two');
  expect(readdirSync(folder)).toEqual(['openapi.json']);
});

it('creates the folders on the way', () => {
  const deep = path.join(folder, 'a', 'b', 'c.json');

  writeAtomically(deep, '{}');

  expect(readFileSync(deep, 'utf8')).toBe('{}');
});

it('copies, fsyncs and renames when the first rename would cross file systems', () => {
  writeFileSync(file, 'old');
  const copied: string[] = [];
  const disk = diskWith({
    rename: failingOnce('EXDEV', realDisk.rename),
    copyWhole: (from, to) => {
      copied.push(path.dirname(to));
      realDisk.copyWhole(from, to);
    },
  });

  writeAtomically(file, 'new', disk);

  expect(readFileSync(file, 'utf8')).toBe('new');
  expect(copied).toEqual([folder]);
  expect(readdirSync(folder)).toEqual(['openapi.json']);
});

describe('a failed write leaves the old file whole and no rest of itself', () => {
  it.each([
    ['the disk is full while writing', 'ENOSPC', { writeWhole: failing('ENOSPC') }],
    [
      'the disk fills up in the middle',
      'ENOSPC',
      {
        writeWhole: (name: string, bytes: Uint8Array) => {
          realDisk.writeWhole(name, bytes.subarray(0, 1));
          throw fault('ENOSPC');
        },
      },
    ],
    ['the rename is refused', 'EACCES', { rename: failing('EACCES') }],
    ['no rename ever crosses', 'EXDEV', { rename: failing('EXDEV') }],
    [
      'the disk is full while copying across',
      'ENOSPC',
      { rename: failing('EXDEV'), copyWhole: failing('ENOSPC') },
    ],
  ] satisfies readonly (readonly [string, string, Partial<AtomicDisk>])[])('%s', (_case, code, steps) => {
    writeFileSync(file, 'old');

    expect(() => writeAtomically(file, 'new', diskWith(steps))).toThrow(code);

    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['openapi.json']);
  });
});

it.each([
  ['half written', 'old'],
  ['before the rename', 'old'],
  ['after the rename', 'new '.repeat(10_000)],
])('killed with -9 %s, the file is whole', (step, expected) => {
  writeFileSync(file, 'old');

  const { signal } = spawnSync(
    process.execPath,
    ['--import', 'tsx', inProject('test/unit/tools/generate/killed-writer.ts'), file, step],
    { cwd: inProject('.') },
  );

  expect(signal).toBe('SIGKILL');
  expect(readFileSync(file, 'utf8')).toBe(expected);
});

it('is not disturbed by the temporary file of a killed write', () => {
  writeFileSync(path.join(folder, '.openapi.json.0badcafe.tmp'), 'half');

  writeAtomically(file, 'whole');

  expect(readFileSync(file, 'utf8')).toBe('whole');
});
