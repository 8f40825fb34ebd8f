/**
 * The packed form of a run inside a commit: one character a task for its status and one for its attempt, a short
 * hash for each report, and numbers only for what is under way. The plan is left out (see `Aggregate.origin`).
 * About 150 bytes for 10 tasks and 2 KB compressed for 500.
 */
import type { WorkerId } from '#contracts/runs/callbacks.ts';
import { attemptOf } from '#domain/run/run.ts';
import { statusLetter, statusOf } from '#domain/run/status-letter.ts';
import type { EndedRun, Progress, Run, RunHeader, RunningRun, Task } from '#domain/run/run.ts';

/** Characters of the hash of a report or a message. */
export const REPORT_HASH_LENGTH = 6;

interface Packed {
  readonly s: Run['status'];
  /** Instant all others count from. */
  readonly t?: number;
  readonly k?: string;
  readonly a?: string;
  readonly h?: string;
  /** Worker ids, named by place in `d`. */
  readonly w?: readonly string[];
  readonly d?: readonly number[];
  /** The header, while there is no plan yet. */
  readonly o?: RunHeader;
}

/** Compact JSON of the run without its origin. */
export const encodeRun = (run: Run): string => {
  if (run.status === 'none') return JSON.stringify({ s: 'none' } satisfies Packed);
  if (run.status === 'TRIGGERED')
    return JSON.stringify({ s: run.status, t: run.changedAtMs, o: run.header } satisfies Packed);
  const workers: string[] = [];
  const workerIndex = (workerId: string): number => {
    const known = workers.indexOf(workerId);
    return known >= 0 ? known : workers.push(workerId) - 1;
  };
  const details = run.tasks.flatMap((task) => packTask(task, run.changedAtMs, workerIndex));
  const packed: Packed = {
    s: run.status,
    t: run.changedAtMs,
    k: run.tasks.map(({ status }) => statusLetter[status]).join(''),
    a: run.tasks.map((task) => attemptOf(task).toString(36)).join(''),
    h: run.tasks.map(hashOf).join(''),
    w: workers,
    d: details,
  };
  return JSON.stringify(packed);
};

/** The one hash a task remembers, if any: of its last report, or of the last message of its worker. */
const hashOf = (task: Task): string => {
  if ('reportHash' in task) return task.reportHash;
  return task.status === 'RUNNING' ? (task.progress?.messageHash ?? '') : '';
};

/** 0 before the first heartbeat; then whether there was a message in the last bit, and a percentage plus 1 before it. */
const packProgress = (progress: Progress | undefined): number =>
  progress === undefined
    ? 0
    : 1 + 2 * (progress.pct === undefined ? 0 : progress.pct + 1) + (progress.messageHash === '' ? 0 : 1);

const unpackProgress = (
  packed: number,
  hash: (isThere: boolean) => string,
): { readonly progress?: Progress } => {
  if (packed === 0) return {};
  const pct = Math.floor((packed - 1) / 2) - 1;
  const messageHash = hash((packed - 1) % 2 === 1);
  return { progress: { ...(pct < 0 ? {} : { pct }), messageHash } };
};

const packTask = (task: Task, baseMs: number, workerIndex: (id: string) => number): readonly number[] => {
  switch (task.status) {
    case 'READY':
      return [task.readyAtMs - baseMs];
    case 'DISPATCHED':
      return [task.readyAtMs - baseMs, task.sentAtMs - task.readyAtMs, task.sendNo];
    case 'RUNNING':
      return [task.lastSeenMs - baseMs, workerIndex(task.workerId), packProgress(task.progress)];
    case 'RETRY_WAIT':
      return [task.retryAtMs - baseMs];
    case 'BLOCKED':
    case 'SKIPPED':
    case 'SUCCEEDED':
    case 'FAILED':
    case 'CANCELLED':
      return [];
  }
};

/** The run as it was, without its origin. */
export const decodeRun = (text: string): Run => {
  const { s, t = 0, o, ...packed } = JSON.parse(text) as Packed;
  if (s === 'TRIGGERED' && o) return { status: s, changedAtMs: t, header: o };
  if (s === 'none' || s === 'TRIGGERED') return { status: 'none' };
  const run: RunningRun | EndedRun = {
    status: s,
    tasks: unpackTasks(packed, t),
    changedAtMs: t,
    origin: undefined,
  };
  return run;
};

const unpackTasks = (
  { k = '', a = '', h = '', w = [], d = [] }: Omit<Packed, 's' | 't' | 'o'>,
  baseMs: number,
): Task[] => {
  let detail = 0;
  let hash = 0;
  const number = (): number => d[detail++] ?? 0;
  const reportHash = (isReported: boolean): string =>
    isReported ? h.slice(hash, (hash += REPORT_HASH_LENGTH)) : '';
  return Array.from(k, (letter, index): Task => {
    const attempt = Number.parseInt(a.charAt(index), 36);
    const status = statusOf.get(letter) ?? 'BLOCKED';
    switch (status) {
      case 'BLOCKED':
      case 'SKIPPED':
        return { status };
      case 'READY':
        return { status, attempt, readyAtMs: baseMs + number(), reportHash: reportHash(attempt > 0) };
      case 'DISPATCHED': {
        const readyAtMs = baseMs + number();
        return { status, attempt, readyAtMs, sentAtMs: readyAtMs + number(), sendNo: number() };
      }
      case 'RUNNING':
        return {
          status,
          attempt,
          lastSeenMs: baseMs + number(),
          workerId: (w[number()] ?? '') as WorkerId,
          ...unpackProgress(number(), reportHash),
        };
      case 'RETRY_WAIT':
        return { status, attempt, retryAtMs: baseMs + number(), reportHash: reportHash(true) };
      case 'SUCCEEDED':
      case 'FAILED':
      case 'CANCELLED':
        return { status, attempt, reportHash: reportHash(attempt > 0) };
    }
  });
};
