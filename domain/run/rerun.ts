/** From a run that ended to the plan of another that makes good what it left (asset reference, section 8.4). */
import type { ManifestId } from '#contracts/ids.ts';
import type { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import { reservedLabels } from '#contracts/runs/limits.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import type { TaskRead } from '#contracts/runs/read.ts';
import type { RerunKind, RerunRequest } from '#contracts/runs/rerun.ts';
import type { RunState } from '#contracts/runs/states.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { closure, reversed } from '#domain/kernel/graph.ts';
import { rerunFingerprint, rerunKey } from '#domain/kernel/rerun-ids.ts';
import { parseAssetKey } from '#domain/manifest/asset-key.ts';
import { deployedKeys, freezePlan } from '#domain/run/plan.ts';
import type { InForce } from '#domain/run/plan-locations.ts';
import { deployedConcurrencyKeys, freezeLimits, plannedConcurrencyKeys } from '#domain/run/plan-limits.ts';
import { freezeLocations } from '#domain/run/plan-locations.ts';
import { plannedTask } from '#domain/run/run.ts';
import type { RunOrigin } from '#domain/run/run.ts';

/** The run that is run again, as the ledger has it. */
export interface ParentRun extends Pick<RunOrigin, 'header' | 'plan'> {
  /** As readers see it. */
  readonly state: RunState;
  readonly tasks: readonly Pick<TaskRead, 'taskKey' | 'state' | 'outputVisibilityState'>[];
}

/** What tasks are taken from when the request asks for the latest code. */
export interface LatestCode {
  readonly manifest: DeployManifestRequest;
  readonly manifestId: ManifestId;
  readonly codeVersion: string;
}

/** What a rerun is planned under: what holds in its workspace now, whichever code it takes. */
export interface RerunContext extends InForce {
  /** Absent, the parent's code. */
  readonly latest?: LatestCode | undefined;
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

export type RerunResult = { readonly kind: 'planned'; readonly plan: Plan } | Refusal;

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

/** Plans a rerun with the code of its parent, or with the latest, or refuses it. What is not taken counts as satisfied. */
export const planRerun = (
  parent: ParentRun,
  { taskKeys }: Pick<AskedRerun, 'taskKeys'>,
  { latest, limits = new Map(), locations = [] }: RerunContext = {},
): RerunResult => {
  const taken = latest ? latestPlan(parent.plan, taskKeys, latest) : parentPlan(parent.plan, taskKeys);
  if ('kind' in taken) return taken;
  const keys = latest ? deployedConcurrencyKeys(latest.manifest) : plannedConcurrencyKeys(parent.plan);
  return { kind: 'planned', plan: freezeLocations(freezeLimits(taken, keys, limits), locations) };
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
  if (!UNSUCCESSFUL.includes(state))
    return refuse(
      'rerun_not_allowed',
      `a run that is ${state} has nothing to make good; wait for its end, or rerun a subset of it`,
      { state },
    );
  const taskKeys = tasks
    .filter((task) => task.state !== 'SUCCEEDED' || task.outputVisibilityState === 'FAILED')
    .map(({ taskKey }) => taskKey)
    .sort();
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
  if (malformed.length + unknown.length > 0)
    return refuse(
      'invalid_selection',
      `not in the run, or malformed: ${[...malformed, ...unknown].join(', ')}`,
      { malformed, unknown },
    );
  const { includeUpstream, includeDownstream } = request;
  const graph = new Map(
    plan.tasks.map(({ key, dependsOn = [] }) => [
      key as string,
      dependsOn.map((upstream) => plannedTask(plan, upstream).key as string),
    ]),
  );
  const taken = new Set([
    ...roots,
    ...(includeUpstream ? closure(graph, [...roots]) : []),
    ...(includeDownstream ? closure(reversed(graph), [...roots]) : []),
  ]);
  return { taskKeys: [...taken].sort(), roots: [...roots].sort(), includeUpstream, includeDownstream };
};

/** The parent's tasks as they were, with the edges among them; its limits are frozen anew. */
const parentPlan = (plan: Plan, taskKeys: readonly string[]): Plan => {
  const taken = new Set(taskKeys);
  const places = new Map<number, number>();
  for (const [index, { key }] of plan.tasks.entries()) if (taken.has(key)) places.set(index, places.size);
  return {
    ...plan,
    tasks: [...places.keys()].map((index) => {
      const { dependsOn = [], ...task } = plannedTask(plan, index);
      const kept = dependsOn.flatMap((upstream) => places.get(upstream) ?? []);
      return { ...task, ...(kept.length === 0 ? {} : { dependsOn: kept }) };
    }),
  };
};

/** The same assets as they are deployed now, edges, rules and policies included. */
const latestPlan = (
  { partitionKey }: Plan,
  taskKeys: readonly string[],
  { manifest }: LatestCode,
): Plan | Refusal => {
  const deployed: ReadonlySet<string> = deployedKeys(manifest);
  const unknown = taskKeys.filter((key) => !deployed.has(key));
  return unknown.length > 0
    ? refuse(
        'invalid_selection',
        `the current manifest does not have ${unknown.join(', ')}; rerun with the parent's code`,
        { malformed: [], unknown },
      )
    : freezePlan(manifest, new Set(taskKeys), partitionKey);
};
