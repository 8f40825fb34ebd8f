/**
 * Runs the tasks of a run that need no worker, one after another: "task i finished" and "task i+1 handed over" are one
 * commit, and no message lies between them, because this invocation takes what its own commit hands over. Whatever
 * ends it early leaves a task handed over, and so a message owed, which the queue or the sweeper brings again.
 */
import { randomUUID } from 'node:crypto';
import { errorCatalogue } from '#contracts/errors.ts';
import { InlineRunMessage } from '#contracts/runs/runner.ts';
import type { InlineRunnerName } from '#contracts/runs/runner.ts';
import type { CommandOutcome } from '#domain/kernel/commit.ts';
import type { Effect } from '#domain/kernel/effect.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { InlineOutcome, InlineTask, Runner } from '#domain/ports/runner.ts';
import { handedOver, INLINE_WORKER, inlineReport } from '#domain/run/inline.ts';
import type { HandedOver } from '#domain/run/inline.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import type { Run } from '#domain/run/run.ts';
import { RefusedForNowError } from '#functions/shared/decide-queued.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';

export interface InlinePorts {
  /** The run as the ledger has it now; what was read is kept warm for the command that follows. */
  readonly loadRun: (stream: string) => Promise<Run>;
  readonly mailbox: Mailbox;
  readonly perform: (effects: readonly Effect[]) => Promise<void>;
  readonly runners: Readonly<Record<InlineRunnerName, Runner>>;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
  /** Tasks one invocation runs; then it sends itself the rest. Default 100. */
  readonly inlineStepsMax: number;
}

/** One message of the queue. */
export interface InlineRequest {
  readonly body: string;
  /** The queue has delivered it before. */
  readonly isRepeat: boolean;
}

/** Runs what is handed over until nothing is, or the bound is reached. */
export const runInline = async (ports: InlinePorts, { body, isRepeat }: InlineRequest): Promise<void> => {
  const { stream } = InlineRunMessage.parse(JSON.parse(body));
  let run = await ports.loadRun(stream);
  // The invocation before may have ended between a commit and what it owes.
  if (isRepeat) await ports.perform(owedToOthers(run, ports.nowMs()));
  for (let step = 1; step <= ports.inlineStepsMax; step++) {
    const next = handedOver(run);
    if (!next) return;
    const outcome = await finish(ports, { stream, next, isLast: step === ports.inlineStepsMax });
    if (outcome.kind === 'rejected' && errorCatalogue[outcome.rejection.code].retryable)
      throw new RefusedForNowError(outcome.rejection);
    // Somebody else has ended the attempt, another invocation as a rule: what follows is theirs.
    if (outcome.kind !== 'committed') return;
    run = outcome.state;
  }
};

const isOwnMessage = (effect: Effect): boolean =>
  effect.kind === 'send-message' && effect.queue === 'inline-runs' && !('sendNo' in effect.body);

const owedToOthers = (run: Run, nowMs: number): readonly Effect[] =>
  runAggregate.outstanding(run, nowMs).filter((effect) => !isOwnMessage(effect));

interface Step {
  readonly stream: string;
  readonly next: HandedOver;
  /** After the last step the message for the next task is sent as by everybody else. */
  readonly isLast: boolean;
}

/** Makes the attempt and records it. */
const finish = async (ports: InlinePorts, { stream, next, isLast }: Step): Promise<CommandOutcome<Run>> => {
  const { task, runner, readyAtMs } = next;
  ports.telemetry.count('ReadyToStartedMs', Math.max(0, ports.nowMs() - readyAtMs), { plane: 'assets' });
  const report = inlineReport(task, await outcomeOf(ports, ports.runners[runner], task));
  const outcome = await ports.mailbox.send(
    runAggregate,
    {
      stream,
      command: { type: 'FinishInlineTask', taskKey: task.taskKey, report },
      // Fresh for each try: two invocations may make the same attempt, and one must learn that the other was quicker.
      commandId: `inline:${task.attemptId}:${randomUUID()}`,
      actor: { kind: 'service', id: INLINE_WORKER },
      correlationId: task.runId,
    },
    { effectsMustSucceed: true, ...(isLast ? {} : { isTaken: isOwnMessage }) },
  );
  if (outcome.kind === 'committed') ports.telemetry.count('InlineTasksRun');
  return outcome;
};

/** What the runner answers; one that throws has failed the attempt, and not the run. */
const outcomeOf = async (
  { telemetry }: InlinePorts,
  runner: Runner,
  task: InlineTask,
): Promise<InlineOutcome> => {
  try {
    return await runner.run(task);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    telemetry.log('error', 'an in-process runner threw', {
      runId: task.runId,
      taskKey: task.taskKey,
      attempt: task.attempt,
      errorMessage: message,
      stack: error instanceof Error ? error.stack : undefined,
    });
    return { outcome: 'FAILED', error: { category: 'INFRASTRUCTURE', message } };
  }
};
