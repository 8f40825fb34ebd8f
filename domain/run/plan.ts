/** From a manifest and a request to the frozen plan of a run (asset reference, sections 8.2 and 9). */
import type { ErrorCode } from '#contracts/errors.ts';
import type { AssetKey, ManifestId, RunId, TenantId, WorkspaceId } from '#contracts/ids.ts';
import { TaskKey } from '#contracts/ids.ts';
import { reservedLabels, taskDefaults } from '#contracts/runs/limits.ts';
import type { AssetExecution, DeployManifestRequest, ManifestAsset } from '#contracts/runs/manifest.ts';
import type { Plan, PlanTask, RetryPolicy, TaskPolicy } from '#contracts/runs/plan.ts';
import type { Trigger } from '#contracts/runs/run-events.ts';
import type { TriggerRunRequest } from '#contracts/runs/trigger.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { closure, reversed, topologicalOrder } from '#domain/kernel/graph.ts';
import { planId } from '#domain/kernel/ids.ts';
import { valueOf } from '#domain/kernel/value-of.ts';
import { assetKeyOf, parseAssetKey } from '#domain/manifest/asset-key.ts';
import { deployedConcurrencyKeys, freezeLimits } from '#domain/run/plan-limits.ts';
import { freezeLocations, locationRefusal } from '#domain/run/plan-locations.ts';
import type { InForce } from '#domain/run/plan-locations.ts';
import { tooLarge } from '#domain/run/plan-size.ts';
import { requestFingerprint } from '#domain/run/request-fingerprint.ts';
import { selectionFault } from '#domain/run/selection-fault.ts';
import { normalizePartition } from '#domain/manifest/partition.ts';
import type { PartitionRequest } from '#domain/manifest/partition.ts';
import type { TriggerRun } from '#domain/run/command.ts';

/** A request that became a plan. */
export interface PlannedTrigger {
  readonly kind: 'planned';
  readonly plan: Plan;
  /** The selected assets, canonical, sorted, each once. */
  readonly rootAssets: readonly AssetKey[];
  readonly fingerprint: string;
}

export type PlanResult = PlannedTrigger | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** What every task gets unless its asset says otherwise. */
export const defaultPolicy: TaskPolicy = {
  queue: taskDefaults.queue,
  priority: taskDefaults.priority,
  heartbeatTimeoutSec: taskDefaults.heartbeatTimeoutSec,
  retry: {
    maxAttempts: taskDefaults.maxAttempts,
    baseMs: taskDefaults.baseMs,
    factor: taskDefaults.factor,
    maxMs: taskDefaults.maxMs,
    jitterMs: taskDefaults.jitterMs,
  },
};

type Assets = ReadonlyMap<AssetKey, ManifestAsset>;

/** The assets a manifest has; malformed keys, which none that was deployed has, are left out. */
export const assetsOf = (manifest: DeployManifestRequest): Assets =>
  new Map(
    manifest.assets.flatMap((asset) => {
      const key = assetKeyOf(asset.key);
      return key ? [[key, asset] as const] : [];
    }),
  );

/** The canonical keys of the assets of a manifest. */
export const deployedKeys = (manifest: DeployManifestRequest): ReadonlySet<AssetKey> =>
  new Set(assetsOf(manifest).keys());

/** The plan of these assets as a manifest has them; keys it does not have are left out. */
export const freezePlan = (
  manifest: DeployManifestRequest,
  keys: ReadonlySet<string>,
  partitionKey: string | undefined,
): Plan => freeze(assetsOf(manifest), keys, partitionKey);

/** Plans the run a request asks for under what holds in its workspace, or refuses it; a refusal has reserved nothing. */
export const planRun = (
  manifest: DeployManifestRequest,
  request: TriggerRunRequest,
  { limits = new Map(), locations = [] }: InForce = {},
): PlanResult => {
  const reserved = Object.keys(request.labels).filter((label) => reservedLabels.includes(label));
  if (reserved.length > 0)
    return refuse('invalid_request', `only Sluice sets the label ${reserved.join(', ')}`, { reserved });
  const assets = assetsOf(manifest);
  const roots = selectRoots(assets, request.selection);
  if ('kind' in roots) return roots;
  const partition = partitionOf(assets, roots, request);
  if ('kind' in partition) return partition;
  const frozen = freeze(assets, selected(assets, roots, request), partition.partitionKey);
  const plan = freezeLocations(freezeLimits(frozen, deployedConcurrencyKeys(manifest), limits), locations);
  const rejection = locationRefusal(plan) ?? tooLarge(plan);
  if (rejection) return { kind: 'rejected', rejection };
  return {
    kind: 'planned',
    plan,
    rootAssets: roots,
    fingerprint: requestFingerprint(request, roots, partition),
  };
};

/** Who asks for a run, where, and on which manifest. */
export interface TriggerContext {
  readonly tenantId: TenantId;
  readonly workspaceId: WorkspaceId;
  readonly runId: RunId;
  readonly manifestId: ManifestId;
  readonly codeVersion: string;
  readonly trigger: Trigger;
  readonly traceId?: string | undefined;
}

/** The command that starts a planned run. */
export const triggerRun = (
  { codeVersion, traceId, ...context }: TriggerContext,
  planned: PlannedTrigger,
  request: TriggerRunRequest,
): TriggerRun => ({
  type: 'TriggerRun',
  header: {
    ...context,
    planId: planId(context.runId),
    rootAssets: planned.rootAssets,
    fingerprint: planned.fingerprint,
    labels: request.labels,
    codeVersion,
    ...(request.runKey === undefined ? {} : { runKey: request.runKey }),
    ...(request.timeoutSec === undefined ? {} : { timeoutSec: request.timeoutSec }),
    ...(traceId === undefined ? {} : { traceId }),
  },
  plan: planned.plan,
});

const refuse = (
  code: ErrorCode,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): Extract<PlanResult, { readonly kind: 'rejected' }> => ({
  kind: 'rejected',
  rejection: { code, message, ...(details ? { details } : {}) },
});

const selectRoots = (assets: Assets, selection: readonly string[]) => {
  const roots = new Set<AssetKey>();
  const malformed: string[] = [];
  const unknown: string[] = [];
  for (const text of selection) {
    const key = parseAssetKey(text);
    if (!key) malformed.push(text);
    else if (assets.has(key)) roots.add(key);
    else unknown.push(key);
  }
  const rejection = selectionFault({ malformed, unknown }, 'the manifest');
  return rejection ? ({ kind: 'rejected', rejection } as const) : [...roots].sort();
};

const requestedPartition = ({
  partitions,
  partitionKey,
}: TriggerRunRequest): PartitionRequest | undefined => {
  if (partitions !== undefined) return { partitions };
  return partitionKey === undefined ? undefined : { partitionKey };
};

const partitionOf = (assets: Assets, roots: readonly AssetKey[], request: TriggerRunRequest) => {
  const partition = requestedPartition(request);
  if (!partition) return {};
  const kinds = new Map(
    roots.map((key) => {
      const dimensions = valueOf(assets, key).partitioning?.dimensions ?? [];
      return [canonicalJson(dimensions), dimensions] as const;
    }),
  );
  if (kinds.size > 1)
    return refuse('invalid_partition', 'the selected assets are partitioned differently; run them apart');
  const dimensions = [...kinds.values()].flat();
  if (dimensions.length === 0)
    return refuse('invalid_partition', 'the selected assets have no partitions; leave the partition out');
  const result = normalizePartition(dimensions, partition);
  return result.kind === 'fault'
    ? refuse('invalid_partition', result.message, result.details)
    : { partitionKey: result.key };
};

/** The assets an asset is made from; malformed keys are left out. */
export const dependenciesOf = (asset: ManifestAsset): readonly AssetKey[] =>
  (asset.dependencies ?? []).flatMap(({ upstreamKey }) => assetKeyOf(upstreamKey) ?? []);

const selected = (
  assets: Assets,
  roots: readonly AssetKey[],
  { includeUpstream, includeDownstream }: TriggerRunRequest,
): ReadonlySet<string> => {
  const graph = new Map([...assets].map(([key, asset]) => [key as string, dependenciesOf(asset)]));
  return new Set([
    ...roots,
    ...(includeUpstream ? closure(graph, roots) : []),
    ...(includeDownstream ? closure(reversed(graph), roots) : []),
  ]);
};

/** Tasks in topological order, ties by key, so that every edge points backwards. */
const freeze = (assets: Assets, keys: ReadonlySet<string>, partitionKey: string | undefined): Plan => {
  const members = [...assets].filter(([key]) => keys.has(key));
  const graph = new Map(members.map(([key, asset]) => [key as string, dependenciesOf(asset)]));
  const order = topologicalOrder(graph);
  const indexOf = new Map(order.map((key, index) => [key, index]));
  const byKey = new Map<string, ManifestAsset>(members);
  const tasks = order.map((key) => planTask(key, valueOf(byKey, key), indexOf));
  return {
    ...(partitionKey === undefined ? {} : { partitionKey }),
    defaults: defaultPolicy,
    requiresVisibleOutput: true,
    tasks,
  };
};

const planTask = (key: string, asset: ManifestAsset, indexOf: ReadonlyMap<string, number>): PlanTask => {
  const upstreams = new Set(dependenciesOf(asset).flatMap((upstream) => indexOf.get(upstream) ?? []));
  const dependsOn = [...upstreams].sort((left, right) => left - right);
  const { runner, triggerRule, concurrencyKey: _key, ...execution } = asset.execution ?? {};
  const policy = ownPolicy(execution);
  const taskKey = TaskKey.parse(key);
  return {
    key: taskKey,
    ...(dependsOn.length === 0 ? {} : { dependsOn }),
    assetKey: key as AssetKey,
    ...(Object.keys(policy).length === 0 ? {} : { policy }),
    // Left out where they are the default, so that plans which name none keep their hash.
    ...(triggerRule === undefined || triggerRule === 'all_success' ? {} : { triggerRule }),
    ...(runner === undefined || runner === 'worker' ? {} : { runner }),
  };
};

const ownPolicy = ({
  retry,
  ...rest
}: Omit<AssetExecution, 'runner' | 'triggerRule' | 'concurrencyKey'>): NonNullable<PlanTask['policy']> => ({
  ...rest,
  ...(retry === undefined ? {} : { retry: withDefaults(retry) }),
});

const withDefaults = (retry: NonNullable<AssetExecution['retry']>): RetryPolicy => {
  const given = defaultPolicy.retry;
  return {
    maxAttempts: retry.maxAttempts ?? given.maxAttempts,
    baseMs: retry.baseMs ?? given.baseMs,
    factor: retry.factor ?? given.factor,
    maxMs: retry.maxMs ?? given.maxMs,
    jitterMs: retry.jitterMs ?? given.jitterMs,
    ...(retry.retryOn === undefined ? {} : { retryOn: retry.retryOn }),
  };
};
