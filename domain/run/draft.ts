/**
 * A decision in the making: events are folded into a private copy as they are proposed, so that what follows from
 * one is decided on the state it leaves.
 */
import type { RunEvent } from '#contracts/runs/run-events.ts';
import type { AttemptRef } from '#domain/kernel/ids.ts';
import { evolvePlanned } from '#domain/run/evolve.ts';
import type { ProgressEvent } from '#domain/run/evolve.ts';
import { plannedTask } from '#domain/run/run.ts';
import type { PlannedRun, RunOrigin } from '#domain/run/run.ts';

export interface Draft {
  run: PlannedRun;
  readonly events: RunEvent[];
  readonly nowMs: number;
}

/** A draft on a copy of the run; the run itself stays as it is. */
export const draftOf = (run: PlannedRun, nowMs: number): Draft => ({
  run: { ...run, tasks: [...run.tasks] },
  events: [],
  nowMs,
});

/** Proposes an event and folds it into the draft. */
export const record = (draft: Draft, event: ProgressEvent): void => {
  draft.events.push(event);
  draft.run = evolvePlanned(draft.run, event, draft.nowMs);
};

/** Names an attempt of a task by index. */
export const attemptRef = ({ header, plan }: RunOrigin, index: number, attempt: number): AttemptRef => ({
  runId: header.runId,
  taskKey: plannedTask(plan, index).key,
  attempt,
});
