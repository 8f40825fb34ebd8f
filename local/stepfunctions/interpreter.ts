/**
 * Walks the strands of an execution. A strand is always where its record says: walking one that was restored is
 * the same as walking one that has just entered its state.
 */
import type { State, TaskState } from './definition.ts';
import { rootPath } from './execution.ts';
import { performFanOut } from './fan-out-state.ts';
import { enter, finish, leave, stateIn } from './leaving.ts';
import type { Leaving } from './leaving.ts';
import { performChoice, performFail, performPass, performWait } from './plain-states.ts';
import { catcherFor, nextRetrial } from './retry.ts';
import { close, record, sleepUntil, strandAt } from './run.ts';
import type { Run, Scope } from './run.ts';
import { Abandoned, describedIn, errorOutput, StateError } from './state-error.ts';
import { performTask } from './task-state.ts';

/** Takes a running execution from where it is to its end; never throws. */
export const conduct = async (run: Run, controller: AbortController): Promise<void> => {
  const { execution, machinery } = run;
  const { clock } = machinery.setting;
  const graph = machinery.store.definition(execution.revisionId);
  const scope: Scope = { path: rootPath, graph, signal: controller.signal };
  const timer =
    graph.TimeoutSeconds === undefined
      ? undefined
      : clock.at(execution.startedAtMs + 1_000 * graph.TimeoutSeconds, () => {
          const event = { type: 'ExecutionTimedOut', details: { error: 'States.Timeout' } };
          close(run, { status: 'TIMED_OUT', atMs: clock.nowMs() }, event, 0);
          controller.abort();
        });
  try {
    if (!execution.strands.has(rootPath)) {
      const input: unknown = JSON.parse(execution.inputText);
      enter(run, scope, { state: graph.StartAt, input, variables: {} });
    }
    succeed(run, await walk(run, scope));
  } catch (thrown) {
    if (!(thrown instanceof Abandoned)) fail(run, asFailure(thrown));
  } finally {
    if (timer) clock.cancel(timer);
    controller.abort();
  }
};

const succeed = (run: Run, output: unknown): void => {
  const outputText = JSON.stringify(output);
  const details = { output: outputText, outputDetails: { truncated: false } };
  const atMs = run.machinery.setting.clock.nowMs();
  const lastEventId = strandAt(run, rootPath).lastEventId;
  close(run, { status: 'SUCCEEDED', atMs, outputText }, { type: 'ExecutionSucceeded', details }, lastEventId);
};

const fail = (run: Run, { error, reason }: StateError): void => {
  const named = { error, ...(reason === undefined ? {} : { cause: reason }) };
  const atMs = run.machinery.setting.clock.nowMs();
  const lastEventId = run.execution.strands.get(rootPath)?.lastEventId ?? 0;
  close(run, { status: 'FAILED', atMs, ...named }, { type: 'ExecutionFailed', details: named }, lastEventId);
};

const asFailure = (thrown: unknown): StateError =>
  thrown instanceof StateError
    ? thrown
    : new StateError('States.Runtime', thrown instanceof Error ? thrown.message : String(thrown));

const walk = async (run: Run, scope: Scope): Promise<unknown> => {
  for (;;) {
    const strand = strandAt(run, scope.path);
    if (strand.progress.kind === 'ended') return strand.progress.output;
    if (strand.progress.kind === 'backing-off') {
      await sleepUntil(run, scope, strand.progress.untilMs);
      record(run, scope, { strand: { path: scope.path, progress: { kind: 'entered' } } });
    }
    const leaving = await attempt(run, scope);
    if (leaving) leave(run, scope, leaving);
  }
};

/** Performs the present state once; undefined when it failed and is to be tried again. */
const attempt = async (run: Run, scope: Scope): Promise<Leaving | undefined> => {
  const strand = strandAt(run, scope.path);
  const state = stateIn(scope, strand.state);
  try {
    return await perform(run, scope, state);
  } catch (thrown) {
    if (thrown instanceof Abandoned) throw thrown;
    const raised = asFailure(thrown);
    const failure = describedIn(raised, strand.state, strand.enteredEventId);
    if (raised.error === 'States.QueryEvaluationError' && raised.origin === 'engine')
      recordEvaluation(run, scope, { failure, location: raised.location });
    return await recover(run, scope, failure);
  }
};

const perform = (run: Run, scope: Scope, state: State): Promise<Leaving> => {
  switch (state.Type) {
    case 'Pass':
    case 'Succeed':
      return performPass(run, scope, state);
    case 'Fail':
      return performFail(run, scope, state);
    case 'Wait':
      return performWait(run, scope, state);
    case 'Choice':
      return performChoice(run, scope, state);
    case 'Task':
      return performTask(run, scope, state);
    case 'Parallel':
    case 'Map':
      return performFanOut(run, scope, { state, walk });
  }
};

const recordEvaluation = (
  run: Run,
  scope: Scope,
  { failure, location }: { readonly failure: StateError; readonly location: string | undefined },
): void => {
  const { state } = strandAt(run, scope.path);
  const details = {
    error: failure.error,
    cause: failure.reason,
    state,
    ...(location === undefined ? {} : { location }),
  };
  record(run, scope, { events: [{ type: 'EvaluationFailed', details }], strand: { path: scope.path } });
};

type Handled = Pick<TaskState, 'Retry' | 'Catch'>;

/** Retries, else catches, else throws the failure on. */
const recover = async (run: Run, scope: Scope, failure: StateError): Promise<Leaving | undefined> => {
  const strand = strandAt(run, scope.path);
  const state = stateIn(scope, strand.state);
  const handled: Handled = 'Retry' in state || 'Catch' in state ? state : {};
  const { clock, chance } = run.machinery.setting;
  const retrial = nextRetrial(handled.Retry, failure, { tries: strand.tries, chance });
  if (retrial) {
    const index = String(retrial.index);
    record(run, scope, {
      forget: scope.path,
      strand: {
        path: scope.path,
        tries: { ...strand.tries, [index]: (strand.tries[index] ?? 0) + 1 },
        retryCount: strand.retryCount + 1,
        progress: { kind: 'backing-off', untilMs: clock.nowMs() + retrial.delayMs },
      },
    });
    return undefined;
  }
  const catcher = catcherFor(handled.Catch, failure);
  if (!catcher) throw failure;
  const described = errorOutput(failure);
  return finish(run, strand, {
    source: catcher,
    field: `Catch[${String(catcher.index)}]/`,
    fallback: described,
    next: catcher.Next,
    states: { errorOutput: described },
  });
};
