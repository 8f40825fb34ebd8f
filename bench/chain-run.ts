/** The run every measurement uses: ten tasks, each waiting for the one before, that do nothing. */
import { ulid } from 'ulid';
import type { AssetKey, ManifestId, RunId, TaskKey, TenantId, WorkspaceId } from '#contracts/ids.ts';
import type { WorkerId } from '#contracts/runs/callbacks.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import type { CommandRequest } from '#domain/kernel/commit.ts';
import { attemptId, planId } from '#domain/kernel/ids.ts';
import type { RunCommand } from '#domain/run/command.ts';
import { defaultPolicy } from '#domain/run/plan.ts';
import { runStream } from '#domain/run/run-stream.ts';

/** Tasks of a run. */
export const STEPS = 10;

const scope = { tenantId: 'local' as TenantId, workspaceId: 'main' as WorkspaceId };
const worker = 'bench' as WorkerId;

const taskKey = (index: number): TaskKey => `bench.step_${index}` as TaskKey;

/** A plan of so many tasks, one behind the other, or all at once. */
export const benchPlan = (taskCount: number, isChain: boolean): Plan => ({
  defaults: defaultPolicy,
  requiresVisibleOutput: false,
  tasks: Array.from({ length: taskCount }, (_, index) => ({
    key: taskKey(index),
    assetKey: taskKey(index) as string as AssetKey,
    ...(isChain && index > 0 ? { dependsOn: [index - 1] } : {}),
  })),
});

const chain = benchPlan(STEPS, true);

/** Commands for one run, in the order in which they are sent. */
export interface BenchRun {
  readonly stream: string;
  readonly trigger: CommandRequest<RunCommand>;
  readonly claim: (taskIndex: number) => CommandRequest<RunCommand>;
  readonly heartbeat: (taskIndex: number, beat: number) => CommandRequest<RunCommand>;
  readonly complete: (taskIndex: number) => CommandRequest<RunCommand>;
}

/** A run nobody has started yet. */
export const benchRun = (plan: Plan = chain): BenchRun => {
  const runId = `run_${ulid()}` as RunId;
  const stream = runStream({ ...scope, runId });
  const actor = { kind: 'worker' as const, id: worker };
  const request = (commandId: string, command: RunCommand): CommandRequest<RunCommand> => ({
    ...{ stream, command, commandId: `${commandId}:${runId}`, actor },
    correlationId: runId,
  });
  const attempt = (index: number) => ({
    attempt: 1,
    attemptId: attemptId({ runId, taskKey: taskKey(index), attempt: 1 }),
    workerId: worker,
  });
  return {
    stream,
    trigger: request('trigger', { type: 'TriggerRun', header: headerOf(runId), plan }),
    claim: (index) =>
      request(`claim:${index}`, { type: 'ClaimTask', taskKey: taskKey(index), ...attempt(index) }),
    heartbeat: (index, beat) =>
      request(`beat:${index}:${beat}`, {
        type: 'HeartbeatTask',
        taskKey: taskKey(index),
        report: { ...attempt(index), heartbeatAt: new Date(beat).toISOString() },
      }),
    complete: (index) =>
      request(`complete:${index}`, {
        type: 'CompleteTask',
        taskKey: taskKey(index),
        report: { ...attempt(index), outcome: 'SUCCEEDED' },
      }),
  };
};

const headerOf = (runId: RunId): Extract<RunCommand, { readonly type: 'TriggerRun' }>['header'] => ({
  runId,
  planId: planId(runId),
  ...scope,
  manifestId: 'man_00000000000000000000000000' as ManifestId,
  trigger: { type: 'manual', userId: 'bench' },
  rootAssets: [taskKey(STEPS - 1)],
  fingerprint: 'bench',
  labels: {},
  codeVersion: 'bench',
});
