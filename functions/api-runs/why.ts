/** Why a run has not ended; tasks that wait for a slot are told their place in the queue of the limit. */
import type { WaitingPlace } from '#contracts/runs/concurrency.ts';
import type { RunWhy } from '#contracts/runs/read.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import { positionOf } from '#domain/limit/limit.ts';
import type { Limit } from '#domain/limit/limit.ts';
import { limitStream } from '#domain/limit/limit-stream.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { slotWaits } from '#domain/run/slots.ts';
import type { AwaitedSlot } from '#domain/run/slots.ts';
import { why } from '#domain/run/waiting.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import { callerOf } from '#functions/shared/request.ts';
import { runNotFound, runOf } from '#functions/shared/run-path.ts';

/** Limits one answer looks at; tasks that wait for others are told which, and no place. */
const LOOKS_MAX = 20;

/** What one run waits for, the most urgent first. */
export const getRunWhy =
  ({ ledger }: { readonly ledger: LedgerReader }) =>
  async (request: ApiRequest): Promise<ApiReply> => {
    const { stream, runId } = runOf(request);
    const { state: run } = await loadStream(ledger, runAggregate, stream);
    const answer = why(run);
    if (!answer) throw runNotFound(runId);
    const slots = slotWaits(run);
    if (slots.size === 0) return { status: 200, body: answer };
    const limits = await limitsOf(ledger, request, [...slots.values()]);
    const waiting = answer.waiting.map((entry): RunWhy['waiting'][number] => {
      const slot = entry.reason === 'concurrency_limit' ? slots.get(entry.subject) : undefined;
      return slot ? { ...entry, limit: placeIn(limits.get(slot.limitId), slot) } : entry;
    });
    return { status: 200, body: { ...answer, waiting } };
  };

const limitsOf = async (
  ledger: LedgerReader,
  request: ApiRequest,
  slots: readonly AwaitedSlot[],
): Promise<ReadonlyMap<string, Limit>> => {
  const ids = [...new Set(slots.map(({ limitId }) => limitId))].slice(0, LOOKS_MAX);
  const { tenantId, workspaceId } = callerOf(request);
  const load = async (limitId: string) => {
    const stream = limitStream({ tenantId, workspaceId, limitId });
    return [limitId, (await loadStream(ledger, limitAggregate, stream)).state] as const;
  };
  return new Map(await Promise.all(ids.map(load)));
};

const placeIn = (limit: Limit | undefined, { limitId, holder }: AwaitedSlot): WaitingPlace => {
  if (limit?.status !== 'open') return { limitId };
  const { capacity, slots, waiters } = limit;
  const position = positionOf(limit, holder);
  return {
    limitId,
    ...(position === undefined ? {} : { position }),
    ...(capacity === undefined ? {} : { capacity }),
    held: slots.length,
    waiting: waiters.length,
  };
};
