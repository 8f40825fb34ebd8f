/** A sweep of a limit needs to know how the holders of its overdue slots stand: their runs are looked at. */
import { valueOf } from '#domain/kernel/value-of.ts';
import type { LimitCommand } from '#domain/limit/command.ts';
import { overdueSlots } from '#domain/limit/decide.ts';
import type { Limit, OpenLimit } from '#domain/limit/limit.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runStream } from '#domain/run/run-stream.ts';
import type { Run } from '#domain/run/run.ts';
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
  const slots = overdueSlots(limit, nowMs);
  const runs = await runsOf(ledger, limit, new Set(slots.map(({ runId }) => runId)));
  const { limitId } = limit;
  const seen = slots.map((slot) => ({
    requestNo: slot.requestNo,
    standing: standingOf(valueOf(runs, slot.runId), { ...slot, limitId }),
  }));
  return { type: 'SweepLimit', nowMs, seen };
};

const runsOf = async (
  ledger: LedgerReader,
  { tenantId, workspaceId }: OpenLimit,
  runIds: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Run>> =>
  new Map(
    await Promise.all(
      [...runIds].map(async (runId) => {
        const stream = runStream({ tenantId, workspaceId, runId });
        return [runId, (await loadStream(ledger, runAggregate, stream)).state] as const;
      }),
    ),
  );
