/**
 * What a limit answers to each command. It refuses a request it has no place for; its run hears that and comes again. Whatever makes room, a release, an expiry or a greater capacity, grants it to
 * the next waiters in the same commit; a smaller capacity takes nothing away from those who hold a slot.
 */
import { concurrency } from '#contracts/runs/limits.ts';
import type { LimitEvent } from '#contracts/runs/limit-events.ts';
import type { DecideContext, Rejection } from '#domain/kernel/aggregate.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import type { CapacityWord, LimitCommand, RequestSlot, Standing, SweepLimit } from '#domain/limit/command.ts';
import { evolveLimit, opened } from '#domain/limit/evolve.ts';
import { holderOf, isFull, isSame, roomOf } from '#domain/limit/limit.ts';
import type { Holder, Limit, OpenLimit, Slot } from '#domain/limit/limit.ts';
import { limitScopeOf } from '#domain/limit/limit-stream.ts';

/** What a command adds to a limit; only a request for a slot may be refused. */
export const decide = (
  command: LimitCommand,
  limit: Limit,
  { nowMs, stream }: DecideContext,
): Decision<LimitEvent, Rejection> => {
  const draft = draftOf(limit, nowMs, stream);
  switch (command.type) {
    case 'SetCapacity':
      setCapacity(draft, command.word);
      break;
    case 'RequestSlot':
      setCapacity(draft, command.known);
      if (isRefused(draft.limit, command.holder)) return reject(noPlace);
      request(draft, command);
      break;
    case 'ReleaseSlot':
      release(draft, command.holder);
      break;
    case 'SweepLimit':
      sweep(draft, command);
      break;
  }
  grantNext(draft);
  return accept(...draft.events);
};

/** A decision in the making: what follows from an event is decided on the state it leaves. */
interface Draft {
  limit: Limit;
  readonly events: LimitEvent[];
  readonly nowMs: number;
  readonly stream: string;
}

const draftOf = (limit: Limit, nowMs: number, stream: string): Draft => ({
  limit,
  events: [],
  nowMs,
  stream,
});

const record = (draft: Draft, event: LimitEvent): void => {
  draft.events.push(event);
  draft.limit = evolveLimit(draft.limit, event, draft.nowMs);
};

/** The limit, opened by whoever comes first. */
const openOf = (draft: Draft): OpenLimit => {
  if (draft.limit.status === 'open') return draft.limit;
  const scope = limitScopeOf(draft.stream);
  const limit = opened(scope);
  draft.events.push({ type: 'LimitOpened', idempotencyKey: `limit:${scope.limitId}`, data: scope });
  draft.limit = limit;
  return limit;
};

const setCapacity = (draft: Draft, { capacity, changeNo }: CapacityWord): void => {
  const limit = openOf(draft);
  if (changeNo <= limit.changeNo) return;
  record(draft, {
    type: 'LimitCapacitySet',
    idempotencyKey: `capacity:${limit.limitId}:${changeNo}`,
    data: { changeNo, ...(capacity === undefined ? {} : { capacity }) },
  });
};

const isKnown = ({ slots, waiters }: OpenLimit, holder: Holder): boolean =>
  slots.some((slot) => isSame(slot, holder)) || waiters.some((waiter) => isSame(waiter, holder));

const isRefused = (limit: Limit, holder: Holder): boolean =>
  limit.status === 'open' && isFull(limit) && !isKnown(limit, holder);

const noPlace: Rejection = {
  code: 'slot_refused',
  message: `${concurrency.waitersMax} attempts wait for this limit, as many as may be`,
};

const request = (draft: Draft, { holder, priority }: RequestSlot): void => {
  const limit = openOf(draft);
  if (isKnown(limit, holder)) return;
  const requestNo = limit.lastRequestNo + 1;
  record(draft, {
    type: 'SlotRequested',
    idempotencyKey: `slot_requested:${requestNo}`,
    data: { ...holderOf(holder), requestNo, priority },
  });
};

const release = (draft: Draft, holder: Holder): void => {
  const { limit } = draft;
  if (limit.status === 'none') return;
  const slot = limit.slots.find((one) => isSame(one, holder));
  const known = slot ?? limit.waiters.find((one) => isSame(one, holder));
  if (!known) return;
  const { requestNo } = known;
  record(draft, {
    type: 'SlotReleased',
    idempotencyKey: `slot_released:${requestNo}`,
    data: { ...holderOf(known), requestNo, wasHeld: slot !== undefined },
  });
};

/** Slots that are overdue, the longest first, as many as one look goes after. */
export const overdueSlots = (limit: Limit, nowMs: number): readonly Slot[] =>
  limit.status === 'none'
    ? []
    : limit.slots
        .filter(({ leaseUntilMs }) => leaseUntilMs <= nowMs)
        .sort((left, right) => left.leaseUntilMs - right.leaseUntilMs)
        .slice(0, concurrency.slotsPerLookMax);

const sweep = (draft: Draft, { nowMs, seen }: SweepLimit): void => {
  const standings = new Map(seen.map(({ requestNo, standing }) => [requestNo, standing]));
  for (const slot of overdueSlots(draft.limit, nowMs)) {
    const standing = standings.get(slot.requestNo);
    if (standing !== undefined) settle(draft, slot, standing);
  }
};

const settle = (draft: Draft, slot: Slot, standing: Standing): void => {
  const { requestNo } = slot;
  if (standing === 'over') {
    const data = { ...holderOf(slot), requestNo };
    record(draft, { type: 'SlotExpired', idempotencyKey: `slot_expired:${requestNo}`, data });
    return;
  }
  const isTaken = standing === 'taken';
  const grantNo = isTaken ? slot.grantNo : slot.grantNo + 1;
  const leaseUntilMs = draft.nowMs + (isTaken ? concurrency.leaseMs : tellAgainMs(slot));
  record(draft, {
    type: 'SlotRenewed',
    idempotencyKey: `slot_renewed:${requestNo}:${leaseUntilMs}`,
    data: { requestNo, leaseUntilMs, grantNo, isTaken },
  });
};

/** A run that does not hear is told again at a slower and slower pace. */
const tellAgainMs = ({ grantNo }: Slot): number =>
  Math.min(concurrency.firstLeaseMs * 2 ** grantNo, concurrency.leaseMs);

const grantNext = (draft: Draft): void => {
  const { limit, nowMs } = draft;
  if (limit.status === 'none') return;
  for (const { requestNo } of limit.waiters.slice(0, Math.max(0, roomOf(limit))))
    record(draft, {
      type: 'SlotGranted',
      idempotencyKey: `slot_granted:${requestNo}`,
      data: { requestNo, leaseUntilMs: nowMs + concurrency.firstLeaseMs },
    });
};
