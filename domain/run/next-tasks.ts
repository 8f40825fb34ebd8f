/**
 * What the worker of a report goes on with. Tasks that its report made ready need not be offered, looked for and taken: it
 * begins them in the commit that ends its attempt, unless something more urgent, or as urgent and older, waits in its queue.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { WorkerId } from '#contracts/runs/callbacks.ts';
import type { RunEvent } from '#contracts/runs/run-events.ts';
import { advance } from '#domain/run/advance.ts';
import { recordStart } from '#domain/run/attempt-start.ts';
import type { NextTasks } from '#domain/run/command.ts';
import type { Draft } from '#domain/run/draft.ts';
import { asRunEvent } from '#domain/run/evolve.ts';
import { locationOf } from '#domain/run/plan-locations.ts';
import { originOf, taskAt } from '#domain/run/run.ts';
import type { Run } from '#domain/run/run.ts';

type Dispatch = Extract<RunEvent, { readonly type: 'TaskDispatched' }>['data'];

/** Lets the worker begin what the draft hands out to its queue, the most urgent first; what follows is in the draft. */
export const startNext = (draft: Draft, next: NextTasks): readonly RunEvent[] => {
  const chosen = draft.events
    .flatMap((event) =>
      event.type === 'TaskDispatched' && isFor(draft, event.data, next) ? [event.data] : [],
    )
    .sort((left, right) => left.priority - right.priority)
    .slice(0, next.maxTasks);
  for (const { taskIndex, attempt } of chosen)
    recordStart(draft, taskIndex, { attempt, workerId: next.workerId });
  // As any start it makes room in the dispatch window.
  return chosen.length === 0 ? draft.events : advance(draft);
};

const isFor = (draft: Draft, dispatched: Dispatch, next: NextTasks): boolean => {
  const { taskIndex, runner, priority, queue } = dispatched;
  const { executionLocationId } = locationOf(originOf(draft.run).plan, taskIndex) ?? {};
  const isTheirs = runner === undefined && executionLocationId === next.executionLocationId;
  return isTheirs && queue === next.queue && (next.before === undefined || priority < next.before);
};

/** An attempt somebody reported on. */
export interface ReportedAttempt {
  readonly taskKey: string;
  readonly attempt: number;
}

/** An attempt in the hands of a worker. */
export interface InHand extends ReportedAttempt {
  readonly taskIndex: number;
}

/** A worker, and the run it works for as it stands. */
export interface Worker {
  readonly run: Run;
  readonly workerId: WorkerId;
}

/**
 * The attempts that a worker began with its report on another one, told from the events of a commit, as far as it still
 * has them: whoever lost the answer asks again, and is handed them again. Undefined when the report is of another commit.
 */
export const begunWith = (
  events: readonly RecordedEvent[],
  report: ReportedAttempt,
  { run, workerId }: Worker,
): readonly InHand[] | undefined => {
  const known = events.flatMap((event) => asRunEvent(event) ?? []);
  const place = known.findIndex(
    ({ type, data }) =>
      type === 'TaskCompleted' && data.taskKey === report.taskKey && data.attempt === report.attempt,
  );
  if (place < 0) return undefined;
  const followed = untilNextReport(known.slice(place + 1));
  const handedOut = new Set(
    followed.flatMap((event) => (event.type === 'TaskDispatched' ? nameOf(event) : [])),
  );
  return followed
    .flatMap((event) => (event.type === 'TaskStarted' && handedOut.has(nameOf(event)) ? [event.data] : []))
    .filter((started) => started.workerId === workerId && isInHand(run, started, workerId));
};

/** What Sluice gives up along with a report is part of what follows from it, and no report. */
const untilNextReport = (behind: readonly RunEvent[]): readonly RunEvent[] => {
  const end = behind.findIndex(({ type, data }) => type === 'TaskCompleted' && data.failure === undefined);
  return behind.slice(0, end < 0 ? undefined : end);
};

/** Claims that share the commit of a report begin what was handed out, and offered, by an earlier one. */
const nameOf = ({
  data,
}: {
  readonly data: { readonly taskIndex: number; readonly attempt: number };
}): string => `${data.taskIndex}:${data.attempt}`;

const isInHand = (run: Run, { taskIndex, attempt }: InHand, workerId: WorkerId): boolean => {
  if (run.status !== 'RUNNING') return false;
  const task = taskAt(run, taskIndex);
  return task.status === 'RUNNING' && task.attempt === attempt && task.workerId === workerId;
};
