/**
 * An HTTP worker: claims tasks, reports heartbeats while it works, and reports how each ended. It needs the HTTP
 * API and a token, and no AWS credentials. Workers in other languages do the same four requests.
 */
import { randomUUID } from 'node:crypto';
import { errorCatalogue } from '#contracts/errors.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import type { CompletedRequest } from '#contracts/runs/callbacks.ts';
import { CliError } from '#cli/cli-error.ts';
import type { Client } from '#cli/client.ts';
import { waitFor } from '#cli/wait-for.ts';

/** Does the work of one task; what it throws is reported as the failure of the attempt. */
export type Execute = (
  task: DispatchEnvelope,
  signal: AbortSignal,
) => Promise<Pick<CompletedRequest, 'output'>>;

/** A failure with a category of the contract; others are reported as `USER_CODE`. */
export class TaskFailure extends Error {
  readonly category: 'INFRASTRUCTURE' | 'DATA_QUALITY' | 'CONFIGURATION' | 'USER_CODE';
  constructor(category: TaskFailure['category'], message: string) {
    super(message);
    this.name = 'TaskFailure';
    this.category = category;
  }
}

export interface WorkerSetting {
  readonly client: Client;
  readonly workerId: string;
  readonly queue: string;
  /** Tasks in work at once, 1 to 10. */
  readonly concurrency: number;
  readonly execute: Execute;
  readonly signal: AbortSignal;
  readonly onEvent: (text: string) => void;
  /** Waits, or returns at once when the signal comes; by default on the clock of this process. */
  readonly sleep?: (waitMs: number, signal?: AbortSignal) => Promise<void>;
}

const CLAIM_WAIT_MS = 5_000;
/** Tries of one claim; whatever keeps it from being answered that long is not its lost answer. */
const CLAIM_TRIES_MAX = 20;
const PAUSE_AFTER_FAULT_MS = 1_000;
const HEARTBEAT_MIN_MS = 5_000;
const HEARTBEAT_MAX_MS = 60_000;

/** Works until the signal; tasks in work are finished first. */
export const runWorker = async (setting: WorkerSetting): Promise<void> => {
  const working = new Set<Promise<void>>();
  while (!setting.signal.aborted) {
    const free = setting.concurrency - working.size;
    if (free === 0) {
      await Promise.race(working);
      continue;
    }
    for (const task of await claim(setting, free)) {
      const work = workOn(setting, task).finally(() => working.delete(work));
      working.add(work);
    }
  }
  await Promise.all(working);
};

/** One claim, repeated under its key until it is answered: its tasks are ours although their answer was lost. */
const claim = async (setting: WorkerSetting, maxTasks: number): Promise<readonly DispatchEnvelope[]> => {
  const { client, workerId, queue, signal, sleep = waitFor } = setting;
  const asked = { body: { workerId, queue, maxTasks, waitMs: CLAIM_WAIT_MS }, idempotencyKey: randomUUID() };
  for (let tries = 1; ; tries++) {
    try {
      const answer = await client.request('POST', '{ws}/workers/claim', { ...asked, signal });
      return ClaimResponse.parse(answer).tasks;
    } catch (error) {
      if (signal.aborted) return [];
      setting.onEvent(`claim failed: ${messageOf(error)}`);
      await sleep(PAUSE_AFTER_FAULT_MS, signal);
      if (isRefused(error) || tries === CLAIM_TRIES_MAX) return [];
    }
  }
};

/** The server has answered, and would answer the same again. */
const isRefused = (error: unknown): boolean =>
  error instanceof CliError &&
  Object.entries(errorCatalogue).some(([code, { retryable }]) => code === error.code && !retryable);

const workOn = async (setting: WorkerSetting, task: DispatchEnvelope): Promise<void> => {
  const stop = new AbortController();
  const signal = AbortSignal.any([setting.signal, stop.signal]);
  const beating = beat(setting, task, { signal, stop });
  setting.onEvent(`${task.taskKey} attempt ${task.attempt} started`);
  let report: Record<string, unknown>;
  try {
    await callback(setting, task, 'started', {});
    report = { outcome: 'SUCCEEDED', ...(await setting.execute(task, stop.signal)) };
  } catch (error) {
    if (isGone(error)) {
      stop.abort();
      return;
    }
    const category = error instanceof TaskFailure ? error.category : 'USER_CODE';
    report = { outcome: 'FAILED', error: { category, message: messageOf(error) } };
  }
  stop.abort();
  await beating;
  await complete(setting, task, report);
};

/** The report is repeated until it is answered: the server takes it once, and answers a repeat alike. */
const complete = async (
  setting: WorkerSetting,
  task: DispatchEnvelope,
  report: Record<string, unknown>,
): Promise<void> => {
  const { sleep = waitFor } = setting;
  for (let tries = 1; ; tries++) {
    try {
      await callback(setting, task, 'completed', report);
      setting.onEvent(`${task.taskKey} attempt ${task.attempt} ${String(report['outcome']).toLowerCase()}`);
      return;
    } catch (error) {
      if (isGone(error) || tries === 20) {
        setting.onEvent(`${task.taskKey} attempt ${task.attempt}: report refused: ${messageOf(error)}`);
        return;
      }
      await sleep(Math.min(PAUSE_AFTER_FAULT_MS * tries, 5_000));
    }
  }
};

const beat = async (
  setting: WorkerSetting,
  task: DispatchEnvelope,
  { signal, stop }: { readonly signal: AbortSignal; readonly stop: AbortController },
): Promise<void> => {
  const everyMs = Math.min(
    Math.max(((task.heartbeatTimeoutSec ?? 300) * 1000) / 5, HEARTBEAT_MIN_MS),
    HEARTBEAT_MAX_MS,
  );
  const { sleep = waitFor } = setting;
  for (;;) {
    await sleep(everyMs, signal);
    if (signal.aborted) return;
    try {
      const answer = await callback(setting, task, 'heartbeat', {});
      if ((answer as { shouldCancel?: boolean }).shouldCancel) stop.abort();
    } catch (error) {
      if (isGone(error)) stop.abort();
      else setting.onEvent(`heartbeat failed: ${messageOf(error)}`);
    }
  }
};

const callback = (
  { client, workerId }: WorkerSetting,
  task: DispatchEnvelope,
  kind: 'started' | 'heartbeat' | 'completed',
  body: Record<string, unknown>,
): Promise<unknown> =>
  client.request('POST', `${task.callbackBaseUrl}/v1/callbacks/${task.taskId}/${kind}`, {
    token: task.taskToken,
    body: { attempt: task.attempt, attemptId: task.attemptId, workerId, ...body },
  });

const GONE = new Set([
  'stale_attempt',
  'attempt_mismatch',
  'attempt_id_mismatch',
  'attempt_already_started',
  'attempt_already_completed',
  'task_already_terminal',
  'task_expired',
  'task_not_found',
  'invalid_token',
  'token_expired',
]);

/** The server says this attempt is no longer wanted from us. */
const isGone = (error: unknown): boolean => error instanceof CliError && GONE.has(error.code);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
