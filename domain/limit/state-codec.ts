/**
 * The packed form of a limit inside a commit or a restatement: each run id and task key stands in it once, and each slot and waiter is a
 * few numbers. A thousand waiters of ten runs take about 25 KB before compression.
 */
import type { RunId, TaskKey } from '#contracts/ids.ts';
import type { LimitEventData } from '#contracts/runs/limit-events.ts';
import type { Holder, Limit, OpenLimit, Slot, Waiter } from '#domain/limit/limit.ts';

type Packed = LimitEventData<'LimitRestated'>;

/** Compact JSON of a limit. */
export const encodeLimit = (limit: Limit): string =>
  limit.status === 'none' ? '{}' : JSON.stringify({ status: limit.status, ...packLimit(limit) });

/** Fixed members as they are; texts once each, and numbers in a row: see `packSlot` and `packWaiter`. */
export const packLimit = ({ status: _open, slots, waiters, ...rest }: OpenLimit): Packed => {
  const places = new Map<string, number>();
  const placeOf = (text: string): number => {
    const place = places.get(text) ?? places.size;
    places.set(text, place);
    return place;
  };
  const held = slots.map((slot) => packSlot(slot, placeOf));
  const queue = waiters.map((waiter) => packWaiter(waiter, placeOf));
  return { ...rest, texts: [...places.keys()], held, queue };
};

type PlaceOf = (text: string) => number;

const packHolder = ({ runId, taskKey, attempt }: Holder, placeOf: PlaceOf): readonly number[] => [
  placeOf(runId),
  placeOf(taskKey),
  attempt,
];

const packSlot = (slot: Slot, placeOf: PlaceOf): readonly number[] => [
  ...packHolder(slot, placeOf),
  slot.requestNo,
  slot.grantedAtMs,
  slot.leaseUntilMs - slot.grantedAtMs,
  slot.grantNo,
  slot.isTaken ? 1 : 0,
];

const packWaiter = (waiter: Waiter, placeOf: PlaceOf): readonly number[] => [
  ...packHolder(waiter, placeOf),
  waiter.requestNo,
  waiter.priority,
  waiter.requestedAtMs,
];

/** The limit as it was. */
export const decodeLimit = (text: string): Limit => {
  const { status, ...packed } = JSON.parse(text) as Partial<Packed & Pick<OpenLimit, 'status'>>;
  return status === undefined ? { status: 'none' } : unpackLimit(packed as Packed);
};

/** The limit a restatement speaks of. */
export const unpackLimit = ({ texts, held, queue, capacity, ...rest }: Packed): OpenLimit => {
  const unpackHolder = ([run = 0, task = 0, attempt = 0]: readonly number[]): Holder => ({
    runId: texts[run] as RunId,
    taskKey: texts[task] as TaskKey,
    attempt,
  });
  const unpackSlot = (numbers: readonly number[]): Slot => {
    const [requestNo = 0, grantedAtMs = 0, leaseMs = 0, grantNo = 0, isTaken] = numbers.slice(3);
    return {
      ...unpackHolder(numbers),
      requestNo,
      grantedAtMs,
      leaseUntilMs: grantedAtMs + leaseMs,
      grantNo,
      isTaken: isTaken === 1,
    };
  };
  const unpackWaiter = (numbers: readonly number[]): Waiter => {
    const [requestNo = 0, priority = 0, requestedAtMs = 0] = numbers.slice(3);
    return { ...unpackHolder(numbers), requestNo, priority, requestedAtMs };
  };
  return {
    status: 'open',
    ...rest,
    ...(capacity === undefined ? {} : { capacity }),
    slots: held.map(unpackSlot),
    waiters: queue.map(unpackWaiter),
  };
};
