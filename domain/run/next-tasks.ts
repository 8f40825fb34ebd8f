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

const isFor = (draft: Draft, dispatched: Dispatch, { queue, before }: NextTasks): boolean => {
  const { taskIndex, runner, priority } = dispatched;
  const isOffered = runner === undefined && locationOf(originOf(draft.run).plan, taskIndex) === undefined;
  return isOffered && dispatched.queue === queue && (before === undefined || priority < before);
};

/** An attempt in the hands of a worker. */
export interface InHand {
  readonly taskKey: string;
  readonly attempt: number;
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
  report: InHand,
  { run, workerId }: Worker,
): readonly InHand[] | undefined => {
  const known = events.flatMap((event) => asRunEvent(event) ?? []);
  const place = known.findIndex(
    ({ type, data }) =>
      type === 'TaskCompleted' && data.taskKey === report.taskKey && data.attempt === report.attempt,
  );
  if (place < 0) return undefined;
  const behind = known.slice(place + 1);
  const end = behind.findIndex(({ type }) => type === 'TaskCompleted');
  return behind
    .slice(0, end < 0 ? undefined : end)
    .flatMap(({ type, data }) => (type === 'TaskStarted' && data.workerId === workerId ? [data] : []))
    .filter((started) => isInHand(run, started, workerId));
};

const isInHand = (
  run: Run,
  { taskIndex, attempt }: { readonly taskIndex: number; readonly attempt: number },
  workerId: WorkerId,
): boolean => {
  if (run.status !== 'RUNNING') return false;
  const task = taskAt(run, taskIndex);
  return task.status === 'RUNNING' && task.attempt === attempt && task.workerId === workerId;
};
