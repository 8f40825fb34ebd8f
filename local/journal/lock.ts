/**
 * One process per state directory. The lock names its process and when that process began, so a lock left by a
 * kill is taken over even when the process number has been given away again.
 */
import fs from 'node:fs';
import path from 'node:path';
import { threadId } from 'node:worker_threads';
import { StateDirectoryError } from '#local/journal/state-directory-error.ts';

interface Holder {
  readonly pid: number;
  readonly begin: string;
}

const held = new Set<string>();

/** Takes the directory's lock or throws `state_locked`; returns the release. */
export const takeLock = (directory: string): (() => void) => {
  const file = path.join(directory, 'lock');
  const mine = JSON.stringify({ pid: process.pid, begin: processBegin(process.pid) } satisfies Holder);
  if (!create(file, mine)) takeOver(directory, file, mine);
  const key = fs.realpathSync(file);
  held.add(key);
  return () => {
    held.delete(key);
    fs.rmSync(file, { force: true });
  };
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
    if (!create(claim, mine)) throw locked(directory, 'another process');
  }
  try {
    refuseWhenAlive(directory, file);
    fs.rmSync(file, { force: true });
    if (!create(file, mine)) throw locked(directory, 'another process');
  } finally {
    fs.rmSync(claim, { force: true });
  }
};

const refuseWhenAlive = (directory: string, file: string): void => {
  const holder = readHolder(file);
  if (holder && isAlive(holder, file)) throw locked(directory, `process ${holder.pid}`);
};

const locked = (directory: string, by: string): StateDirectoryError =>
  new StateDirectoryError(
    'state_locked',
    `the state directory ${directory} is in use by ${by}; stop it, or choose another directory with --state`,
  );

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
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
};

/** Boot id and start tick of a process where the system tells them (Linux), else an empty string. */
const processBegin = (pid: number): string => {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return '';
    return `${fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19] ?? ''}`;
  } catch {
    return '';
  }
};

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
