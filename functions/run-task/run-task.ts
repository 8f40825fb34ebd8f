/**
 * Has Lambda functions of customers make attempts. The start is recorded first, so that of two messages one has the
 * function invoked; while it works this invocation beats for it, so that one that is killed is found by the heartbeat
 * timeout as every dead worker is. The end of an attempt and the start of the next one at the same location are one commit,
 * without a message in between.
 *
 * A message that fails behind a start comes again and does nothing: what failed is found by the heartbeat timeout.
 */
import type { TaskKey } from '#contracts/ids.ts';
import { DispatchMessage } from '#contracts/runs/locations.ts';
import type { Queues } from '#domain/ports/outside.ts';
import type { CommandOutcome } from '#domain/kernel/commit.ts';
import type { NextTasks } from '#domain/run/command.ts';
import { FUNCTION_WORKER } from '#domain/run/function-report.ts';
import type { Ending } from '#domain/run/function-report.ts';
import { begunWith } from '#domain/run/next-tasks.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import type { Run } from '#domain/run/run.ts';
import { sentAttempt } from '#domain/run/sent-attempt.ts';
import type { TaskTokens } from '#adapters/tokens/task-token.ts';
import type { LocationGate } from '#functions/shared/location-gate.ts';
import { queuedCommand } from '#functions/shared/queued-command.ts';
import { taskEnvelope } from '#functions/shared/task-envelope.ts';
import { REPORT_TRIES_MAX } from '#functions/shared/task-report.ts';
import { awaitFunction, END_MARGIN_MS } from '#functions/run-task/await-function.ts';
import type { WaitingPorts } from '#functions/run-task/await-function.ts';
import { named, requestOf } from '#functions/run-task/work.ts';
import type { Work } from '#functions/run-task/work.ts';

export interface RunTaskPorts extends WaitingPorts {
  /** The run as the ledger has it now; what was read is kept warm for the command that follows. */
  readonly loadRun: (stream: string) => Promise<Run>;
  readonly queues: Queues;
  readonly tokens: TaskTokens;
  readonly isOpen: LocationGate;
  /** Attempts one message leads to in this invocation; what follows goes out by message. Default 100. */
  readonly functionStepsMax: number;
}

/** What a function may count on: with less time left, what follows is left to another invocation. */
export const FUNCTION_TIME_MS = 600_000;

/** Takes a message; one about an attempt that is at work, over, or sent again since does nothing. */
export const runTask = async (ports: RunTaskPorts, body: string): Promise<void> => {
  const { stream, ...message } = DispatchMessage.parse(JSON.parse(body));
  const sent = sentAttempt(await ports.loadRun(stream), message);
  if (sent === undefined) return;
  const { origin, location, task } = sent;
  if (location.kind !== 'lambda') throw new Error('a message for a queue came to the functions');
  const { taskKey, attempt } = message;
  const first: Work = { stream, origin, location, taskKey: taskKey as TaskKey, attempt };
  // A task of a location that takes nothing stays handed over, and the sweeper asks again, as when a message was lost.
  if (!(await ports.isOpen({ ...origin.header, ...location })) || !(await isBegun(ports, first))) return;
  ports.telemetry.count('ReadyToStartedMs', Math.max(0, ports.nowMs() - task.readyAtMs), { plane: 'assets' });
  let work: Work | undefined = first;
  for (let step = 1; work !== undefined; step++)
    work = await make(ports, work, { isLast: step >= ports.functionStepsMax });
};

/** Records the start; false when somebody was quicker, or the attempt is none any more. */
const isBegun = async ({ mailbox }: RunTaskPorts, work: Work): Promise<boolean> => {
  const command = { type: 'StartTask', taskKey: work.taskKey, report: named(work) } as const;
  const { kind } = await mailbox.send(runAggregate, requestOf(work, command));
  return kind === 'committed';
};

/** Has the function make the attempt, and records its end; the attempt that was begun with that, if one was. */
const make = async (
  ports: RunTaskPorts,
  work: Work,
  { isLast }: { readonly isLast: boolean },
): Promise<Work | undefined> => {
  const ending = await awaitFunction(ports, work, await envelopeOf(ports, work));
  ports.telemetry.count('FunctionTasksRun');
  if (ending === undefined) return undefined;
  const next = !isLast && hasTime(ports) && (await isStillOpen(ports, work)) ? nextOf(work) : undefined;
  const outcome = await report(ports, work, { ending, next });
  if (outcome?.kind !== 'committed') return undefined;
  const { taskKey, attempt } = work;
  const worker = { run: outcome.state, workerId: FUNCTION_WORKER };
  const [begun] = next ? (begunWith(outcome.events, { taskKey, attempt }, worker) ?? []) : [];
  if (begun === undefined) return undefined;
  ports.telemetry.count('ReadyToStartedMs', 0, { plane: 'assets' });
  return { ...work, taskKey: begun.taskKey as TaskKey, attempt: begun.attempt };
};

const envelopeOf = ({ tokens }: RunTaskPorts, { origin, location, taskKey, attempt }: Work) => {
  const { executionLocationId, workerQueue, callbackBaseUrl } = location;
  return taskEnvelope(tokens, {
    origin,
    taskKey,
    attempt,
    executionLocationId,
    workerQueue,
    callbackBaseUrl,
  });
};

const nextOf = ({ location: { workerQueue, executionLocationId } }: Work): NextTasks => ({
  workerId: FUNCTION_WORKER,
  queue: workerQueue,
  executionLocationId,
  maxTasks: 1,
});

const isStillOpen = ({ isOpen }: RunTaskPorts, { origin, location }: Work): Promise<boolean> =>
  // What cannot be asked now is asked by whoever takes the message.
  isOpen({ ...origin.header, ...location }).catch(() => false);

/** Whether the function of another attempt gets the time it may count on. */
const hasTime = ({ remainingMs }: RunTaskPorts): boolean => remainingMs() >= FUNCTION_TIME_MS + END_MARGIN_MS;

interface Told {
  readonly ending: Ending;
  readonly next: NextTasks | undefined;
}

/** Records the end, or has it recorded soon, as every report and without what would follow; undefined then. */
const report = async (
  { mailbox, queues, telemetry }: RunTaskPorts,
  work: Work,
  { ending, next }: Told,
): Promise<CommandOutcome<Run> | undefined> => {
  const command = {
    type: 'CompleteTask' as const,
    taskKey: work.taskKey,
    report: { ...named(work), ...ending },
  };
  try {
    const request = requestOf(work, { ...command, ...(next ? { next } : {}) });
    return await mailbox.send(runAggregate, request, { triesMax: REPORT_TRIES_MAX });
  } catch (error) {
    telemetry.log('warn', 'the end of an attempt goes to the queue, since it could not be recorded at once', {
      runId: work.origin.header.runId,
      taskKey: work.taskKey,
      attempt: work.attempt,
      errorMessage: error instanceof Error ? error.message : String(error),
    });
    await queues.send([queuedCommand(runAggregate.kind, requestOf(work, command))]);
    return undefined;
  }
};
