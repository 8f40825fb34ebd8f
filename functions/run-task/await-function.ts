/** Invokes the function of an attempt and waits for it, with a sign of life now and then. */
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { InvokeFunction } from '#domain/ports/functions.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { isCapable } from '#domain/run/capabilities.ts';
import { endingOf, overdue } from '#domain/run/function-report.ts';
import type { Ending } from '#domain/run/function-report.ts';
import { beatEveryMs } from '#domain/run/heartbeat.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { policyOf } from '#domain/run/run.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { named, requestOf } from '#functions/run-task/work.ts';
import type { Work } from '#functions/run-task/work.ts';

export interface WaitingPorts {
  readonly mailbox: Mailbox;
  readonly invoke: InvokeFunction;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
  readonly sleep: (waitMs: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds until this invocation is ended. */
  readonly remainingMs: () => number;
}

/** What is left of an invocation for recording how the attempt ended. */
export const END_MARGIN_MS = 15_000;

/** How the attempt ended; undefined when it was over before its function was, and nobody asks any more. */
export const awaitFunction = async (
  ports: WaitingPorts,
  work: Work,
  envelope: DispatchEnvelope,
): Promise<Ending | undefined> => {
  const { functionName } = work.location;
  const startedMs = ports.nowMs();
  const everyMs = beatsEveryMs(work);
  const waiting = new AbortController();
  const invoked = ports.invoke(functionName, envelope, waiting.signal);
  try {
    for (;;) {
      const leftMs = ports.remainingMs() - END_MARGIN_MS;
      if (leftMs <= 0) return overdue(functionName, ports.nowMs() - startedMs);
      const ended = await within(ports, Math.min(everyMs, leftMs), invoked);
      if (ended) return endingOf(functionName, ended);
      if (leftMs > everyMs && !(await isStillWanted(ports, work))) return undefined;
    }
  } finally {
    waiting.abort();
  }
};

/** Without end where no signs of life are given. */
const beatsEveryMs = ({ origin: { plan, indexByKey }, taskKey }: Work): number => {
  const index = indexByKey.get(taskKey) ?? -1;
  return isCapable(plan, index, 'heartbeat')
    ? beatEveryMs(policyOf(plan, index).heartbeatTimeoutSec)
    : Infinity;
};

/** What was waited for, when it comes in time. */
const within = async <Value>(
  { sleep }: Pick<WaitingPorts, 'sleep'>,
  waitMs: number,
  awaited: Promise<Value>,
): Promise<Value | undefined> => {
  const sleeping = new AbortController();
  try {
    return await Promise.race([awaited, sleep(waitMs, sleeping.signal).then(() => undefined)]);
  } finally {
    sleeping.abort();
  }
};

/** Beats for the function; false when the attempt is over. A beat that fails is made good by the next one. */
const isStillWanted = async ({ mailbox, telemetry }: WaitingPorts, work: Work): Promise<boolean> => {
  const { taskKey } = work;
  try {
    const command = { type: 'HeartbeatTask', taskKey, report: named(work) } as const;
    const { kind } = await mailbox.send(runAggregate, requestOf(work, command));
    return kind !== 'rejected';
  } catch (error) {
    telemetry.log('warn', 'a heartbeat for a function could not be recorded', {
      runId: work.origin.header.runId,
      taskKey,
      attempt: work.attempt,
      errorMessage: error instanceof Error ? error.message : String(error),
    });
    return true;
  }
};
