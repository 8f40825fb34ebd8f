/** One running execution: the means by which its strands record progress, wait and see that they are over. */
import { setMaxListeners } from 'node:events';
import type { EngineSetting } from '#local/kernel/engine.ts';
import type { StateGraph } from './definition.ts';
import type { Change, Closing, Execution, HistoryEvent, Strand } from './execution.ts';
import { historyEventsMax } from './execution.ts';
import type { Evaluate } from './expression.ts';
import { Abandoned, StateError } from './state-error.ts';
import type { Store } from './store.ts';

/** What a task may know of the execution it works for. */
export interface TaskExecution {
  readonly arn: string;
  readonly name: string;
  readonly stateName: string;
  /** Under which the machine acts. */
  readonly roleArn: string;
  /** Aborted when the answer is no longer wanted: timeout, stopped execution, failed sibling. */
  readonly signal: AbortSignal;
}

/** Calls a resource and gives its JSON answer; throws a `StateError` (or any error) when it fails. */
export type RunTask = (resource: string, input: unknown, execution: TaskExecution) => Promise<unknown>;

export interface StatesSetting extends EngineSetting {
  readonly runTask: RunTask;
}

/** What all executions of an engine share. */
export interface Machinery {
  readonly setting: StatesSetting;
  readonly store: Store;
  readonly evaluate: Evaluate;
  /** Strands that wait for the answer of a task, by `wakeKey`. */
  readonly wakers: Map<string, () => void>;
}

export interface Run {
  readonly machinery: Machinery;
  readonly execution: Execution;
}

/** Where a strand runs: its path, its states, and the signal that ends it. */
export interface Scope {
  readonly path: string;
  readonly graph: StateGraph;
  readonly signal: AbortSignal;
  /** The Map state this strand is an iteration of. */
  readonly iterationOf?: string;
}

/** An event before it has its number. */
export interface DraftEvent {
  readonly type: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export type Draft = Omit<Change, 'events'> & {
  readonly events?: readonly DraftEvent[];
  /** Where the chain of events goes on; the strand's own last event when absent. */
  readonly previousEventId?: number;
};

/** Number the next event of the execution will get. */
export const nextEventId = (run: Run): number => run.execution.events.length + 1;

/** The strand at a path; it exists from its first state to the end of the state that made it. */
export const strandAt = (run: Run, path: string): Strand => {
  const strand = run.execution.strands.get(path);
  if (!strand) throw new Abandoned();
  return strand;
};

/** Records a change of a strand; a strand that is over, or a full history, ends here instead. */
export const record = (run: Run, scope: Pick<Scope, 'path' | 'signal'>, draft: Draft): void => {
  if (run.execution.status !== 'RUNNING' || scope.signal.aborted) throw new Abandoned();
  const count = run.execution.events.length + (draft.events?.length ?? 0);
  if (count >= historyEventsMax) {
    throw new StateError(
      'States.Runtime',
      `The execution reached the maximum number of history events (${String(historyEventsMax)}).`,
    );
  }
  append(run, scope.path, draft);
};

/** Closes the execution: always possible, because the history keeps room for the closing event. */
export const close = (run: Run, closing: Closing, event: DraftEvent, previousEventId: number): void => {
  if (run.execution.status !== 'RUNNING') return;
  append(run, '', { events: [event], closing, previousEventId });
};

const append = (run: Run, path: string, draft: Draft): void => {
  const { execution, machinery } = run;
  const { events: drafts = [], previousEventId, ...rest } = draft;
  const atMs = machinery.setting.clock.nowMs();
  const first = nextEventId(run);
  const before = previousEventId ?? execution.strands.get(path)?.lastEventId ?? 0;
  const events: readonly HistoryEvent[] = drafts.map((event, index) => ({
    id: first + index,
    previousEventId: index === 0 ? before : first + index - 1,
    atMs,
    ...event,
  }));
  machinery.store.change(execution, { events, ...rest });
};

/** Resolves at the instant, or throws when the strand ends before. */
export const sleepUntil = (run: Run, scope: Pick<Scope, 'signal'>, atMs: number): Promise<void> => {
  const { clock } = run.machinery.setting;
  return new Promise((resolve, reject) => {
    if (scope.signal.aborted) {
      reject(new Abandoned());
      return;
    }
    const stop = (): void => {
      clock.cancel(timer);
      reject(new Abandoned());
    };
    const timer = clock.at(atMs, () => {
      scope.signal.removeEventListener('abort', stop);
      resolve();
    });
    scope.signal.addEventListener('abort', stop, { once: true });
  });
};

/** What ends a group of strands; any number of them may listen. */
export const endOfStrands = (): AbortController => {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
};

/** Names a strand among all executions. */
export const wakeKey = (execution: Execution, path: string): string => `${execution.arn} ${path}`;
