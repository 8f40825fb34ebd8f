/**
 * Why a run has not ended; tasks that wait for a slot are told their place in the queue of the limit, and those that wait
 * for a location that is sent nothing are told which.
 */
import type { WaitingPlace } from '#contracts/runs/concurrency.ts';
import type { ExecutionLocation } from '#contracts/runs/locations.ts';
import type { RunWhy } from '#contracts/runs/read.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import { positionOf } from '#domain/limit/limit.ts';
import type { Limit } from '#domain/limit/limit.ts';
import { limitStream } from '#domain/limit/limit-stream.ts';
import { manifestsAggregate } from '#domain/manifest/manifests.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { awaitedLocations } from '#domain/run/sent-attempt.ts';
import { slotWaits } from '#domain/run/slots.ts';
import type { AwaitedSlot } from '#domain/run/slots.ts';
import { why } from '#domain/run/waiting.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import { callerOf } from '#functions/shared/request.ts';
import { manifestsStream } from '#functions/shared/streams.ts';
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
    const limits = await limitsOf(ledger, request, [...slots.values()]);
    const closed = await closedLocations(ledger, request, awaitedLocations(run));
    const waiting = answer.waiting.map((entry): RunWhy['waiting'][number] => {
      const slot = entry.reason === 'concurrency_limit' ? slots.get(entry.subject) : undefined;
      if (slot) return { ...entry, limit: placeIn(limits.get(slot.limitId), slot) };
      const location = entry.reason === 'worker' ? closed.get(entry.subject) : undefined;
      return location ? { ...entry, location } : entry;
    });
    return { status: 200, body: { ...answer, waiting } };
  };

type Closed = NonNullable<RunWhy['waiting'][number]['location']>;

/** By task key those that are sent nothing, as the workspace has them now. */
const closedLocations = async (
  ledger: LedgerReader,
  request: ApiRequest,
  awaited: ReadonlyMap<string, ExecutionLocation>,
): Promise<ReadonlyMap<string, Closed>> => {
  if (awaited.size === 0) return new Map();
  const { state } = await loadStream(ledger, manifestsAggregate, manifestsStream(callerOf(request)));
  return new Map(
    [...awaited].flatMap(([taskKey, { executionLocationId }]) => {
      const lifecycle = state.locations.byId[executionLocationId]?.lifecycle;
      const isClosed = lifecycle === 'disabled' || lifecycle === 'archived';
      return isClosed ? [[taskKey, { executionLocationId, lifecycle }] as const] : [];
    }),
  );
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
