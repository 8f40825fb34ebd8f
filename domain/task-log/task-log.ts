/**
 * The log of one attempt: the first one that is uploaded stays. Each has a stream of its own, so that logs never wait
 * for the run they belong to, nor the run for them; bodies are blobs under their content hash, written before the
 * command.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { RunId, TaskKey } from '#contracts/ids.ts';
import type { TaskLogStored } from '#contracts/runs/task-log.ts';
import type { Aggregate, Rejection } from '#domain/kernel/aggregate.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { attemptId } from '#domain/kernel/ids.ts';
import { redactSecrets } from '#domain/kernel/redact.ts';

/** No log yet, or where the log of the attempt is kept. */
export type TaskLog =
  { readonly status: 'none' } | { readonly status: 'stored'; readonly log: TaskLogStored['data'] };

/** Keeps a log; the same one again changes nothing, and another one is refused. */
export interface StoreTaskLog {
  readonly type: 'StoreTaskLog';
  readonly log: TaskLogStored['data'];
}

/** Does nothing: a log waits for nothing, but every aggregate can be swept. */
export interface SweepTaskLog {
  readonly type: 'SweepTaskLog';
}

export type TaskLogCommand = StoreTaskLog | SweepTaskLog;

/** The attempt a log belongs to. */
export interface LogPlace {
  readonly tenantId: string;
  readonly workspaceId: string;
  readonly runId: RunId;
  readonly taskKey: TaskKey;
  readonly attempt: number;
}

/** `task-log#tenant/workspace/runId/taskKey/attempt`: the stream of one log. */
export const taskLogStream = ({ tenantId, workspaceId, runId, taskKey, attempt }: LogPlace): string =>
  `task-log#${tenantId}/${workspaceId}/${runId}/${taskKey}/${attempt}`;

/** What an upload becomes: the command, and the body to store first. */
export const storeTaskLog = (
  place: LogPlace,
  { stdout, stderr }: { readonly stdout: string; readonly stderr: string },
): { readonly command: StoreTaskLog; readonly text: string } => {
  const given = `=== stdout ===\n${lines(stdout)}=== stderr ===\n${lines(stderr)}`;
  const text = redactSecrets(given);
  const { tenantId, workspaceId, runId, taskKey, attempt } = place;
  const log = {
    runId,
    taskKey,
    attempt,
    attemptId: attemptId(place),
    path: `logs/${runId}/${taskKey}/attempt-${attempt}.log`,
    bodyKey: `logs/${tenantId}/${workspaceId}/${sha256Hex(text)}`,
    sizeBytes: Buffer.byteLength(text, 'utf8'),
    ...(text === given ? {} : { redacted: true as const }),
  };
  return { command: { type: 'StoreTaskLog', log }, text };
};

const lines = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

const decide = (command: TaskLogCommand, state: TaskLog): Decision<TaskLogStored, Rejection> => {
  if (command.type === 'SweepTaskLog') return accept();
  const { log } = command;
  if (state.status === 'none') {
    const idempotencyKey = `log:${log.runId}:${log.taskKey}:${log.attempt}`;
    return accept({ type: 'TaskLogStored', idempotencyKey, data: log });
  }
  return state.log.bodyKey === log.bodyKey
    ? accept()
    : reject({
        code: 'log_already_stored',
        message: `attempt ${log.attempt} of ${log.taskKey} has another log already; the first one stays`,
        details: { path: log.path },
      });
};

const evolve = (state: TaskLog, event: RecordedEvent): TaskLog =>
  event.type === 'TaskLogStored' && state.status === 'none'
    ? { status: 'stored', log: event.data as TaskLogStored['data'] }
    : state;

/** The log of an attempt, as the command handler knows it. */
export const taskLogAggregate: Aggregate<TaskLog, TaskLogCommand, TaskLogStored> = {
  kind: 'task-log',
  foldVersion: 1,
  eventTypes: new Set(['TaskLogStored']),
  initialState: () => ({ status: 'none' }),
  decide,
  evolve,
  outstanding: () => [],
  waiting: () => [],
  sweepCommand: () => ({ type: 'SweepTaskLog' }),
  isTerminal: ({ status }) => status === 'stored',
  encodeState: (state) => JSON.stringify(state),
  decodeState: (text) => JSON.parse(text) as TaskLog,
};
