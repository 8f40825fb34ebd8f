/**
 * Hands ready tasks to a worker. An offer is taken by a conditional delete, so one of all who try gets it; the
 * claim command is the start of the attempt, and only after it is recorded the token is minted. An offer that was
 * taken and not recorded is offered again by the sweeper.
 */
import { ClaimRequest } from '#contracts/runs/claim.ts';
import type { ClaimResponse, DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { AttemptId, RunId, TaskKey, TenantId, WorkspaceId } from '#contracts/ids.ts';
import { callbackTaskId, dispatchId } from '#domain/kernel/ids.ts';
import type { Offer, Offers } from '#domain/ports/control.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { runAggregate, runStream } from '#domain/run/run-aggregate.ts';
import { originOf, policyOf } from '#domain/run/run.ts';
import type { Run } from '#domain/run/run.ts';
import type { TaskTokens } from '#adapters/tokens/task-token.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { callerOf } from '#functions/shared/request.ts';

export interface ClaimPorts {
  readonly offers: Offers;
  readonly mailbox: Mailbox;
  readonly tokens: TaskTokens;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
  readonly sleep: (waitMs: number) => Promise<void>;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** Answers up to `maxTasks` tasks, waiting up to `waitMs` for the first. */
export const claimTasks =
  (ports: ClaimPorts) =>
  async (request: ApiRequest): Promise<ApiReply> => {
    const { tenantId, workspaceId } = callerOf(request);
    const wish = parseBody(ClaimRequest, request.body);
    refuseSecrets(request.body);
    const untilMs = ports.nowMs() + wish.waitMs;
    const place = { tenantId, workspaceId, queue: wish.queue };
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const tasks = await claimOnce(ports, { place, wish, request });
      const leftMs = untilMs - ports.nowMs();
      if (tasks.length > 0 || leftMs <= 0) return { status: 200, body: { tasks } satisfies ClaimResponse };
      await ports.sleep(Math.min(pauseMs, leftMs));
    }
  };

interface Claim {
  readonly place: { readonly tenantId: string; readonly workspaceId: string; readonly queue: string };
  readonly wish: ClaimRequest;
  readonly request: ApiRequest;
}

const claimOnce = async (ports: ClaimPorts, claim: Claim): Promise<DispatchEnvelope[]> => {
  const { maxTasks } = claim.wish;
  const tasks: DispatchEnvelope[] = [];
  // A few more than asked for: some may be taken by others or be out of date.
  for (const offer of await ports.offers.peek(claim.place, maxTasks * 2)) {
    if (tasks.length === maxTasks) break;
    try {
      if (!(await ports.offers.take(offer))) continue;
      const task = await startAttempt(ports, claim, offer);
      if (task) tasks.push(task);
    } catch (error) {
      // What was started must reach the worker: a fault behind the first task ends the claim and not the answer.
      if (tasks.length === 0) throw error;
      logCutShort(ports.telemetry, offer, error);
      break;
    }
  }
  return tasks;
};

const logCutShort = (telemetry: Telemetry, { runId, taskKey, attempt }: Offer, error: unknown): void =>
  telemetry.log('error', 'a claim was cut short; the sweeper offers the task again', {
    runId,
    taskKey,
    attempt,
    errorMessage: error instanceof Error ? error.message : String(error),
  });

const startAttempt = async (
  ports: ClaimPorts,
  { wish, request }: Claim,
  offer: Offer,
): Promise<DispatchEnvelope | undefined> => {
  const { runId, taskKey, attempt, attemptId } = offer;
  const outcome = await ports.mailbox.send(runAggregate, {
    stream: runStream(offer),
    command: {
      type: 'ClaimTask',
      taskKey: taskKey as TaskKey,
      attempt,
      attemptId: attemptId as AttemptId,
      workerId: wish.workerId,
    },
    commandId: `claim:${attemptId}:${request.requestId}`,
    actor: { kind: 'worker', id: wish.workerId },
    correlationId: runId,
  });
  // An offer of a superseded or ended attempt: taking it away was all there was to do.
  if (outcome.kind !== 'committed') return undefined;
  ports.telemetry.count('ReadyToStartedMs', Math.max(0, ports.nowMs() - offer.readyAtMs), {
    plane: 'assets',
  });
  return envelope(ports, { offer, run: outcome.state, baseUrl: request.baseUrl });
};

const envelope = async (
  { tokens }: ClaimPorts,
  { offer, run, baseUrl }: { readonly offer: Offer; readonly run: Run; readonly baseUrl: string },
): Promise<DispatchEnvelope> => {
  if (run.status === 'none' || run.status === 'TRIGGERED') throw new Error('a claimed run has no plan');
  const { plan, indexByKey } = originOf(run);
  const policy = policyOf(plan, indexByKey.get(offer.taskKey) ?? 0);
  const scope = {
    taskId: callbackTaskId({ runId: offer.runId, taskKey: offer.taskKey }),
    tenantId: offer.tenantId as TenantId,
    workspaceId: offer.workspaceId as WorkspaceId,
    runId: offer.runId as RunId,
    attempt: offer.attempt,
    attemptId: offer.attemptId as AttemptId,
  };
  const { token, expiresAtMs } = await tokens.mint(scope);
  return {
    ...scope,
    taskKey: offer.taskKey as TaskKey,
    dispatchId: dispatchId({ runId: scope.runId, taskKey: offer.taskKey, attempt: offer.attempt }),
    ...(plan.partitionKey === undefined ? {} : { partitionKey: plan.partitionKey }),
    heartbeatTimeoutSec: policy.heartbeatTimeoutSec,
    workerQueue: offer.queue,
    callbackBaseUrl: baseUrl,
    taskToken: token,
    tokenExpiresAt: new Date(expiresAtMs).toISOString(),
    payload: {},
  };
};
