/**
 * A run is not taken in while as many attempts as may wait for one of its limits: whoever triggers it can wait better
 * than Sluice. Runs without limits ask nothing here.
 */
import { concurrency } from '#contracts/runs/limits.ts';
import type { PlannedLimit } from '#contracts/runs/concurrency.ts';
import { isFull } from '#domain/limit/limit.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import { limitStream } from '#domain/limit/limit-stream.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { TriggerRun } from '#domain/run/command.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import { loadStream } from '#functions/shared/load.ts';

/** Limits of one run that are looked at; those behind them hold back its attempts all the same. */
const LOOKS_MAX = 10;

/** Throws `too_much_waiting` when a limit of the plan has no place for another waiter. */
export const admitToLimits = async (
  ledger: LedgerReader,
  { header, plan: { limits = [] } }: TriggerRun,
): Promise<void> => {
  const check = async ({ limitId }: PlannedLimit): Promise<void> => {
    const stream = limitStream({ ...header, limitId });
    if (!isFull((await loadStream(ledger, limitAggregate, stream)).state)) return;
    throw new ApiError(
      'too_much_waiting',
      `${concurrency.waitersMax} attempts wait for the limit ${limitId}; come back later`,
      { details: { limitId }, retryAfterMs: concurrency.retryAfterMs },
    );
  };
  await Promise.all(limits.slice(0, LOOKS_MAX).map(check));
};
