/** A sweep of a limit needs to know how the holders of its overdue slots stand: their runs are looked at. */
import { concurrency } from '#contracts/runs/limits.ts';
import { groupBy } from '#domain/kernel/group-by.ts';
import type { LimitCommand, SweepLimit } from '#domain/limit/command.ts';
import { overdueSlots } from '#domain/limit/decide.ts';
import type { Limit, OpenLimit, Slot } from '#domain/limit/limit.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { standingOf } from '#domain/run/slots.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { loadStream } from '#functions/shared/load.ts';

/** The sweep command of a limit, with what its runs say; each of them is read once. */
export const limitSweepCommand = async (
  ledger: LedgerReader,
  limit: Limit,
  nowMs: number,
): Promise<LimitCommand> => {
  if (limit.status === 'none') return limitAggregate.sweepCommand(nowMs);
  const slotsByRun = [...groupBy(overdueSlots(limit, nowMs), ({ runId }) => runId)];
  const seen: SweepLimit['seen'][number][] = [];
  // A few runs at a time: a run of two thousand tasks takes megabytes until it was asked.
  for (let at = 0; at < slotsByRun.length; at += concurrency.runsPerReadMax) {
    const some = slotsByRun.slice(at, at + concurrency.runsPerReadMax);
    seen.push(
      ...(await Promise.all(some.map(([runId, slots]) => seenOf(ledger, limit, runId, slots)))).flat(),
    );
  }
  return { type: 'SweepLimit', nowMs, seen };
};

const seenOf = async (
  ledger: LedgerReader,
  { tenantId, workspaceId, limitId }: OpenLimit,
  runId: string,
  slots: readonly Slot[],
): Promise<SweepLimit['seen']> => {
  const { state } = await loadStream(ledger, runAggregate, runStream({ tenantId, workspaceId, runId }));
  return slots.map((slot) => ({
    requestNo: slot.requestNo,
    standing: standingOf(state, { ...slot, limitId }),
  }));
};
