/**
 * Claims under an Idempotency-Key, whose answers may be lost. What is taken is remembered in `control` before any
 * attempt is started: the repeat starts what was not, and hands out again what was, with fresh tokens. Such a claim is
 * answered whole or not at all, since whoever got an error asks again. Losing the memory costs what a lost answer costs
 * without a key: the heartbeat timeout.
 */
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { Offer, TakenOffers } from '#domain/ports/control.ts';
import { startAttempt } from '#functions/api-workers/start-attempt.ts';
import type { Claim, ClaimPorts, StartedAttempt } from '#functions/api-workers/start-attempt.ts';
import { takeOffers } from '#functions/api-workers/take-offers.ts';
import { ApiError } from '#functions/shared/api-error.ts';

/** Under what a claim is remembered. */
export interface ClaimKey {
  readonly claimId: string;
  readonly requestHash: string;
}

/** What an earlier request took under this key; undefined when there was none. Refuses a key of another request. */
export const takenUnder = async (
  { claims }: ClaimPorts,
  key: ClaimKey,
): Promise<readonly Offer[] | undefined> => {
  const taken = await claims.get(key.claimId);
  if (taken) refuseAnother(taken, key);
  return taken?.offers;
};

/** What an earlier request took, as far as its worker still has it. */
export const tasksHandedBefore = async (
  ports: ClaimPorts,
  claim: Claim,
  taken: readonly Offer[],
): Promise<DispatchEnvelope[]> => tasksOf(await startAll(ports, claim, taken));

/** Takes what is offered, remembers it, and starts it; nothing is remembered when nothing is offered. */
export const claimWithKey = async (
  ports: ClaimPorts,
  claim: Claim,
  key: ClaimKey,
): Promise<DispatchEnvelope[]> => {
  const { claimId, requestHash } = key;
  const offers: Offer[] = [];
  await takeOffers(ports, claim, (offer) => Promise.resolve(offers.push(offer) > 0));
  if (offers.length === 0) return [];
  const standing = await keep(ports, claimId, { requestHash, offers });
  const isOurs = standing.offers.some((offer) => offers.some((own) => isSame(own, offer)));
  if (!isOurs) {
    // The same request came twice at once, and the other one was quicker.
    await giveBack(ports, offers);
    refuseAnother(standing, key);
    return tasksHandedBefore(ports, claim, standing.offers);
  }
  const attempts = await startAll(ports, claim, offers);
  const begun = offers.filter((_, index) => attempts[index]?.kind === 'started');
  // An offer may have been out of date; the attempt behind it was handed out by another claim and is not ours to repeat.
  if (begun.length < offers.length) await ports.claims.replace(claimId, { requestHash, offers: begun });
  return tasksOf(attempts.filter(({ kind }) => kind === 'started'));
};

const tasksOf = (attempts: readonly StartedAttempt[]): DispatchEnvelope[] =>
  attempts.flatMap((attempt) => (attempt.kind === 'over' ? [] : [attempt.task]));

/** All at once, so that attempts of one run share a commit; a fault is told after every one of them was tried. */
const startAll = async (
  ports: ClaimPorts,
  claim: Claim,
  offers: readonly Offer[],
): Promise<readonly StartedAttempt[]> => {
  const results = await Promise.allSettled(offers.map((offer) => startAttempt(ports, claim, offer)));
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
};

const keep = async (ports: ClaimPorts, claimId: string, taken: TakenOffers): Promise<TakenOffers> => {
  try {
    return await ports.claims.keep(claimId, taken);
  } catch (error) {
    await giveBack(ports, taken.offers);
    throw error;
  }
};

const giveBack = async ({ offers }: ClaimPorts, taken: readonly Offer[]): Promise<void> => {
  await Promise.all(taken.map((offer) => offers.put(offer)));
};

const isSame = (one: Offer, other: Offer): boolean =>
  one.runId === other.runId && one.taskKey === other.taskKey && one.attempt === other.attempt;

const refuseAnother = (taken: TakenOffers, { requestHash }: ClaimKey): void => {
  if (taken.requestHash !== requestHash)
    throw new ApiError(
      'idempotency_key_reused',
      'this idempotency key was used for a different request; use a new key',
    );
};
