/**
 * Takes what is offered, the most urgent and oldest first. Workers that come at once all look at the same few offers, and
 * each try that is lost is paid for: whoever loses one looks again, at a wider stretch, and begins at a place of its own.
 */
import { sha256Hex } from '#domain/kernel/hash.ts';
import type { Offer, Offers } from '#domain/ports/control.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { logCutShort } from '#functions/api-workers/start-attempt.ts';
import type { Claim } from '#functions/api-workers/start-attempt.ts';

/** Offers a crowd spreads over. */
const CROWD_SPAN = 100;
/** Tries one look may lose in a crowd; whoever loses them all comes again after a pause. */
const LOST_MAX = 3;

/**
 * Hands each offer it took to `use`, until that answered true `maxTasks` times or nothing is left to try. A fault is thrown
 * when nothing was used before it; behind that it ends the taking, and is logged.
 */
export const takeOffers = async (
  { offers, telemetry }: { readonly offers: Offers; readonly telemetry: Telemetry },
  { place, wish: { maxTasks }, request }: Pick<Claim, 'place' | 'wish' | 'request'>,
  use: (offer: Offer) => Promise<boolean>,
): Promise<void> => {
  let usedCount = 0;
  let lostCount = 0;
  // A few more than asked for: some may be taken by others or be out of date.
  const triesMax = maxTasks * 2;
  let left = [...(await offers.peek(place, triesMax))];
  for (
    let offer = left.shift();
    offer && usedCount < maxTasks && lostCount < LOST_MAX;
    offer = left.shift()
  ) {
    try {
      if (await offers.take(offer)) usedCount += Number(await use(offer));
      else if (lostCount++ === 0)
        left = spread(await offers.peek(place, CROWD_SPAN), request.requestId).slice(0, triesMax);
    } catch (error) {
      // What was started must reach the worker: a fault behind the first task ends the claim and not the answer.
      if (usedCount === 0) throw error;
      logCutShort(telemetry, offer, error);
      return;
    }
  }
};

/** The same offers, those as urgent as the first begun at a place that the request decides. */
export const spread = (offers: readonly Offer[], requestId: string): Offer[] => {
  const urgentCount = offers.filter(({ priority }) => priority === offers[0]?.priority).length;
  const start = Number.parseInt(sha256Hex(requestId).slice(0, 8), 16) % Math.max(1, urgentCount);
  return [...offers.slice(start, urgentCount), ...offers.slice(0, start), ...offers.slice(urgentCount)];
};
