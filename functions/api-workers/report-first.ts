/**
 * The report that comes with a claim: recorded before anything is claimed, and with it, in one commit, the start of what it
 * makes ready for the same worker. A chain of tasks takes one request and one commit each, and no offer.
 */
import type { CompletedResponse, TaskTokenClaims } from '#contracts/runs/callbacks.ts';
import type { ClaimReport, DispatchEnvelope } from '#contracts/runs/claim.ts';
import { decodeCallbackTaskId } from '#domain/kernel/ids.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { NextTasks } from '#domain/run/command.ts';
import { begunWith } from '#domain/run/next-tasks.ts';
import type { InHand } from '#domain/run/next-tasks.ts';
import { runStream } from '#domain/run/run-stream.ts';
import type { Run } from '#domain/run/run.ts';
import { begunBefore } from '#functions/api-workers/begun-before.ts';
import { plannedOrigin } from '#functions/api-workers/start-attempt.ts';
import type { Claim, ClaimPorts } from '#functions/api-workers/start-attempt.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import { verifyToken } from '#functions/shared/callback-request.ts';
import { completionReply } from '#functions/shared/completion-reply.ts';
import { taskEnvelope } from '#functions/shared/task-envelope.ts';
import { takeReport } from '#functions/shared/task-report.ts';
import type { ReportPorts, TakenReport } from '#functions/shared/task-report.ts';

export interface ReportFirstPorts extends ClaimPorts, ReportPorts {
  readonly ledger: LedgerReader;
}

/** The answer to the report, and the tasks that were begun with it. */
export interface Reported {
  readonly completed: CompletedResponse;
  readonly tasks: DispatchEnvelope[];
}

/** Records the report; throws what the callback would have answered. */
export const reportFirst = async (
  ports: ReportFirstPorts,
  claim: Claim,
  { taskId, taskToken, report }: ClaimReport,
): Promise<Reported> => {
  const claims = await verifyToken(ports.tokens, taskToken);
  refuseForeign(claim, claims);
  const next = (): Promise<NextTasks> => nextOf(ports, claim);
  const taken = await takeReport(ports, {
    taskId,
    claims,
    report: { kind: 'completed', body: report },
    next,
  });
  const begun = await begunIn(ports, claim, { claims, taken });
  if (taken.kind === 'recorded')
    for (const _task of begun) ports.telemetry.count('ReadyToStartedMs', 0, { plane: 'assets' });
  return {
    completed: completionReply(report, taken, ports.nowMs()),
    tasks: await envelopesOf(ports, claim, { run: taken.run, begun }),
  };
};

/** A token of another workspace is as good as none: whoever claims here reports of what was claimed here. */
const refuseForeign = ({ place }: Claim, { tenantId, workspaceId }: TaskTokenClaims): void => {
  if (tenantId !== place.tenantId || workspaceId !== place.workspaceId)
    throw new ApiError('invalid_token', 'the task token is of another workspace than the claim');
};

/** What waits in the queue, more urgent or older than what the report makes ready, comes first. */
const nextOf = async ({ offers }: ReportFirstPorts, { place, wish }: Claim): Promise<NextTasks> => {
  const [waiting] = await offers.peek(place, 1);
  return {
    workerId: wish.workerId,
    queue: place.queue,
    maxTasks: wish.maxTasks,
    ...(waiting ? { before: waiting.priority } : {}),
  };
};

interface Given {
  readonly claims: TaskTokenClaims;
  readonly taken: TakenReport;
}

/** A report that was taken before may have begun tasks whose answer was lost. */
const begunIn = (
  { ledger }: ReportFirstPorts,
  { wish: { workerId } }: Claim,
  { claims, taken }: Given,
): Promise<readonly InHand[]> | readonly InHand[] => {
  if (taken.kind === 'queued') return [];
  const report = { taskKey: decodeCallbackTaskId(claims.taskId)?.taskKey ?? '', attempt: claims.attempt };
  const worker = { run: taken.run, workerId };
  return taken.kind === 'recorded'
    ? (begunWith(taken.events, report, worker) ?? [])
    : begunBefore(ledger, runStream(claims), { report, worker });
};

const envelopesOf = (
  { tokens }: ReportFirstPorts,
  { place, request }: Claim,
  { run, begun }: { readonly run: Run; readonly begun: readonly InHand[] },
): Promise<DispatchEnvelope[]> =>
  Promise.all(
    begun.map(({ taskKey, attempt }) =>
      taskEnvelope(tokens, {
        origin: plannedOrigin(run),
        ...{ taskKey, attempt, workerQueue: place.queue, callbackBaseUrl: request.baseUrl },
      }),
    ),
  );
