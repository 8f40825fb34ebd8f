/**
 * Parallel and Map: child strands with variables of their own. What has ended stays ended over a restart; the
 * first failure that is not tolerated ends the others and fails the state.
 */
import type { MapState, ParallelState, StateGraph } from './definition.ts';
import type { FanOutLimits, Strand } from './execution.ts';
import { queryError } from './expression.ts';
import { bindingsOf, enter, finish, iterationEvent } from './leaving.ts';
import type { Leaving } from './leaving.ts';
import { endOfStrands, record, strandAt } from './run.ts';
import type { Run, Scope } from './run.ts';
import { Abandoned, StateError } from './state-error.ts';

/** Iterations an inline Map runs at once when it does not say, and at most. */
const concurrencyMax = 40;
const abortable: ReadonlySet<string> = new Set(['Task', 'Wait', 'Parallel', 'Map']);

/** Walks one strand to its end and gives its output. */
export type Walk = (run: Run, scope: Scope) => Promise<unknown>;

/** Runs the branches or iterations and gives their outputs in order; a tolerated failure gives null. */
export const performFanOut = async (
  run: Run,
  scope: Scope,
  { state, walk }: { readonly state: MapState | ParallelState; readonly walk: Walk },
): Promise<Leaving> => {
  if (strandAt(run, scope.path).progress.kind === 'entered') await fanOut(run, scope, state);
  const strand = strandAt(run, scope.path);
  if (strand.progress.kind !== 'fanned-out') throw new Abandoned();
  const inner = endOfStrands();
  const stop = (): void => inner.abort();
  scope.signal.addEventListener('abort', stop, { once: true });
  let result: readonly unknown[];
  try {
    result = await runChildren(run, scope, { state, walk, strand, signal: inner.signal });
  } catch (thrown) {
    inner.abort();
    if (thrown instanceof StateError) recordFailure(run, scope, state);
    throw thrown;
  } finally {
    scope.signal.removeEventListener('abort', stop);
  }
  record(run, scope, { events: [{ type: `${state.Type}StateSucceeded` }], strand: { path: scope.path } });
  return finish(run, strand, { source: state, fallback: result, next: state.Next, states: { result } });
};

const fanOut = async (run: Run, scope: Scope, state: MapState | ParallelState): Promise<void> => {
  const strand = strandAt(run, scope.path);
  const { evaluate } = run.machinery;
  const bindings = bindingsOf(run, strand);
  const evaluated = (template: unknown, field: string): Promise<unknown> =>
    template === undefined ? Promise.resolve(strand.input) : evaluate(template, bindings, field);
  let inputs: readonly unknown[];
  let limits: FanOutLimits;
  if (state.Type === 'Parallel') {
    inputs = [await evaluated(state.Arguments, 'Arguments')];
    limits = { concurrencyMax: state.Branches.length };
  } else {
    const items = await evaluated(state.Items, 'Items');
    if (!Array.isArray(items)) throw queryError('the Items of a Map must be a list', 'Items');
    inputs = items;
    limits = await limitsOf(state, items.length, evaluated);
  }
  const details = state.Type === 'Map' ? { details: { length: inputs.length } } : {};
  record(run, scope, {
    events: [{ type: `${state.Type}StateStarted`, ...details }],
    strand: { path: scope.path, progress: { kind: 'fanned-out', inputs, limits } },
  });
};

const limitsOf = async (
  state: MapState,
  count: number,
  evaluate: (template: unknown, field: string) => Promise<unknown>,
): Promise<FanOutLimits> => {
  const numberOf = async (
    field: 'MaxConcurrency' | 'ToleratedFailureCount' | 'ToleratedFailurePercentage',
  ): Promise<number | undefined> => {
    if (state[field] === undefined) return undefined;
    const value = await evaluate(state[field], field);
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
    throw queryError(`${field} must be a whole number of at least 0, not ${String(value)}`, field);
  };
  const concurrency = await numberOf('MaxConcurrency');
  const failures = await numberOf('ToleratedFailureCount');
  const percentage = await numberOf('ToleratedFailurePercentage');
  const share = percentage === undefined ? Infinity : Math.floor((percentage * count) / 100);
  const toleratedMax = Math.min(failures ?? Infinity, share);
  return {
    concurrencyMax: Math.min(
      concurrency === 0 ? concurrencyMax : (concurrency ?? concurrencyMax),
      concurrencyMax,
    ),
    ...(toleratedMax === Infinity ? {} : { toleratedMax }),
  };
};

interface Children {
  readonly state: MapState | ParallelState;
  readonly walk: Walk;
  /** The parent as it was when it fanned out. */
  readonly strand: Strand;
  readonly signal: AbortSignal;
}

const runChildren = async (run: Run, scope: Scope, children: Children): Promise<readonly unknown[]> => {
  const { state, strand } = children;
  if (strand.progress.kind !== 'fanned-out') throw new Abandoned();
  const { inputs, limits } = strand.progress;
  const count = state.Type === 'Parallel' ? state.Branches.length : inputs.length;
  const outputs = new Array<unknown>(count).fill(null);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++)
      outputs[index] = await runChild(run, scope, { ...children, index, limits });
  };
  await Promise.all(Array.from({ length: Math.min(limits.concurrencyMax, count) }, work));
  return outputs;
};

const runChild = async (
  run: Run,
  scope: Scope,
  child: Children & { readonly index: number; readonly limits: FanOutLimits },
): Promise<unknown> => {
  const { state, walk, signal, index } = child;
  const path = `${scope.path}.${String(index)}`;
  const inner: Scope = {
    path,
    graph: graphOf(state, index),
    signal,
    ...(state.Type === 'Map' ? { iterationOf: child.strand.state } : {}),
  };
  if (!run.execution.strands.has(path)) await startChild(run, inner, { ...child, parentPath: scope.path });
  if (strandAt(run, path).progress.kind === 'tolerated') return null;
  try {
    return await walk(run, inner);
  } catch (thrown) {
    if (!(thrown instanceof StateError) || state.Type === 'Parallel') throw thrown;
    bearFailure(run, inner, { ...child, parentPath: scope.path, failure: thrown });
    return null;
  }
};

const graphOf = (state: MapState | ParallelState, index: number): StateGraph => {
  const graph = state.Type === 'Map' ? state.ItemProcessor : state.Branches[index];
  if (!graph) throw new StateError('States.Runtime', `there is no branch ${String(index)}`);
  return graph;
};

const startChild = async (
  run: Run,
  scope: Scope,
  child: Children & { readonly index: number; readonly parentPath: string },
): Promise<void> => {
  const { state, strand, index } = child;
  if (strand.progress.kind !== 'fanned-out') throw new Abandoned();
  const { inputs } = strand.progress;
  if (state.Type === 'Parallel') {
    enter(run, scope, {
      state: scope.graph.StartAt,
      input: inputs[0],
      variables: strand.variables,
      previousEventId: strandAt(run, child.parentPath).lastEventId,
      ...(strand.item === undefined ? {} : { item: strand.item }),
    });
    return;
  }
  const item = { Index: index, Value: inputs[index] };
  const input =
    state.ItemSelector === undefined
      ? item.Value
      : await run.machinery.evaluate(
          state.ItemSelector,
          bindingsOf(run, { ...strand, item }),
          'ItemSelector',
        );
  enter(run, scope, {
    state: scope.graph.StartAt,
    input,
    variables: strand.variables,
    item,
    before: [iterationEvent('Started', strand.state, scope.path)],
    previousEventId: strandAt(run, child.parentPath).lastEventId,
  });
};

/** Records a failed iteration, then bears it or throws what the state fails with. */
const bearFailure = (
  run: Run,
  scope: Scope,
  {
    strand,
    limits,
    parentPath,
    failure,
  }: {
    readonly strand: Strand;
    readonly limits: FanOutLimits;
    readonly parentPath: string;
    readonly failure: StateError;
  },
): void => {
  const events = [iterationEvent('Failed', strand.state, scope.path)];
  const { toleratedMax } = limits;
  record(run, scope, {
    events,
    strand: { path: scope.path, ...(toleratedMax === undefined ? {} : { progress: { kind: 'tolerated' } }) },
  });
  if (toleratedMax === undefined) throw failure;
  const failed = [...run.execution.strands.values()].filter(
    ({ path, progress }) =>
      progress.kind === 'tolerated' && path.slice(0, path.lastIndexOf('.')) === parentPath,
  );
  if (failed.length > toleratedMax) {
    throw new StateError(
      'States.ExceedToleratedFailureThreshold',
      'The specified tolerated failure threshold was exceeded',
      { origin: 'stated' },
    );
  }
};

/** History of a failed state: first the strands it cuts short, the deepest first, then itself. */
const recordFailure = (run: Run, scope: Scope, state: MapState | ParallelState): void => {
  const below = [...run.execution.strands.values()]
    .filter(({ path, progress }) => {
      const isOver = progress.kind === 'ended' || progress.kind === 'tolerated';
      return path.startsWith(`${scope.path}.`) && !isOver;
    })
    .sort((one, other) => other.path.length - one.path.length);
  for (const strand of below) {
    if (!abortable.has(strand.type)) continue;
    const events = [{ type: `${strand.type}StateAborted` }];
    record(run, { path: strand.path, signal: scope.signal }, { events });
  }
  record(run, scope, { events: [{ type: `${state.Type}StateFailed` }], strand: { path: scope.path } });
};
