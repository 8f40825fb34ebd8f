/**
 * The packed form of a run inside a commit: one character a task for its status and one for its attempt, a short
 * hash for each report, and numbers only for what is under way. The plan is left out (see `Aggregate.origin`).
 * About 150 bytes for 10 tasks and 2 KB compressed for 500.
 */
import { OutputVisibilityState } from '#contracts/runs/task-output.ts';
import type { WorkerId } from '#contracts/runs/callbacks.ts';
import { attemptOf, slotsOf } from '#domain/run/run.ts';
import { statusLetter, statusOf } from '#domain/run/status-letter.ts';
import type {
  EndedRun,
  Progress,
  Run,
  RunHeader,
  RunningRun,
  SlotReturn,
  Stop,
  Task,
} from '#domain/run/run.ts';

/** Characters of the hash of a report or a message. */
export const REPORT_HASH_LENGTH = 6;

interface Packed {
  readonly s: Run['status'];
  /** Instant all others count from. */
  readonly t?: number;
  readonly k?: string;
  readonly a?: string;
  readonly h?: string;
  /** One digit for each task that is handed out or running: the slots it holds; left out when none holds any. */
  readonly l?: string;
  /** What has to be given back: task, attempt and bits for the places, in a row. */
  readonly u?: readonly number[];
  /** One letter for each task that succeeded, left out when nothing was said of any output. */
  readonly v?: string;
  /** Worker ids, named by place in `d`. */
  readonly w?: readonly string[];
  readonly d?: readonly number[];
  /** When the run was asked to end, and when its deadline passed. */
  readonly c?: number;
  readonly x?: number;
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
  const visibilities = run.tasks
    .flatMap((task) => (task.status === 'SUCCEEDED' ? [letterOf(task)] : []))
    .join('');
  const slots = run.tasks.flatMap((task) => (isHandedOut(task) ? [slotsOf(task)] : [])).join('');
  const packed: Packed = {
    s: run.status,
    t: run.changedAtMs,
    k: run.tasks.map(({ status }) => statusLetter[status]).join(''),
    a: run.tasks.map((task) => attemptOf(task).toString(36)).join(''),
    h: run.tasks.map(hashOf).join(''),
    ...(/[^0]/.test(slots) ? { l: slots } : {}),
    ...(run.returns === undefined ? {} : { u: run.returns.flatMap(packReturn) }),
    ...(/[^-]/.test(visibilities) ? { v: visibilities } : {}),
    w: workers,
    d: details,
    ...(run.stop?.cancelledAtMs === undefined ? {} : { c: run.stop.cancelledAtMs - run.changedAtMs }),
    ...(run.stop?.timedOutAtMs === undefined ? {} : { x: run.stop.timedOutAtMs - run.changedAtMs }),
  };
  return JSON.stringify(packed);
};

const isHandedOut = ({ status }: Task): boolean => status === 'DISPATCHED' || status === 'RUNNING';

const packReturn = ({ taskIndex, attempt, places }: SlotReturn): readonly number[] => [
  taskIndex,
  attempt,
  places.reduce((bits, place) => bits | (1 << place), 0),
];

const RETURN_NUMBERS = 3;

const unpackReturns = (
  packed: readonly number[] | undefined,
): { readonly returns?: readonly SlotReturn[] } => {
  if (packed === undefined) return {};
  const returns = Array.from({ length: packed.length / RETURN_NUMBERS }, (_, index) => {
    const [taskIndex = 0, attempt = 0, bits = 0] = packed.slice(index * RETURN_NUMBERS);
    return { taskIndex, attempt, places: [0, 1, 2].filter((place) => (bits & (1 << place)) > 0) };
  });
  return { returns };
};

type Succeeded = Extract<Task, { readonly status: 'SUCCEEDED' }>;

const letterOf = ({ visibility }: Succeeded): string =>
  visibility === undefined ? '-' : visibility.charAt(0);

/** How an output stands, by its letter. */
const visibilityOf = (letter: string): { readonly visibility?: OutputVisibilityState } => {
  const visibility = OutputVisibilityState.options.find((state) => state.startsWith(letter));
  return letter === '' || visibility === undefined ? {} : { visibility };
};

/** Stands for the hash of an attempt that ended without a report. */
const NO_HASH = '-'.repeat(REPORT_HASH_LENGTH);

/** The one hash a task remembers, if any: of its last report, or of the last message of its worker. */
const hashOf = (task: Task): string => {
  if ('reportHash' in task) return task.attempt > 0 && task.reportHash === '' ? NO_HASH : task.reportHash;
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

/** Stands beside the place of a task for each refusal: a task has as many limits at most. */
const PLACES = 3;

const packTask = (task: Task, baseMs: number, workerIndex: (id: string) => number): readonly number[] => {
  switch (task.status) {
    case 'READY':
      return [task.readyAtMs - baseMs];
    case 'SLOT_WAIT':
      return [
        task.readyAtMs - baseMs,
        task.askedAtMs - task.readyAtMs,
        task.sendNo,
        task.place + task.refusals * PLACES,
        task.againAtMs === undefined ? 0 : task.againAtMs - task.askedAtMs,
      ];
    case 'DISPATCHED':
      return [task.readyAtMs - baseMs, task.sentAtMs - task.readyAtMs, task.sendNo];
    case 'RUNNING':
      return [
        task.lastSeenMs - baseMs,
        task.startedAtMs - baseMs,
        workerIndex(task.workerId),
        packProgress(task.progress),
      ];
    case 'RETRY_WAIT':
      return [task.retryAtMs - baseMs];
    case 'BLOCKED':
    case 'SKIPPED':
    case 'SUCCEEDED':
    case 'FAILED':
    case 'CANCELLED':
    case 'TIMED_OUT':
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
    ...stopOf(packed, t),
    ...unpackReturns(packed.u),
  };
  return run;
};

const stopOf = ({ c, x }: Pick<Packed, 'c' | 'x'>, baseMs: number): { readonly stop?: Stop } =>
  c === undefined && x === undefined
    ? {}
    : {
        stop: {
          ...(c === undefined ? {} : { cancelledAtMs: baseMs + c }),
          ...(x === undefined ? {} : { timedOutAtMs: baseMs + x }),
        },
      };

const unpackTasks = (
  { k = '', a = '', h = '', l = '', v = '', w = [], d = [] }: Omit<Packed, 's' | 't' | 'o'>,
  baseMs: number,
): Task[] => {
  let detail = 0;
  let hash = 0;
  let succeeded = 0;
  let handedOut = 0;
  const number = (): number => d[detail++] ?? 0;
  const reportHash = (isReported: boolean): string => {
    const text = isReported ? h.slice(hash, (hash += REPORT_HASH_LENGTH)) : '';
    return text === NO_HASH ? '' : text;
  };
  const slots = (): { readonly slots?: number } => {
    const count = Number(l.charAt(handedOut++));
    return count === 0 ? {} : { slots: count };
  };
  return Array.from(k, (letter, index): Task => {
    const attempt = Number.parseInt(a.charAt(index), 36);
    const status = statusOf.get(letter) ?? 'BLOCKED';
    switch (status) {
      case 'BLOCKED':
      case 'SKIPPED':
        return { status };
      case 'READY':
        return { status, attempt, readyAtMs: baseMs + number(), reportHash: reportHash(attempt > 0) };
      case 'SLOT_WAIT': {
        const readyAtMs = baseMs + number();
        const asked = { readyAtMs, askedAtMs: readyAtMs + number(), sendNo: number() };
        const placed = number();
        const [place, refusals] = [placed % PLACES, Math.floor(placed / PLACES)];
        const againMs = number();
        const again = againMs === 0 ? {} : { againAtMs: asked.askedAtMs + againMs };
        return { status, attempt, ...asked, place, refusals, ...again, reportHash: reportHash(attempt > 0) };
      }
      case 'DISPATCHED': {
        const readyAtMs = baseMs + number();
        const sent = { readyAtMs, sentAtMs: readyAtMs + number(), sendNo: number() };
        return { status, attempt, ...sent, ...slots() };
      }
      case 'RUNNING':
        return {
          status,
          attempt,
          lastSeenMs: baseMs + number(),
          startedAtMs: baseMs + number(),
          workerId: (w[number()] ?? '') as WorkerId,
          ...unpackProgress(number(), reportHash),
          ...slots(),
        };
      case 'RETRY_WAIT':
        return { status, attempt, retryAtMs: baseMs + number(), reportHash: reportHash(true) };
      case 'SUCCEEDED':
        return {
          status,
          attempt,
          reportHash: reportHash(attempt > 0),
          ...visibilityOf(v.charAt(succeeded++)),
        };
      case 'FAILED':
      case 'CANCELLED':
      case 'TIMED_OUT':
        return { status, attempt, reportHash: reportHash(attempt > 0) };
    }
  });
};
