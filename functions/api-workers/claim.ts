/**
 * Hands ready tasks to a worker. An offer is taken by a conditional delete, so one of all who try gets it; the
 * claim command is the start of the attempt, and only after it is recorded the token is minted. An offer that was
 * taken and not recorded is offered again by the sweeper.
 */
import { ClaimRequest } from '#contracts/runs/claim.ts';
import type { ClaimResponse, DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { Offer } from '#domain/ports/control.ts';
import { claimWithKey, takenUnder, tasksHandedBefore } from '#functions/api-workers/keyed-claim.ts';
import type { ClaimKey } from '#functions/api-workers/keyed-claim.ts';
import { reportFirst } from '#functions/api-workers/report-first.ts';
import type { Reported, ReportFirstPorts } from '#functions/api-workers/report-first.ts';
import { startAttempt } from '#functions/api-workers/start-attempt.ts';
import type { Claim, ClaimPorts } from '#functions/api-workers/start-attempt.ts';
import { takeOffers } from '#functions/api-workers/take-offers.ts';
import { refuseOutOfRange, toldAsCallback } from '#functions/shared/callback-request.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { callerOf } from '#functions/shared/request.ts';
import type { CommandIdentity } from '#functions/shared/request.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Answers up to `maxTasks` tasks, waiting up to `waitMs` for the first. The same request under the same
 * Idempotency-Key answers the tasks it was handed, as far as they are still at work. A report that comes with it is
 * recorded first, and needs no key: it is taken once, and its repeat is handed what the worker began with it.
 */
export const claimTasks =
  (ports: ReportFirstPorts) =>
  async (request: ApiRequest): Promise<ApiReply> => {
    const { tenantId, workspaceId, commandIdentity } = callerOf(request);
    const wish = parseClaim(request.body);
    const claim: Claim = { place: { tenantId, workspaceId, queue: wish.queue }, wish, request };
    const key = keyOf(commandIdentity('claimTasks'));
    const taken = key && (await takenUnder(ports, key));
    const reported = await reportOf(ports, claim);
    const tasks = reported?.tasks.length ? reported.tasks : await tasksOffered(ports, claim, { key, taken });
    return {
      status: 200,
      body: { tasks, ...(reported ? { completed: reported.completed } : {}) } satisfies ClaimResponse,
    };
  };

const keyOf = ({ commandId, requestHash }: CommandIdentity): ClaimKey | undefined =>
  requestHash === undefined ? undefined : { claimId: commandId, requestHash };

const reportOf = async (ports: ReportFirstPorts, claim: Claim): Promise<Reported | undefined> => {
  const { completed } = claim.wish;
  return completed && toldAsCallback(ports, () => reportFirst(ports, claim, completed));
};

/** What a report says is cleaned when it is recorded, as that of a callback; its token is no secret that stays. */
const parseClaim = (body: unknown): ClaimRequest => {
  const { completed, ...wish } = { ...(body as { completed?: { report?: unknown } } | undefined) };
  refuseOutOfRange(completed?.report);
  const claim = parseBody(ClaimRequest, body);
  refuseSecrets({ ...wish, completed: { report: { workerId: claim.completed?.report.workerId } } });
  return claim;
};

interface Keyed {
  readonly key: ClaimKey | undefined;
  readonly taken: readonly Offer[] | undefined;
}

const tasksOffered = (
  ports: ClaimPorts,
  claim: Claim,
  { key, taken }: Keyed,
): Promise<DispatchEnvelope[]> => {
  if (taken) return tasksHandedBefore(ports, claim, taken);
  return claimed(ports, claim.wish, () => (key ? claimWithKey(ports, claim, key) : claimOnce(ports, claim)));
};

/** Tries until there is a task or the wait is over. */
const claimed = async (
  { nowMs, sleep }: ClaimPorts,
  { waitMs }: ClaimRequest,
  attempt: () => Promise<DispatchEnvelope[]>,
): Promise<DispatchEnvelope[]> => {
  const untilMs = nowMs() + waitMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const tasks = await attempt();
    const leftMs = untilMs - nowMs();
    if (tasks.length > 0 || leftMs <= 0) return tasks;
    await sleep(Math.min(pauseMs, leftMs));
  }
};

const claimOnce = async (ports: ClaimPorts, claim: Claim): Promise<DispatchEnvelope[]> => {
  const tasks: DispatchEnvelope[] = [];
  await takeOffers(ports, claim, async (offer) => {
    const attempt = await startAttempt(ports, claim, offer);
    // An attempt this worker had begun before was handed out then.
    if (attempt.kind === 'started') tasks.push(attempt.task);
    return attempt.kind === 'started';
  });
  return tasks;
};
