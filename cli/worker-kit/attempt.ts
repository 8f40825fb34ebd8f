/** Works on one attempt: started, heartbeats beside the work, completed. */
import type * as z from 'zod';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { TaskMetrics, TaskOutput } from '#contracts/runs/task-output.ts';
import { failed, failureReport, stopReasonOf, TaskFailure, TaskStopped } from '#cli/worker-kit/failure.ts';
import type { Completion } from '#cli/worker-kit/failure.ts';
import { beatEveryMs, keepBeating, progressOf } from '#cli/worker-kit/heartbeat.ts';
import type { Progress } from '#cli/worker-kit/heartbeat.ts';
import { whenAborted } from '#cli/worker-kit/pause.ts';
import { untilAnswered } from '#cli/worker-kit/repeat.ts';
import type { Answer, Post } from '#cli/worker-kit/request.ts';
import type { Shutdown } from '#cli/worker-kit/shutdown.ts';
import type { Delivery, TaskSource } from '#cli/worker-kit/source.ts';

/** What work is given beside its task. */
export interface Work {
  /** Comes when the work should stop; its reason is a `TaskStopped` that says why. */
  readonly signal: AbortSignal;
  /** What the next heartbeat tells: 0 to 100 percent, and a word about it. */
  readonly progress: (pct: number, message?: string) => void;
}

/** What came of the work: where its output is, with lineage, and what it used. */
export interface TaskResult {
  readonly output?: z.input<typeof TaskOutput>;
  readonly metrics?: z.input<typeof TaskMetrics>;
}

/** Does the work of one task. What it throws fails the attempt, or cancels it when the signal has come. */
export type Execute = (task: DispatchEnvelope, work: Work) => Promise<TaskResult>;

/** What every attempt of a worker shares. */
export interface AttemptPorts {
  readonly workerId: string;
  readonly execute: Execute;
  readonly onEvent: (text: string) => void;
  readonly post: Post;
  readonly chance: () => number;
  readonly shutdown: Shutdown;
}

interface Attempt {
  readonly ports: AttemptPorts;
  readonly source: TaskSource;
  readonly task: DispatchEnvelope;
  readonly settle: Delivery['settle'];
  readonly stop: AbortController;
  readonly work: Work;
  readonly say: (text: string) => void;
}

const REPORT_TIMEOUT_MS = 30_000;

/**
 * Works until the attempt has ended and that is reported, or nobody wants it any more; it never throws. Answers what the
 * worker goes on with.
 */
export const workOn = async (
  ports: AttemptPorts,
  source: TaskSource,
  { task, settle }: Delivery,
): Promise<readonly Delivery[]> => {
  const { shutdown, onEvent } = ports;
  const stop = new AbortController();
  const over = new AbortController();
  let progress: Progress | undefined;
  const work: Work = {
    signal: stop.signal,
    progress: (pct, message) => void (progress = progressOf(pct, message)),
  };
  const say = (text: string): void => onEvent(`${task.taskKey} attempt ${task.attempt} ${text}`);
  const attempt: Attempt = { ports, source, task, settle, stop, work, say };
  const detach = whenAborted(shutdown.work, () => stop.abort(new TaskStopped('worker_stopping')));
  const beating = keepBeating({
    everyMs: beatEveryMs(task.heartbeatTimeoutSec),
    send: (body) => report(attempt, { kind: 'heartbeat', body, signal: over.signal }),
    progress: () => progress,
    stop: (reason) => stop.abort(reason),
    onEvent: say,
    over: over.signal,
  });
  say('started');
  const completion = await executed(attempt);
  // Beats go on while the end is reported: an attempt that falls silent now would be made again.
  const next = completion ? await complete(attempt, completion) : [];
  if (!completion) say('is left: it is not wanted any more');
  over.abort();
  detach();
  await beating;
  return next;
};

const executed = async (attempt: Attempt): Promise<Completion | undefined> => {
  const { ports, task, stop, work } = attempt;
  try {
    await start(attempt);
    const result = await orAbandoned(ports.execute(task, work), ports.shutdown.waiting);
    return stopReasonOf(stop.signal) === 'unwanted' ? undefined : { outcome: 'SUCCEEDED', ...result };
  } catch (error) {
    return failureReport(error, stop.signal);
  }
};

/** What work comes to, or that the worker stops without it: work that does not heed its signal cannot be ended. */
const orAbandoned = <Result>(work: Promise<Result>, waiting: AbortSignal): Promise<Result> =>
  new Promise((resolve, reject) => {
    const detach = whenAborted(waiting, () => reject(new TaskStopped('worker_stopping')));
    work.finally(detach).then(resolve, reject);
  });

/** An attempt that was sent is started by it, unless it is another's; a claim is the start already. */
const start = async (attempt: Attempt): Promise<void> => {
  const { ports, stop, say, settle } = attempt;
  if (!settle) return;
  const { signal } = stop;
  const answer = await untilAnswered(() => report(attempt, { kind: 'started', body: {}, signal }), {
    onAgain: (message) => say(`start was not answered: ${message}`),
    signal,
    chance: ports.chance,
  });
  if (answer.kind !== 'again') await settle();
  if (answer.kind === 'taken') return;
  signal.throwIfAborted();
  if (answer.kind === 'again')
    throw new TaskFailure('INFRASTRUCTURE', `the start could not be acknowledged: ${answer.message}`);
  say(`start was refused: ${answer.message}`);
  throw new TaskStopped('unwanted');
};

const complete = async (attempt: Attempt, completion: Completion): Promise<readonly Delivery[]> => {
  const { source, task, say } = attempt;
  const next = await source.finish?.(task, completion);
  if (next) say(completion.outcome.toLowerCase());
  else await completeApart(attempt, completion);
  return next ?? [];
};

/** By the callback, which has no limit of requests and is refused for the sake of its attempt alone. */
const completeApart = async (attempt: Attempt, completion: Completion): Promise<void> => {
  const { say } = attempt;
  const answer = await reportEnd(attempt, completion);
  if (answer.kind !== 'faulty') {
    sayEnd(attempt, completion, answer);
    return;
  }
  // Silence would leave the attempt to its timeout; a failure that can be said is better.
  say(`report has a fault: ${answer.message}`);
  const failure = failed('USER_CODE', `the report was refused: ${answer.message}`);
  sayEnd(attempt, failure, await reportEnd(attempt, failure));
};

const sayEnd = ({ say }: Attempt, { outcome }: Completion, answer: Answer): void =>
  say(answer.kind === 'taken' ? outcome.toLowerCase() : `ended unheard: ${answer.message}`);

/** The report is repeated until it is answered: the server takes it once, and answers a repeat alike. */
const reportEnd = (attempt: Attempt, body: Completion): Promise<Answer> => {
  const { ports, say } = attempt;
  const signal = ports.shutdown.reports;
  return untilAnswered(() => report(attempt, { kind: 'completed', body, signal }), {
    onAgain: (message) => say(`report was not answered: ${message}`),
    signal,
    chance: ports.chance,
  });
};

interface Report {
  readonly kind: 'started' | 'heartbeat' | 'completed';
  readonly body: object;
  readonly signal: AbortSignal;
}

const report = ({ ports, task }: Attempt, { kind, body, signal }: Report): Promise<Answer> =>
  ports.post({
    url: `${task.callbackBaseUrl}/v1/callbacks/${task.taskId}/${kind}`,
    token: task.taskToken,
    body: reportBody(task, ports.workerId, body),
    timeoutMs: REPORT_TIMEOUT_MS,
    signal,
  });

/** What every report says of its attempt, and what it adds. */
export const reportBody = (
  { attempt, attemptId }: DispatchEnvelope,
  workerId: string,
  said: object,
): object => ({ attempt, attemptId, workerId, ...said });
