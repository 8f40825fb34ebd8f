/** Starts the attempt behind an offer that was taken, and writes what its worker needs. */
import type { AttemptId, TaskKey } from '#contracts/ids.ts';
import type { ClaimRequest, DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { Claims, Offer, Offers } from '#domain/ports/control.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { originOf } from '#domain/run/run.ts';
import type { Run, RunOrigin } from '#domain/run/run.ts';
import type { TaskTokens } from '#adapters/tokens/task-token.ts';
import type { ApiRequest } from '#functions/shared/http.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { taskEnvelope } from '#functions/shared/task-envelope.ts';

export interface ClaimPorts {
  readonly offers: Offers;
  readonly claims: Claims;
  readonly mailbox: Mailbox;
  readonly tokens: TaskTokens;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
  readonly sleep: (waitMs: number) => Promise<void>;
}

/** One request of a worker. */
export interface Claim {
  readonly place: { readonly tenantId: string; readonly workspaceId: string; readonly queue: string };
  readonly wish: ClaimRequest;
  readonly request: ApiRequest;
}

/** What an offer led to: an attempt begun by this command, one the worker had begun before, or nothing. */
export type StartedAttempt =
  { readonly kind: 'started' | 'running'; readonly task: DispatchEnvelope } | { readonly kind: 'over' };

/** Records the start of the attempt, then mints its token. */
export const startAttempt = async (
  ports: ClaimPorts,
  { wish, request }: Claim,
  offer: Offer,
): Promise<StartedAttempt> => {
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
  if (outcome.kind === 'rejected') return { kind: 'over' };
  if (outcome.kind === 'committed')
    ports.telemetry.count('ReadyToStartedMs', Math.max(0, ports.nowMs() - offer.readyAtMs), {
      plane: 'assets',
    });
  const task = await taskEnvelope(ports.tokens, {
    origin: plannedOrigin(outcome.state),
    taskKey,
    attempt,
    workerQueue: offer.queue,
    callbackBaseUrl: request.baseUrl,
  });
  return { kind: outcome.kind === 'committed' ? 'started' : 'running', task };
};

/** Tells that a claim hands out less than it might, because of a fault behind its first task. */
export const logCutShort = (telemetry: Telemetry, { runId, taskKey, attempt }: Offer, error: unknown): void =>
  telemetry.log('error', 'a claim was cut short; the sweeper offers the task again', {
    runId,
    taskKey,
    attempt,
    errorMessage: error instanceof Error ? error.message : String(error),
  });

/** The origin of a run that has its plan, as every run has that hands out tasks. */
export const plannedOrigin = (run: Run): RunOrigin => {
  if (run.status === 'none' || run.status === 'TRIGGERED') throw new Error('a claimed run has no plan');
  return originOf(run);
};
