/** What the system tells of another process: whether it still runs, and which of all that had its number it is. */
import fs from 'node:fs';

/** Whether the process can still do anything: one that ended and that nobody has waited for cannot. */
export const isRunning = (pid: number): boolean => {
  const fields = statOf(pid);
  if (fields !== undefined) return !isOver(fields);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
};

/** Boot id and start tick of a process that runs, where the system tells them (Linux), else an empty string. */
export const processBegin = (pid: number): string => {
  const fields = statOf(pid);
  if (fields === undefined || isOver(fields)) return '';
  return `${fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19] ?? ''}`;
};

/** Zombie, or dead. */
const isOver = ([state = '']: readonly string[]): boolean => state === 'Z' || state === 'X';

/** The fields behind the name, which may itself hold blanks and brackets; undefined where there are none. */
const statOf = (pid: number): readonly string[] | undefined => {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
};

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
