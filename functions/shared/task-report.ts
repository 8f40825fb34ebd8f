/**
 * Takes the report of a worker, whether it comes as a callback or with a claim (docs/guide/design.md §8): the checks in
 * their order of precedence on the run as it stands, then the command. A run with many tasks in flight takes its reports
 * through the `commands` queue, so that hundreds of workers finishing at once neither lose a report nor get an error
 * because others finished too. A start alone is decided before it is answered, however busy its run is: of two workers who
 * were sent one attempt, one must hear that it is not theirs.
 */
import { randomUUID } from 'node:crypto';
import type { RecordedEvent } from '#contracts/event.ts';
import type { TaskTokenClaims } from '#contracts/runs/callbacks.ts';
import type { CommandRequest } from '#domain/kernel/commit.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import type { Queues, Telemetry } from '#domain/ports/outside.ts';
import { checkCallback } from '#domain/run/callback.ts';
import type { NextTasks, RunCommand } from '#domain/run/command.ts';
import type { Report } from '#domain/run/guard.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runStream } from '#domain/run/run-stream.ts';
import type { Run } from '#domain/run/run.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import { ContentionError } from '#functions/shared/command-handler.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { queuedCommand } from '#functions/shared/queued-command.ts';

export interface ReportPorts {
  /** The run as the ledger has it now; what was read is kept warm for the command that follows. */
  readonly loadRun: (stream: string) => Promise<Run>;
  readonly mailbox: Mailbox;
  readonly queues: Queues;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
  /** Tasks in flight above which reports go to the queue at once; default 16. */
  readonly callbackQueueTasksMin: number;
}

/** A report whose token was verified. */
export interface GivenReport {
  readonly taskId: string;
  readonly claims: TaskTokenClaims;
  readonly report: Report;
  /** What the worker may begin with it; asked for only when the report is decided at once. Undefined: nothing. */
  readonly next?: () => Promise<NextTasks | undefined>;
}

/** What became of a report, and the run after it as far as it is known. */
export type TakenReport =
  | { readonly kind: 'recorded'; readonly run: Run; readonly events: readonly RecordedEvent[] }
  /** It is durable, and decided soon. */
  | { readonly kind: 'queued'; readonly run: Run }
  /** It was taken before, or says nothing new. */
  | { readonly kind: 'repeated'; readonly run: Run };

/** Takes the report, or throws why not. */
export const takeReport = async (ports: ReportPorts, given: GivenReport): Promise<TakenReport> => {
  const { claims, report, next } = given;
  const stream = runStream(claims);
  const run = await ports.loadRun(stream);
  const verdict = checkCallback(run, { ...report, ...given }, ports.nowMs());
  if (verdict.kind === 'refused') throw refused(verdict.rejection);
  noteClockSkew(ports, report);
  if (verdict.kind === 'duplicate') return { kind: 'repeated', run };
  const request = (command: RunCommand): CommandRequest<RunCommand> => ({
    stream,
    command,
    // Fresh for each call: callers choose their request ids, and a queue would swallow the repeat of one.
    commandId: `${report.kind}:${claims.attemptId}:${randomUUID()}`,
    actor: { kind: 'worker', id: report.body.workerId },
    correlationId: claims.runId,
  });
  const { command } = verdict;
  if (report.kind !== 'started' && inFlight(run) > ports.callbackQueueTasksMin)
    return queue(ports, request(command), run);
  const following = command.type === 'CompleteTask' ? await next?.() : undefined;
  return decide(ports, report.kind, request({ ...command, ...(following ? { next: following } : {}) }));
};

/** What a report tries before it goes to the queue. */
export const REPORT_TRIES_MAX = 2;

/** A report that keeps losing its race goes to the queue instead of failing; a start is asked for again (`contention`). */
const decide = async (
  ports: ReportPorts,
  kind: Report['kind'],
  request: CommandRequest<RunCommand>,
): Promise<TakenReport> => {
  try {
    const bounds = kind === 'started' ? {} : { triesMax: REPORT_TRIES_MAX };
    const outcome = await ports.mailbox.send(runAggregate, request, bounds);
    if (outcome.kind === 'rejected') throw refused(outcome.rejection);
    return outcome.kind === 'committed'
      ? { kind: 'recorded', run: outcome.state, events: outcome.events }
      : { kind: 'repeated', run: outcome.state };
  } catch (error) {
    if (kind === 'started' || !(error instanceof ContentionError)) throw error;
    return queue(ports, request, { status: 'none' });
  }
};

/** What follows from a report that waits is offered: whoever reports is answered before it is known. */
const queue = async (
  { queues }: ReportPorts,
  { command, ...request }: CommandRequest<RunCommand>,
  run: Run,
): Promise<TakenReport> => {
  const { next: _later, ...alone } = command as RunCommand & { readonly next?: NextTasks };
  await queues.send([queuedCommand(runAggregate.kind, { ...request, command: alone })]);
  return { kind: 'queued', run };
};

const inFlight = (run: Run): number =>
  run.status === 'RUNNING'
    ? run.tasks.filter(({ status }) => status === 'RUNNING' || status === 'DISPATCHED').length
    : 0;

const SKEW_TOLERATED_MS = 300_000;

/** A worker's clock is an observation: it is counted when it is far off and never decides anything. */
const noteClockSkew = ({ telemetry, nowMs }: ReportPorts, { body }: Report): void => {
  const at = 'startedAt' in body ? body.startedAt : 'heartbeatAt' in body ? body.heartbeatAt : undefined;
  const reported = at ?? ('completedAt' in body ? body.completedAt : undefined);
  if (reported !== undefined && Math.abs(Date.parse(reported) - nowMs()) > SKEW_TOLERATED_MS)
    telemetry.count('WorkerClockSkew');
};

const refused = ({ code, message, details }: Rejection): ApiError => new ApiError(code, message, { details });
