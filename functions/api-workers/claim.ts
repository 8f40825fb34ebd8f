/**
 * Hands ready tasks to a worker. An offer is taken by a conditional delete, so one of all who try gets it; the
 * claim command is the start of the attempt, and only after it is recorded the token is minted. An offer that was
 * taken and not recorded is offered again by the sweeper.
 */
import { ClaimRequest } from '#contracts/runs/claim.ts';
import type { ClaimResponse, DispatchEnvelope } from '#contracts/runs/claim.ts';
import { claimWithKey, tasksHandedBefore } from '#functions/api-workers/keyed-claim.ts';
import { startAttempt } from '#functions/api-workers/start-attempt.ts';
import type { Claim, ClaimPorts } from '#functions/api-workers/start-attempt.ts';
import { takeOffers } from '#functions/api-workers/take-offers.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { callerOf } from '#functions/shared/request.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Answers up to `maxTasks` tasks, waiting up to `waitMs` for the first. The same request under the same
 * Idempotency-Key answers the tasks it was handed, as far as they are still at work.
 */
export const claimTasks =
  (ports: ClaimPorts) =>
  async (request: ApiRequest): Promise<ApiReply> => {
    const { tenantId, workspaceId, commandIdentity } = callerOf(request);
    const wish = parseBody(ClaimRequest, request.body);
    refuseSecrets(request.body);
    const claim: Claim = { place: { tenantId, workspaceId, queue: wish.queue }, wish, request };
    const { commandId: claimId, requestHash } = commandIdentity('claimTasks');
    if (requestHash === undefined) return reply(await claimed(ports, wish, () => claimOnce(ports, claim)));
    const key = { claimId, requestHash };
    const tasks =
      (await tasksHandedBefore(ports, claim, key)) ??
      (await claimed(ports, wish, () => claimWithKey(ports, claim, key)));
    return reply(tasks);
  };

const reply = (tasks: DispatchEnvelope[]): ApiReply => ({
  status: 200,
  body: { tasks } satisfies ClaimResponse,
});

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
