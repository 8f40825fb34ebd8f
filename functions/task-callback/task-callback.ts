/**
 * Worker callbacks (docs/guide/design.md §8): the checks in their order of precedence on the run as it stands, then the
 * command. A run with many tasks in flight takes its reports through the `commands` queue, so that hundreds of
 * workers finishing at once neither lose a report nor get an error because others finished too. A start alone is decided
 * before it is answered, however busy its run is: of two workers who were sent one attempt, one must hear that it is not
 * theirs.
 */
import { randomUUID } from 'node:crypto';
import type * as z from 'zod';
import { CompletedRequest, HeartbeatRequest, StartedRequest } from '#contracts/runs/callbacks.ts';
import type { HeartbeatResponse } from '#contracts/runs/callbacks.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import type { Queues, Telemetry } from '#domain/ports/outside.ts';
import { cancellation, checkCallback } from '#domain/run/callback.ts';
import { decodeCallbackTaskId } from '#domain/kernel/ids.ts';
import type { RunCommand } from '#domain/run/command.ts';
import type { Report } from '#domain/run/guard.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runStream } from '#domain/run/run-stream.ts';
import type { Run } from '#domain/run/run.ts';
import type { TaskTokens } from '#adapters/tokens/task-token.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import { ContentionError } from '#functions/shared/command-handler.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { asCallback, refuseOutOfRange, verifyToken } from '#functions/task-callback/callback-request.ts';
import { queuedCommand } from '#functions/shared/queued-command.ts';

export interface CallbackPorts {
  /** The run as the ledger has it now; what was read is kept warm for the command that follows. */
  readonly loadRun: (stream: string) => Promise<Run>;
  readonly mailbox: Mailbox;
  readonly queues: Queues;
  readonly tokens: TaskTokens;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
  /** Tasks in flight above which reports go to the queue at once; default 16. */
  readonly callbackQueueTasksMin: number;
}

type Kind = Report['kind'];

const schemas = {
  started: StartedRequest,
  heartbeat: HeartbeatRequest,
  completed: CompletedRequest,
} as const;

/** Serves one kind of callback. */
export const callbackOperation = (ports: CallbackPorts, kind: Kind) =>
  asCallback(ports, (request) => report(ports, kind, request));

const report = async (ports: CallbackPorts, kind: Kind, request: ApiRequest): Promise<ApiReply> => {
  const parsed = parseReport(kind, request.body);
  refuseSecrets({ workerId: parsed.body.workerId });
  const claims = await verifyToken(ports.tokens, request.bearer ?? '');
  const stream = runStream(claims);
  const taskId = request.path['taskId'] ?? '';
  const state = await ports.loadRun(stream);
  const verdict = checkCallback(state, { ...parsed, taskId, claims }, ports.nowMs());
  if (verdict.kind === 'refused') throw refused(verdict.rejection);
  noteClockSkew(ports, parsed);
  const taskKey = decodeCallbackTaskId(taskId)?.taskKey ?? '';
  if (verdict.kind === 'duplicate') return answer(ports, parsed, { taskKey, run: state, isDuplicate: true });
  const identity = {
    stream,
    command: verdict.command,
    // Fresh for each call: callers choose their request ids, and a queue would swallow the repeat of one.
    commandId: `${kind}:${claims.attemptId}:${randomUUID()}`,
    actor: { kind: 'worker' as const, id: parsed.body.workerId },
    correlationId: claims.runId,
  };
  if (kind !== 'started' && inFlight(state) > ports.callbackQueueTasksMin) {
    await ports.queues.send([queuedCommand(runAggregate.kind, identity)]);
    return answer(ports, parsed, { taskKey, run: state, isDuplicate: false });
  }
  return answerAfter(ports, parsed, { ...identity, taskKey });
};

interface Identity {
  readonly stream: string;
  readonly command: RunCommand;
  readonly commandId: string;
  readonly actor: { readonly kind: 'worker'; readonly id: string };
  readonly correlationId: string;
}

/** What a report tries before it goes to the queue. */
const REPORT_TRIES_MAX = 2;

/** A report that keeps losing its race goes to the queue instead of failing; a start is asked for again (`contention`). */
const answerAfter = async (
  ports: CallbackPorts,
  parsed: Report,
  { taskKey, ...identity }: Identity & { readonly taskKey: string },
): Promise<ApiReply> => {
  try {
    const bounds = parsed.kind === 'started' ? {} : { triesMax: REPORT_TRIES_MAX };
    const outcome = await ports.mailbox.send(runAggregate, identity, bounds);
    if (outcome.kind === 'rejected') throw refused(outcome.rejection);
    return answer(ports, parsed, {
      taskKey,
      run: outcome.state,
      isDuplicate: outcome.kind === 'unchanged',
    });
  } catch (error) {
    if (parsed.kind === 'started' || !(error instanceof ContentionError)) throw error;
    await ports.queues.send([queuedCommand(runAggregate.kind, identity)]);
    return answer(ports, parsed, { taskKey, run: { status: 'none' }, isDuplicate: false });
  }
};

const parseReport = (kind: Kind, body: unknown): Report => {
  refuseOutOfRange(body);
  const parsed: z.infer<(typeof schemas)[Kind]> = parseBody(schemas[kind], body);
  return { kind, body: parsed } as Report;
};

const inFlight = (run: Run): number =>
  run.status === 'RUNNING'
    ? run.tasks.filter(({ status }) => status === 'RUNNING' || status === 'DISPATCHED').length
    : 0;

const SKEW_TOLERATED_MS = 300_000;

/** A worker's clock is an observation: it is counted when it is far off and never decides anything. */
const noteClockSkew = ({ telemetry, nowMs }: CallbackPorts, { body }: Report): void => {
  const at = 'startedAt' in body ? body.startedAt : 'heartbeatAt' in body ? body.heartbeatAt : undefined;
  const reported = at ?? ('completedAt' in body ? body.completedAt : undefined);
  if (reported !== undefined && Math.abs(Date.parse(reported) - nowMs()) > SKEW_TOLERATED_MS)
    telemetry.count('WorkerClockSkew');
};

const answer = (
  { nowMs }: CallbackPorts,
  { kind, body }: Report,
  {
    taskKey,
    run,
    isDuplicate,
  }: { readonly taskKey: string; readonly run: Run; readonly isDuplicate: boolean },
): ApiReply => {
  const acknowledged = { acknowledged: true, serverTime: new Date(nowMs()).toISOString() };
  switch (kind) {
    case 'started':
      return { status: 200, body: acknowledged };
    case 'heartbeat':
      return { status: 200, body: { ...acknowledged, ...told(run, taskKey) } };
    case 'completed':
      return {
        status: 200,
        body: { ...acknowledged, finalState: body.outcome, ...(isDuplicate ? { duplicate: true } : {}) },
      };
  }
};

const told = (run: Run, taskKey: string): Pick<HeartbeatResponse, 'shouldCancel' | 'cancelReason'> => {
  const cancelReason = cancellation(run, taskKey);
  return cancelReason === undefined ? { shouldCancel: false } : { shouldCancel: true, cancelReason };
};

const refused = ({ code, message, details }: Rejection): ApiError => new ApiError(code, message, { details });
