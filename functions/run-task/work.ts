/** An attempt in the hands of this invocation, and how it is spoken of to its run. */
import { randomUUID } from 'node:crypto';
import type { TaskKey } from '#contracts/ids.ts';
import type { FunctionLocation } from '#contracts/runs/locations.ts';
import type { CommandRequest } from '#domain/kernel/commit.ts';
import type { RunCommand } from '#domain/run/command.ts';
import { FUNCTION_WORKER } from '#domain/run/function-report.ts';
import { attemptIdOf } from '#domain/run/run.ts';
import type { RunOrigin } from '#domain/run/run.ts';

/** An attempt that a function makes. */
export interface Work {
  readonly stream: string;
  readonly origin: RunOrigin;
  readonly location: FunctionLocation;
  readonly taskKey: TaskKey;
  readonly attempt: number;
}

/** Whose a report is. */
export const named = ({ origin, taskKey, attempt }: Work) => ({
  attempt,
  attemptId: attemptIdOf(origin.header.runId, taskKey, attempt),
  workerId: FUNCTION_WORKER,
});

/** The request of a command about the attempt. */
export const requestOf = (work: Work, command: RunCommand): CommandRequest<RunCommand> => ({
  stream: work.stream,
  command,
  // Fresh for each: two invocations may be sent the same attempt, and one must learn that the other was quicker.
  commandId: `${command.type}:${named(work).attemptId}:${randomUUID()}`,
  actor: { kind: 'service', id: FUNCTION_WORKER },
  correlationId: work.origin.header.runId,
});
