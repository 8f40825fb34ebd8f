/** Manifests, plans and commands for tests of runs. */
import type { AssetKey, ManifestId, TenantId, WorkspaceId, AttemptId } from '#contracts/ids.ts';
import { RunId, TaskKey } from '#contracts/ids.ts';
import type { CompletedRequest } from '#contracts/runs/callbacks.ts';
import { CompletedRequest as CompletedBody, WorkerId } from '#contracts/runs/callbacks.ts';
import { LimitId } from '#contracts/runs/concurrency.ts';
import type { Plan, TaskPolicy, TriggerRule } from '#contracts/runs/plan.ts';
import type { RunCommand, TriggerRun } from '#domain/run/command.ts';
import { attemptId, planId } from '#domain/kernel/ids.ts';
import { INLINE_WORKER } from '#domain/run/inline.ts';
import { defaultPolicy } from '#domain/run/plan.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { given } from '#test/support/decider.ts';

export const START_MS = 1_767_387_600_000;
export const runId = RunId.parse('run_01JQ8Z3T5N6M7P8Q9R0S1T2V3W');
export const scope = { tenantId: 'acme' as TenantId, workspaceId: 'prod' as WorkspaceId };
export const stream = runStream({ ...scope, runId });
export const worker = (name: string): WorkerId => WorkerId.parse(name);

/** Edges by task name: `{ 'm.b': ['m.a'] }`; names in plan order, upstreams first. */
export type Edges = Readonly<Record<string, readonly string[]>>;

export interface PlanOptions {
  readonly partitionKey?: string;
  readonly policy?: Partial<TaskPolicy>;
  /** Tasks of an in-process runner. */
  readonly inline?: readonly string[];
  /** Rules of tasks that have another than `all_success`. */
  readonly rules?: Readonly<Record<string, TriggerRule>>;
  /** The limits of tasks that have any, in the order of asking. */
  readonly limited?: Readonly<Record<string, readonly string[]>>;
}

/** A plan of these edges; every task is an asset of the same key. */
export const planOf = (
  edges: Edges,
  { partitionKey, policy, inline = [], rules = {}, limited = {} }: PlanOptions = {},
): Plan => {
  const names = Object.keys(edges);
  const limitIds = [...new Set(Object.values(limited).flat())];
  return {
    ...(partitionKey === undefined ? {} : { partitionKey }),
    defaults: { ...defaultPolicy, ...policy },
    requiresVisibleOutput: true,
    ...(limitIds.length === 0
      ? {}
      : { limits: limitIds.map((id) => ({ limitId: LimitId.parse(id), capacity: 1, changeNo: 1 })) }),
    tasks: names.map((name) => {
      const dependsOn = (edges[name] ?? []).map((upstream) => names.indexOf(upstream));
      return {
        key: TaskKey.parse(name),
        assetKey: name as AssetKey,
        ...(dependsOn.length === 0 ? {} : { dependsOn }),
        ...(rules[name] === undefined ? {} : { triggerRule: rules[name] }),
        ...(inline.includes(name) ? { runner: 'noop' as const } : {}),
        ...(limited[name] === undefined ? {} : { limits: limited[name].map((id) => limitIds.indexOf(id)) }),
      };
    }),
  };
};

export const triggerOf = (plan: Plan, header: Partial<TriggerRun['header']> = {}): TriggerRun => ({
  type: 'TriggerRun',
  header: {
    runId,
    planId: planId(runId),
    ...scope,
    manifestId: 'man_00000000000000000000000000' as ManifestId,
    trigger: { type: 'manual', userId: 'ops@acme.example' },
    rootAssets: [plan.tasks[0]?.key ?? ''],
    fingerprint: 'f1',
    labels: {},
    codeVersion: 'git-1',
    ...header,
  },
  plan,
});

/** A run that was just triggered with this plan. */
export const triggered = (plan: Plan, header: Partial<TriggerRun['header']> = {}) =>
  given(runAggregate, { stream, nowMs: START_MS }).after(triggerOf(plan, header));

export const idOf = (taskKey: string, attempt: number): AttemptId => attemptId({ runId, taskKey, attempt });

export const claim = (taskKey: string, workerId = 'wk-1', attempt = 1): RunCommand => ({
  type: 'ClaimTask',
  taskKey: TaskKey.parse(taskKey),
  attempt,
  attemptId: idOf(taskKey, attempt),
  workerId: worker(workerId),
});

export const start = (taskKey: string, workerId = 'wk-1', attempt = 1): RunCommand => ({
  type: 'StartTask',
  taskKey: TaskKey.parse(taskKey),
  report: { attempt, attemptId: idOf(taskKey, attempt), workerId: worker(workerId) },
});

export const beat = (
  taskKey: string,
  more: Partial<Extract<RunCommand, { type: 'HeartbeatTask' }>['report']> = {},
): RunCommand => ({
  type: 'HeartbeatTask',
  taskKey: TaskKey.parse(taskKey),
  report: { attempt: 1, attemptId: idOf(taskKey, more.attempt ?? 1), workerId: worker('wk-1'), ...more },
});

/** A completion body as parsed from the wire. */
export const completion = (
  taskKey: string,
  body: Readonly<Record<string, unknown>> & { readonly outcome: string; readonly attempt?: number },
): CompletedRequest =>
  CompletedBody.parse({
    attempt: 1,
    attemptId: idOf(taskKey, body.attempt ?? 1),
    workerId: 'wk-1',
    ...body,
  });

export const succeed = (taskKey: string, attempt = 1, output?: object): RunCommand => ({
  type: 'CompleteTask',
  taskKey: TaskKey.parse(taskKey),
  report: completion(taskKey, { outcome: 'SUCCEEDED', attempt, ...(output ? { output } : {}) }),
});

export const fail = (taskKey: string, attempt = 1, category = 'USER_CODE'): RunCommand => ({
  type: 'CompleteTask',
  taskKey: TaskKey.parse(taskKey),
  report: completion(taskKey, { outcome: 'FAILED', attempt, error: { category, message: 'it broke' } }),
});

export const grant = (taskKey: string, limitId: string, attempt = 1): RunCommand => ({
  type: 'GrantSlot',
  taskKey: TaskKey.parse(taskKey),
  attempt,
  limitId: LimitId.parse(limitId),
});

/** A limit has heard that an attempt is over. */
export const refused = (taskKey: string, limitId: string, sendNo = 1, attempt = 1): RunCommand => ({
  type: 'NoteSlotRefusal',
  taskKey: TaskKey.parse(taskKey),
  attempt,
  limitId: LimitId.parse(limitId),
  sendNo,
});

export const returned = (taskKey: string, limitId: string, attempt = 1): RunCommand => ({
  type: 'ConfirmSlotReturn',
  taskKey: TaskKey.parse(taskKey),
  attempt,
  limitId: LimitId.parse(limitId),
});

/** An in-process runner has made an attempt; by default it succeeded. */
export const finishInline = (taskKey: string, attempt = 1, category?: string): RunCommand => ({
  type: 'FinishInlineTask',
  taskKey: TaskKey.parse(taskKey),
  report: completion(taskKey, {
    attempt,
    workerId: INLINE_WORKER,
    ...(category === undefined
      ? { outcome: 'SUCCEEDED' }
      : { outcome: 'FAILED', error: { category, message: 'it broke' } }),
  }),
});

/** Somebody asks for the run to end. */
export const cancelRun = (reason?: string): RunCommand => ({
  type: 'CancelRun',
  requestedBy: 'ops@acme.example',
  ...(reason === undefined ? {} : { reason }),
});

/** A worker gives its attempt up. */
export const cancel = (taskKey: string): RunCommand => ({
  type: 'CompleteTask',
  taskKey: TaskKey.parse(taskKey),
  report: completion(taskKey, { outcome: 'CANCELLED' }),
});

export const retry = (taskKey: string, attempt = 1): RunCommand => ({
  type: 'RetryTask',
  taskKey: TaskKey.parse(taskKey),
  attempt,
});

export const sweep = (nowMs: number, ...lostOffers: readonly string[]): RunCommand => ({
  type: 'SweepRun',
  nowMs,
  lostOffers,
});

/** What a sweep does at an instant, before which it does nothing. */
export const sweptAt = (story: ReturnType<typeof triggered>, dueMs: number) => {
  story
    .at(dueMs - 1)
    .when(sweep(dueMs - 1))
    .thenRecordsNothing();
  return story.at(dueMs).when(sweep(dueMs));
};

/** Claims and finishes a task. */
export const finish = (taskKey: string): readonly RunCommand[] => [claim(taskKey), succeed(taskKey)];

/** Somebody says how an output stands. */
export const publish = (
  taskKey: string,
  visibilityState: 'PENDING' | 'VISIBLE' | 'FAILED',
  more: Partial<Extract<RunCommand, { type: 'ReportOutputVisibility' }>['report']> = {},
): RunCommand => ({
  type: 'ReportOutputVisibility',
  taskKey: TaskKey.parse(taskKey),
  report: { attempt: 1, visibilityState, ...more },
});
