/** A state directory of its own for each test, with small segments. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { JournalEntry } from '#local/kernel/journal.ts';
import { StateDirectoryError } from '#local/journal/state-directory-error.ts';
import {
  openStateDirectory,
  type StateDirectory,
  type StateDirectoryOptions,
} from '#local/journal/state-directory.ts';

/** Small, so that a test fills several. */
export const SEGMENT_BYTES = 4096;

/** The directory of the running test. */
export let directory = '';
/** Gives each test of the file a directory of its own. */
export const eachInItsDirectory = (): void => {
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'journal-'));
  });
  // A journal that a test abandoned may still be writing.
  afterEach(() => fs.rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
};

/** Opens the directory with small segments. */
export const open = (options: StateDirectoryOptions = {}): StateDirectory =>
  openStateDirectory(directory, { segmentBytes: SEGMENT_BYTES, ...options });

/** An entry that carries a number. */
export const entry = (n: number, size = 20): JournalEntry => ['put', n, 'x'.repeat(size)];

/** The numbers of all entries, in order. */
export const numbersOf = (state: StateDirectory): unknown[] => [...state.entries()].map(([, [, n]]) => n);

/** 1 to the count. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/** Appends numbers, each in a group of its own. */
export const appendEach = async (
  state: StateDirectory,
  numbers: readonly number[],
  size = 20,
): Promise<void> => {
  for (const n of numbers) {
    state.journal.append('dynamodb', entry(n, size));
    await state.journal.durable();
  }
};

/** The error an opening is refused with. */
export const refusalOf = (act: () => unknown): StateDirectoryError => {
  try {
    act();
  } catch (error) {
    if (error instanceof StateDirectoryError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

/** Opens, reads the numbers and closes. */
export const reread = async (): Promise<unknown[]> => {
  const state = open();
  const numbers = numbersOf(state);
  await state.close();
  return numbers;
};

/** Names of the segments, oldest first. */
export const segmentFiles = (): string[] =>
  fs.readdirSync(directory).filter((name) => name.startsWith('segment-'));

/** Leaves the directory as a kill would: nothing is flushed, marked or released. */
export const abandon = (): void => {
  fs.rmSync(path.join(directory, 'lock'), { force: true });
};

/** The newest segment and where its bytes end. */
export const lastWritten = (): { readonly file: string; readonly bytes: Buffer; readonly end: number } => {
  const file = path.join(directory, segmentFiles().at(-1) ?? '');
  const bytes = fs.readFileSync(file);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return { file, bytes, end };
};
