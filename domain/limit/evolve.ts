/** The fold of a limit. Each event is applied only where it fits, so a duplicate or late one changes nothing. */
import type { RecordedEvent } from '#contracts/event.ts';
import { LimitEvent } from '#contracts/runs/limit-events.ts';
import type { LimitEventData } from '#contracts/runs/limit-events.ts';
import { holderOf } from '#domain/limit/limit.ts';
import type { Limit, OpenLimit, Slot, Waiter } from '#domain/limit/limit.ts';
import { unpackLimit } from '#domain/limit/state-codec.ts';

/** Every type this fold knows. */
export const limitEventTypes: ReadonlySet<string> = new Set(
  LimitEvent.options.map((option) => option.shape.type.value),
);

/** An event of a limit as read back: its type says which shape `data` has, because only deciders write it. */
export const asLimitEvent = (event: RecordedEvent): LimitEvent | undefined =>
  limitEventTypes.has(event.type) ? (event as unknown as LimitEvent) : undefined;

/** Folds one event. */
export const evolve = (limit: Limit, event: RecordedEvent): Limit => {
  const known = asLimitEvent(event);
  return known ? evolveLimit(limit, known, event.occurredAtMs) : limit;
};

/** The fold of a known event. */
export const evolveLimit = (limit: Limit, event: LimitEvent, atMs: number): Limit => {
  if (event.type === 'LimitOpened') return limit.status === 'none' ? opened(event.data) : limit;
  // What was before is forgotten, so that it does not matter whether the fold began there.
  if (event.type === 'LimitRestated') return unpackLimit(event.data);
  if (limit.status === 'none') return limit;
  switch (event.type) {
    case 'LimitCapacitySet':
      return event.data.changeNo > limit.changeNo ? withCapacity(limit, event.data) : limit;
    case 'SlotRequested':
      return requested(limit, event.data, atMs);
    case 'SlotGranted':
      return granted(limit, event.data, atMs);
    case 'SlotRenewed':
      return { ...limit, slots: limit.slots.map((slot) => renewed(slot, event.data)) };
    case 'SlotReleased':
    case 'SlotExpired':
      return without(limit, event.data.requestNo);
    case 'SlotRefused':
      return limit;
  }
};

/** A limit nobody has asked yet. */
export const opened = (data: LimitEventData<'LimitOpened'>): OpenLimit => ({
  status: 'open',
  ...data,
  changeNo: 0,
  lastRequestNo: 0,
  slots: [],
  waiters: [],
});

const withCapacity = (
  { capacity: _before, ...limit }: OpenLimit,
  { capacity, changeNo }: LimitEventData<'LimitCapacitySet'>,
): OpenLimit => ({ ...limit, changeNo, ...(capacity === undefined ? {} : { capacity }) });

/** By priority, then in the order of asking. */
const requested = (limit: OpenLimit, data: LimitEventData<'SlotRequested'>, atMs: number): OpenLimit => {
  if (data.requestNo <= limit.lastRequestNo) return limit;
  const { requestNo, priority } = data;
  const waiter: Waiter = { ...holderOf(data), requestNo, priority, requestedAtMs: atMs };
  const behind = limit.waiters.findIndex((other) => other.priority > priority);
  const place = behind < 0 ? limit.waiters.length : behind;
  return { ...limit, lastRequestNo: requestNo, waiters: limit.waiters.toSpliced(place, 0, waiter) };
};

const granted = (limit: OpenLimit, data: LimitEventData<'SlotGranted'>, atMs: number): OpenLimit => {
  const waiter = limit.waiters.find(({ requestNo }) => requestNo === data.requestNo);
  if (!waiter) return limit;
  const slot: Slot = {
    ...holderOf(waiter),
    requestNo: waiter.requestNo,
    grantedAtMs: atMs,
    leaseUntilMs: data.leaseUntilMs,
    grantNo: 1,
    isTaken: false,
  };
  return { ...without(limit, waiter.requestNo), slots: [...limit.slots, slot] };
};

const renewed = (slot: Slot, data: LimitEventData<'SlotRenewed'>): Slot =>
  slot.requestNo === data.requestNo && slot.leaseUntilMs < data.leaseUntilMs
    ? { ...slot, leaseUntilMs: data.leaseUntilMs, grantNo: data.grantNo, isTaken: data.isTaken }
    : slot;

const without = (limit: OpenLimit, requestNo: number): OpenLimit => ({
  ...limit,
  slots: limit.slots.filter((slot) => slot.requestNo !== requestNo),
  waiters: limit.waiters.filter((waiter) => waiter.requestNo !== requestNo),
});
