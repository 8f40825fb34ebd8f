/** What a worker needs to do one attempt: the same for those who claim and those who are sent to. */
import type { TaskKey } from '#contracts/ids.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { attemptId, callbackTaskId, dispatchId } from '#domain/kernel/ids.ts';
import { traceparentOf } from '#domain/kernel/trace.ts';
import { isCapable } from '#domain/run/capabilities.ts';
import type { RunOrigin } from '#domain/run/run.ts';
import { policyOf } from '#domain/run/run.ts';
import type { TaskTokens } from '#adapters/tokens/task-token.ts';

/** Which attempt, and where its worker reports. */
export interface EnvelopeOf {
  readonly origin: Pick<RunOrigin, 'header' | 'plan' | 'indexByKey'>;
  readonly taskKey: string;
  readonly attempt: number;
  readonly workerQueue: string;
  readonly callbackBaseUrl: string;
  readonly executionLocationId?: string;
}

/** The envelope of an attempt with a token minted for it alone; throws for a task the plan does not have. */
export const taskEnvelope = async (tokens: TaskTokens, wanted: EnvelopeOf): Promise<DispatchEnvelope> => {
  const { taskKey, attempt, executionLocationId } = wanted;
  const { header, plan, indexByKey } = wanted.origin;
  const index = indexByKey.get(taskKey);
  if (index === undefined) throw new Error('a task that was handed out is not in the plan');
  const ref = { runId: header.runId, taskKey, attempt };
  const scope = {
    taskId: callbackTaskId(ref),
    tenantId: header.tenantId,
    workspaceId: header.workspaceId,
    runId: header.runId,
    attempt,
    attemptId: attemptId(ref),
  };
  const { token, expiresAtMs } = await tokens.mint(scope);
  return {
    ...scope,
    taskKey: taskKey as TaskKey,
    dispatchId: dispatchId(ref),
    ...(executionLocationId === undefined ? {} : { executionLocationId }),
    ...(plan.partitionKey === undefined ? {} : { partitionKey: plan.partitionKey }),
    ...(isCapable(plan, index, 'heartbeat')
      ? { heartbeatTimeoutSec: policyOf(plan, index).heartbeatTimeoutSec }
      : {}),
    workerQueue: wanted.workerQueue,
    callbackBaseUrl: wanted.callbackBaseUrl,
    taskToken: token,
    tokenExpiresAt: new Date(expiresAtMs).toISOString(),
    traceparent: traceparentOf(header, scope.attemptId),
    payload: {},
  };
};
