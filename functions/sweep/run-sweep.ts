/** A sweep of a run needs to know which of its overdue offers are gone: those are made again. */
import type { OfferTask } from '#domain/kernel/effect.ts';
import type { Offers } from '#domain/ports/control.ts';
import type { RunCommand } from '#domain/run/command.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import type { Run } from '#domain/run/run.ts';

/** The sweep command of a run, with the offers that no longer stand. */
export const runSweepCommand = async (offers: Offers, run: Run, nowMs: number): Promise<RunCommand> => {
  const owed = runAggregate
    .outstanding(run, nowMs)
    .filter((effect): effect is OfferTask => effect.kind === 'offer-task');
  const standing = await Promise.all(owed.map((offer) => offers.exists(offer)));
  return {
    type: 'SweepRun',
    nowMs,
    lostOffers: owed.filter((_, index) => standing[index] === false).map(({ taskKey }) => taskKey),
  };
};
