/**
 * One process per state directory. The lock names its process and when that process began, so a lock left by a
 * kill is taken over even when the process number has been given away again.
 */
import fs from 'node:fs';
import path from 'node:path';
import { threadId } from 'node:worker_threads';
import { isRunning, processBegin } from '#local/journal/process-state.ts';
import { StateDirectoryError } from '#local/journal/state-directory-error.ts';

interface Holder {
  readonly pid: number;
  readonly begin: string;
}

const PAUSE_MS = 50;

const held = new Set<string>();

/** Takes the directory's lock or throws `state_locked` after the patience; returns the release. */
export const takeLock = (directory: string, patienceMs: number): (() => void) => {
  const file = path.join(directory, 'lock');
  const mine = JSON.stringify({ pid: process.pid, begin: processBegin(process.pid) } satisfies Holder);
  patiently(patienceMs, () => {
    if (!create(file, mine)) takeOver(directory, file, mine);
  });
  const key = fs.realpathSync(file);
  held.add(key);
  return () => {
    held.delete(key);
    fs.rmSync(file, { force: true });
  };
};

/** Tries again what another process may be about to allow; this one's own lock it does not wait for. */
const patiently = (patienceMs: number, take: () => void): void => {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    try {
      take();
      return;
    } catch (error) {
      const isForeign = error instanceof LockedError && error.holderPid !== process.pid;
      if (!isForeign || performance.now() >= untilMs) throw error;
      pause(PAUSE_MS);
    }
  }
};

/** Nothing else may run before the directory is ours, so the thread itself waits. */
const pause = (waitMs: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
};

/** Linked, not written, into place: nobody ever reads a half-written lock of a living process. */
const create = (file: string, content: string): boolean => {
  const fresh = `${file}.${process.pid}.${threadId}`;
  fs.writeFileSync(fresh, content);
  try {
    fs.linkSync(fresh, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(fresh, { force: true });
  }
};

/** Two processes that find the same stale lock agree through a second file that only one can create. */
const takeOver = (directory: string, file: string, mine: string): void => {
  refuseWhenAlive(directory, file);
  const claim = `${file}.claim`;
  if (!create(claim, mine)) {
    refuseWhenAlive(directory, claim);
    fs.rmSync(claim, { force: true });
    if (!create(claim, mine)) throw new LockedError(directory);
  }
  try {
    refuseWhenAlive(directory, file);
    fs.rmSync(file, { force: true });
    if (!create(file, mine)) throw new LockedError(directory);
  } finally {
    fs.rmSync(claim, { force: true });
  }
};

const refuseWhenAlive = (directory: string, file: string): void => {
  const holder = readHolder(file);
  if (holder && isAlive(holder, file)) throw new LockedError(directory, holder.pid);
};

class LockedError extends StateDirectoryError {
  readonly holderPid: number | undefined;

  constructor(directory: string, holderPid?: number) {
    const holder = holderPid === undefined ? 'another process' : `process ${holderPid}`;
    super(
      'state_locked',
      `the state directory ${directory} is in use by ${holder}; stop it, or choose another directory with --state`,
    );
    this.holderPid = holderPid;
  }
}

/** Undefined for a missing or unreadable lock: it binds nobody. */
const readHolder = (file: string): Holder | undefined => {
  try {
    const holder: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    return isHolder(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
};

const isHolder = (value: unknown): value is Holder =>
  typeof value === 'object' &&
  value !== null &&
  'pid' in value &&
  typeof value.pid === 'number' &&
  'begin' in value &&
  typeof value.begin === 'string';

const isAlive = (holder: Holder, file: string): boolean => {
  const begin = processBegin(holder.pid);
  if (begin !== '') return begin === holder.begin;
  if (holder.pid === process.pid) return held.has(fs.realpathSync(file));
  return isRunning(holder.pid);
};

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
