/** What a request takes of a run to run it again, and what that is known by (asset reference, section 8.4). */
import { reservedLabels } from '#contracts/runs/limits.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import type { TaskRead } from '#contracts/runs/read.ts';
import type { RerunKind, RerunRequest } from '#contracts/runs/rerun.ts';
import type { RunState } from '#contracts/runs/states.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { closure, reversed } from '#domain/kernel/graph.ts';
import type { Dependencies } from '#domain/kernel/graph.ts';
import { rerunFingerprint, rerunKey } from '#domain/kernel/rerun-ids.ts';
import { parseAssetKey } from '#domain/manifest/asset-key.ts';
import { plannedTask } from '#domain/run/run.ts';
import type { RunOrigin } from '#domain/run/run.ts';
import { selectionFault } from '#domain/run/selection-fault.ts';

/** The run that is run again, as the ledger has it. */
export interface ParentRun extends Pick<RunOrigin, 'header' | 'plan'> {
  /** As readers see it. */
  readonly state: RunState;
  readonly tasks: readonly Pick<TaskRead, 'taskKey' | 'state' | 'outputVisibilityState'>[];
}

/** What a rerun takes and what it is known by, whatever is deployed now. */
export interface AskedRerun {
  readonly kind: 'asked';
  /** Sorted. */
  readonly taskKeys: readonly string[];
  readonly rerunKind: RerunKind;
  readonly labels: Readonly<Record<string, string>>;
  readonly fingerprint: string;
  /** The run key of a generation of this rerun, from 1 on, for requests that name none. */
  readonly keyOf: (generation: number) => string;
}

type Refusal = { readonly kind: 'rejected'; readonly rejection: Rejection };

/** States from which a run is run again where it failed. */
const UNSUCCESSFUL: readonly RunState[] = ['FAILED', 'CANCELLED', 'TIMED_OUT'];

/**
 * Reads what a request asks to run again, or refuses it. `fromFailure` takes every task that did not succeed, or whose
 * output could not be made visible; `subset` takes a selection with its closure over the parent's edges.
 */
export const askRerun = (parent: ParentRun, request: RerunRequest): AskedRerun | Refusal => {
  const reserved = Object.keys(request.labels).filter((label) => reservedLabels.includes(label));
  if (reserved.length > 0)
    return refuse('invalid_request', `only Sluice sets the label ${reserved.join(', ')}`, { reserved });
  const chosen = request.mode === 'fromFailure' ? unsucceeded(parent) : subset(parent, request);
  if ('kind' in chosen) return chosen;
  const { runId } = parent.header;
  const rerunKind = request.mode === 'fromFailure' ? 'FROM_FAILURE' : 'SUBSET';
  const labels = { ...request.labels, 'arco.parent_run_id': runId, 'arco.rerun.kind': rerunKind };
  const { partitionKey } = parent.plan;
  const named = {
    parentRunId: runId,
    rerunKind,
    selectedTasks: chosen.taskKeys,
    partitionKeys: partitionKey === undefined ? [] : [partitionKey],
  } as const;
  const isLatest = request.codeVersion === 'latest';
  return {
    kind: 'asked',
    taskKeys: chosen.taskKeys,
    rerunKind,
    labels,
    fingerprint: rerunFingerprint({ ...named, ...chosen, labels, isLatest }),
    keyOf: (generation) => rerunKey(named, generation),
  };
};

interface Chosen {
  readonly taskKeys: readonly string[];
  /** What the request named; for `fromFailure` the tasks themselves. */
  readonly roots: readonly string[];
  readonly includeUpstream: boolean;
  readonly includeDownstream: boolean;
}

const refuse = (
  code: Rejection['code'],
  message: string,
  details: Readonly<Record<string, unknown>>,
): Refusal => ({ kind: 'rejected', rejection: { code, message, details } });

const unsucceeded = ({ state, tasks }: ParentRun): Chosen | Refusal => {
  if (!UNSUCCESSFUL.includes(state)) {
    const advice = state === 'SUCCEEDED' ? '' : 'wait for its end, or ';
    return refuse(
      'rerun_not_allowed',
      `a run that is ${state} has nothing to make good; ${advice}rerun a subset of it`,
      { state },
    );
  }
  const taskKeys = tasks
    .filter((task) => task.state !== 'SUCCEEDED' || task.outputVisibilityState === 'FAILED')
    .map(({ taskKey }) => taskKey)
    .sort();
  // What was running when somebody asked for the end, or when time was up, may still have succeeded.
  if (taskKeys.length === 0)
    return refuse(
      'rerun_not_allowed',
      `the run is ${state}, and all of its tasks have succeeded; rerun a subset of it`,
      { state },
    );
  return { taskKeys, roots: taskKeys, includeUpstream: false, includeDownstream: false };
};

const subset = ({ plan }: ParentRun, request: RerunRequest): Chosen | Refusal => {
  const known = new Set<string>(plan.tasks.map(({ key }) => key));
  const roots = new Set<string>();
  const malformed: string[] = [];
  const unknown: string[] = [];
  for (const text of request.selection ?? []) {
    const key = parseAssetKey(text);
    if (key === undefined) malformed.push(text);
    else if (known.has(key)) roots.add(key);
    else unknown.push(key);
  }
  if (roots.size + malformed.length + unknown.length === 0)
    return refuse('invalid_selection', 'the selection names no task of the run', { malformed, unknown });
  const rejection = selectionFault({ malformed, unknown }, 'the run');
  if (rejection) return { kind: 'rejected', rejection };
  const { includeUpstream, includeDownstream } = request;
  const graph = plannedUpstreams(plan);
  const taken = new Set([
    ...roots,
    ...(includeUpstream ? closure(graph, [...roots]) : []),
    ...(includeDownstream ? closure(reversed(graph), [...roots]) : []),
  ]);
  return { taskKeys: [...taken].sort(), roots: [...roots].sort(), includeUpstream, includeDownstream };
};

/** The upstreams of each task of a plan. */
export const plannedUpstreams = (plan: Plan): Dependencies =>
  new Map(
    plan.tasks.map(({ key, dependsOn = [] }) => [
      key,
      dependsOn.map((upstream) => plannedTask(plan, upstream).key),
    ]),
  );
