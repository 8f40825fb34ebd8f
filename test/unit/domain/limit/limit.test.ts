import { describe, expect, it } from 'vitest';
import { concurrency } from '#contracts/runs/limits.ts';
import type { RecordedEvent } from '#contracts/event.ts';
import { overdueSlots } from '#domain/limit/decide.ts';
import { evolve } from '#domain/limit/evolve.ts';
import { isFull, positionOf } from '#domain/limit/limit.ts';
import type { Limit, OpenLimit } from '#domain/limit/limit.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import { limitProjection } from '#domain/limit/limit-projection.ts';
import { limitScopeOf } from '#domain/limit/limit-stream.ts';
import { given, recorded } from '#test/support/decider.ts';
import {
  aLimit,
  ask,
  giveBack,
  holder,
  limitId,
  look,
  ofLimit,
  setCapacity,
} from '#test/support/limit-fixtures.ts';
import { scope, START_MS } from '#test/support/run-fixtures.ts';

const LATER_MS = START_MS + concurrency.firstLeaseMs;

const openOf = (limit: Limit): OpenLimit => {
  if (limit.status !== 'open') expect.fail('the limit is not open');
  return limit;
};

const holdersOf = (limit: Limit) => openOf(limit).slots.map(({ runId }) => Number(runId.slice(4)));
const waitersOf = (limit: Limit) => openOf(limit).waiters.map(({ runId }) => Number(runId.slice(4)));

/** A limit of capacity 1 that holds one slot and has so many waiters. */
const crowded = (waiters: number) =>
  given(
    limitAggregate,
    { stream: ofLimit, nowMs: START_MS },
    { type: 'LimitOpened', idempotencyKey: 'o', data: { ...scope, limitId } },
    { type: 'LimitCapacitySet', idempotencyKey: 'c', data: { capacity: 1, changeNo: 1 } },
    ...Array.from({ length: waiters + 1 }, (_, index) => ({
      type: 'SlotRequested',
      idempotencyKey: `${index}`,
      data: { ...holder(index + 1), requestNo: index + 1, priority: 5 },
    })),
    { type: 'SlotGranted', idempotencyKey: 'g', data: { requestNo: 1, leaseUntilMs: LATER_MS } },
  );

describe('asking a limit', () => {
  it('opens it with what the plan knew of its capacity, and grants a slot while there is room', () => {
    aLimit()
      .when(ask(holder(1)))
      .thenRecords(
        { type: 'LimitOpened', data: { ...scope, limitId } },
        { type: 'LimitCapacitySet', data: { capacity: 1, changeNo: 1 } },
        { type: 'SlotRequested', data: { ...holder(1), requestNo: 1, priority: 5 } },
        { type: 'SlotGranted', data: { requestNo: 1, leaseUntilMs: LATER_MS } },
      );
  });

  it('waits when there is no room, and asking again changes nothing, whether held or waiting', () => {
    const story = aLimit()
      .after(ask(holder(1)))
      .when(ask(holder(2)))
      .thenRecords({ type: 'SlotRequested', data: { requestNo: 2 } });

    story.when(ask(holder(1))).thenRecordsNothing();
    story.when(ask(holder(2))).thenRecordsNothing();
  });

  it('tells tasks and attempts of one run apart', () => {
    const story = aLimit().after(ask(holder(1)), ask(holder(1, 2)), ask(holder(1, 1, 2)));

    expect(openOf(story.state()).waiters).toMatchObject([holder(1, 2), holder(1, 1, 2)]);
  });

  it('orders by priority and then by who asked first', () => {
    const story = aLimit().after(
      ask(holder(1)),
      ask(holder(2)),
      ask(holder(3), { priority: 0 }),
      ask(holder(4)),
      ask(holder(5), { priority: 0 }),
      ask(holder(6), { priority: 9 }),
    );

    expect(waitersOf(story.state())).toEqual([3, 5, 2, 4, 6]);
    expect(positionOf(openOf(story.state()), holder(2))).toBe(3);
    expect(positionOf(openOf(story.state()), holder(1))).toBeUndefined();
  });

  it('grants nothing at a capacity of 0', () => {
    aLimit()
      .when(ask(holder(1), { capacity: 0 }))
      .thenRecords({ type: 'LimitOpened' }, { type: 'LimitCapacitySet' }, { type: 'SlotRequested' });
  });

  it('refuses the waiter behind the last there is a place for, and says so', () => {
    const { waitersMax } = concurrency;
    const story = crowded(waitersMax - 1);
    expect(isFull(story.state())).toBe(false);

    story.after(ask(holder(waitersMax + 1)));

    expect(isFull(story.state())).toBe(true);
    story.when(ask(holder(waitersMax + 2))).thenRefuses({ code: 'slot_refused' });
    story.when(ask(holder(1))).thenRecordsNothing();
    story.when(ask(holder(waitersMax + 1))).thenRecordsNothing();
    story
      .when(ask(holder(waitersMax + 2), { capacity: 2, changeNo: 2 }))
      .thenRecords({ type: 'LimitCapacitySet' }, { type: 'SlotRequested' }, { type: 'SlotGranted' });
    expect(limitAggregate.encodeState(story.state()).length).toBeLessThan(80_000);
  });
});

describe('giving a slot back', () => {
  it('grants it to the next waiter in the same commit', () => {
    aLimit()
      .after(ask(holder(1)), ask(holder(2)), ask(holder(3), { priority: 0 }))
      .when(giveBack(holder(1)))
      .thenRecords(
        { type: 'SlotReleased', data: { ...holder(1), requestNo: 1, wasHeld: true } },
        { type: 'SlotGranted', data: { requestNo: 3 } },
      );
  });

  it('takes a waiter out of the queue, and grants nothing for it', () => {
    const story = aLimit()
      .after(ask(holder(1)), ask(holder(2)))
      .when(giveBack(holder(2)))
      .thenRecords({ type: 'SlotReleased', data: { requestNo: 2, wasHeld: false } });

    expect(holdersOf(story.state())).toEqual([1]);
  });

  it('is nothing to whoever has neither, also to a limit nobody has asked', () => {
    aLimit()
      .when(giveBack(holder(1)))
      .thenRecordsNothing();
    aLimit()
      .after(ask(holder(1)), giveBack(holder(1)))
      .when(giveBack(holder(1)))
      .thenRecordsNothing();
  });

  it('lets a request that comes late, behind its own release, have another slot, which is refused and given back', () => {
    const story = aLimit().after(ask(holder(1)), giveBack(holder(1)), ask(holder(1)));

    expect(openOf(story.state()).slots).toMatchObject([{ requestNo: 2 }]);
    expect(limitAggregate.outstanding(story.state(), START_MS)).toMatchObject([
      { command: { type: 'GrantSlot' }, ifRefused: { stream: ofLimit, command: giveBack(holder(1)) } },
    ]);
  });
});

describe('the capacity', () => {
  it('grants to waiters at once when it grows, as many as there is room for', () => {
    aLimit()
      .after(ask(holder(1)), ask(holder(2)), ask(holder(3)), ask(holder(4)))
      .when(setCapacity(2, 3))
      .thenRecords(
        { type: 'LimitCapacitySet', data: { capacity: 3, changeNo: 2 } },
        { type: 'SlotGranted', data: { requestNo: 2 } },
        { type: 'SlotGranted', data: { requestNo: 3 } },
      );
  });

  it('takes nothing away when it shrinks, and grants nothing until less is held', () => {
    const story = aLimit().after(
      ...[1, 2, 3, 4].map((run) => ask(holder(run), { capacity: 3 })),
      setCapacity(2, 1),
    );
    expect(holdersOf(story.state())).toEqual([1, 2, 3]);

    story.when(giveBack(holder(1))).thenRecords({ type: 'SlotReleased' });
    story.when(giveBack(holder(2))).thenRecords({ type: 'SlotReleased' });
    story.when(giveBack(holder(3))).thenRecords({ type: 'SlotReleased' }, { type: 'SlotGranted' });
  });

  it('lets all waiters go when the limit is removed', () => {
    const story = aLimit().after(ask(holder(1)), ask(holder(2)), ask(holder(3)), setCapacity(2));

    expect(holdersOf(story.state())).toEqual([1, 2, 3]);
    expect(story.state()).not.toHaveProperty('capacity');
  });

  it('heeds the word with the greatest number, in whatever order they come', () => {
    const story = aLimit().after(setCapacity(3, 2));

    story.when(setCapacity(2, 9)).thenRecordsNothing();
    story.when(setCapacity(3, 9)).thenRecordsNothing();
    story
      .when(ask(holder(1), { capacity: 9, changeNo: 2 }))
      .thenRecords({ type: 'SlotRequested' }, { type: 'SlotGranted' });
    story
      .when(ask(holder(2), { capacity: 1, changeNo: 4 }))
      .thenRecords(
        { type: 'LimitCapacitySet', data: { capacity: 1, changeNo: 4 } },
        { type: 'SlotRequested' },
      );
  });
});

describe('looking after a slot', () => {
  it('leaves it alone before its lease ends, and while nobody has looked at its holder', () => {
    const story = aLimit().after(ask(holder(1)));

    story
      .at(LATER_MS - 1)
      .when(look(LATER_MS - 1, [1, 'over']))
      .thenRecordsNothing();
    story.at(LATER_MS).when(look(LATER_MS)).thenRecordsNothing();
  });

  it('expires the slot of an attempt that is over, and grants it to the next', () => {
    const story = aLimit()
      .after(ask(holder(1)), ask(holder(2)))
      .at(LATER_MS)
      .when(look(LATER_MS, [1, 'over']))
      .thenRecords({ type: 'SlotExpired', data: { ...holder(1), requestNo: 1 } }, { type: 'SlotGranted' });

    story.when(giveBack(holder(1))).thenRecordsNothing();
  });

  it('renews the slot of an attempt that goes on, which is told no more', () => {
    const story = aLimit()
      .after(ask(holder(1)))
      .at(LATER_MS)
      .when(look(LATER_MS, [1, 'taken']))
      .thenRecords({
        type: 'SlotRenewed',
        data: { requestNo: 1, leaseUntilMs: LATER_MS + concurrency.leaseMs, grantNo: 1, isTaken: true },
      });

    expect(limitAggregate.outstanding(story.state(), LATER_MS)).toEqual([]);
    expect(limitAggregate.waiting(story.state())).toMatchObject([
      { reason: 'slot', deadlineMs: LATER_MS + concurrency.leaseMs },
    ]);
  });

  it('tells a run again that has not heard, under another name and at a slower pace', () => {
    const story = aLimit().after(ask(holder(1)));
    const [first] = limitAggregate.outstanding(story.state(), START_MS);

    story
      .at(LATER_MS)
      .when(look(LATER_MS, [1, 'awaited']))
      .thenRecords({
        type: 'SlotRenewed',
        data: { leaseUntilMs: LATER_MS + 2 * concurrency.firstLeaseMs, grantNo: 2, isTaken: false },
      });

    const [second] = limitAggregate.outstanding(story.state(), LATER_MS);
    expect(limitAggregate.outstanding(story.state(), LATER_MS)).toEqual([second]);
    expect(second).toMatchObject({ command: { type: 'GrantSlot', taskKey: 'm.t1', attempt: 1, limitId } });
    expect(second?.name).not.toBe(first?.name);
  });

  it('goes after the longest overdue first, and after so many at once', () => {
    const { slotsPerLookMax } = concurrency;
    const runs = Array.from({ length: slotsPerLookMax + 1 }, (_, index) => index + 1);
    const [last = 0, ...others] = [...runs].reverse();
    const story = aLimit()
      .after(ask(holder(last), { capacity: concurrency.capacityMax }))
      .at(START_MS + 1)
      .after(...others.map((run) => ask(holder(run), { capacity: concurrency.capacityMax })))
      .at(START_MS)
      .after(look(LATER_MS + 1, ...runs.map((requestNo) => [requestNo, 'over'] as const)));

    expect(holdersOf(story.state())).toEqual([1]);
  });

  it('keeps up with a thousand slots: each within a minute of the end of its lease', () => {
    const numbers = Array.from({ length: concurrency.capacityMax }, (_, index) => index + 1);
    const story = given(
      limitAggregate,
      { stream: ofLimit, nowMs: START_MS },
      { type: 'LimitOpened', idempotencyKey: 'o', data: { ...scope, limitId } },
      ...numbers.flatMap((requestNo) => [
        {
          type: 'SlotRequested',
          idempotencyKey: `r${requestNo}`,
          data: { ...holder(requestNo), requestNo, priority: 5 },
        },
        {
          type: 'SlotGranted',
          idempotencyKey: `g${requestNo}`,
          data: { requestNo, leaseUntilMs: LATER_MS },
        },
      ]),
    );
    const lates: number[] = [];
    for (let minute = 1; minute <= 22; minute++) {
      const atMs = START_MS + minute * 60_000;
      const overdue = overdueSlots(story.state(), atMs);
      lates.push(atMs - Math.min(atMs, ...overdue.map(({ leaseUntilMs }) => leaseUntilMs)));
      story.at(atMs).after(look(atMs, ...overdue.map(({ requestNo }) => [requestNo, 'taken'] as const)));
    }

    // All were granted at one instant, so that five looks go by until the last has had its first.
    expect(Math.max(...lates)).toBe(4 * 60_000);
    expect(Math.max(...lates.slice(5))).toBeLessThanOrEqual(60_000);
  });
});

describe('the row of a limit', () => {
  it('counts who holds a slot and who waits, and nothing else', () => {
    const story = aLimit()
      .after(ask(holder(1)), ask(holder(2)), ask(holder(3)), ask(holder(4)), giveBack(holder(1)))
      .after(giveBack(holder(3)))
      .at(LATER_MS)
      .after(look(LATER_MS, [2, 'taken']));
    const row = (events: readonly RecordedEvent[]) =>
      events.reduce(
        (before: ReturnType<typeof limitProjection.apply>, event) =>
          limitProjection.apply(before, limitProjection.cursor(ofLimit), event),
        undefined,
      );

    expect(row(story.history())).toEqual({ data: { held: 1, waiting: 1 } });
    story.at(LATER_MS + concurrency.leaseMs).after(look(LATER_MS + concurrency.leaseMs, [2, 'over']));
    expect(row(story.history())).toEqual({ data: { held: 1, waiting: 0 } });
    const [event] = story.history();
    expect(event && limitProjection.details(event)).toEqual([]);
    const refused = { type: 'SlotRefused', idempotencyKey: 'k', data: { ...holder(9), waitingCount: 1 } };
    const place = { stream: ofLimit, version: 0, nowMs: START_MS };
    expect(row(recorded([refused, { ...refused, type: 'Strange' }], place))).toEqual({
      data: { held: 0, waiting: 0 },
    });
  });
});

describe('the stream of a limit', () => {
  it('names what it is of', () => {
    expect(limitScopeOf(ofLimit)).toEqual({ ...scope, limitId });
    expect(() => limitScopeOf('limit#acme/prod/rate:x')).toThrow('workspace, queue:NAME or key:NAME');
  });

  it('folds what does not fit to nothing', () => {
    const events = (...proposed: Parameters<typeof recorded>[0]) =>
      recorded(proposed, { stream: ofLimit, version: 0, nowMs: START_MS });
    const story = aLimit().after(ask(holder(1)), ask(holder(2)));
    const before = story.state();
    const again = story.history().filter(({ type }) => type !== 'SlotRequested');

    expect(again.reduce(evolve, before)).toEqual(before);
    expect(story.history().reduce(evolve, before)).toEqual(before);
    const strange = { type: 'SlotPolished', idempotencyKey: 'k', data: {} };
    const early = { type: 'SlotExpired', idempotencyKey: 'k', data: { ...holder(1), requestNo: 1 } };
    expect(events(strange).reduce(evolve, before)).toBe(before);
    const refused = { type: 'SlotRefused', idempotencyKey: 'k', data: { ...holder(9), waitingCount: 1 } };
    expect(events(refused).reduce(evolve, before)).toBe(before);
    expect(events(early).reduce<Limit>(evolve, { status: 'none' })).toEqual({ status: 'none' });
    const stale = { type: 'SlotRenewed', idempotencyKey: 'k' };
    const data = { requestNo: 1, leaseUntilMs: LATER_MS, grantNo: 9, isTaken: true };
    expect(events({ ...stale, data }).reduce(evolve, before)).toEqual(before);
  });

  it('owes and awaits nothing before it is opened, has nothing to say of itself, and is never over', () => {
    expect(limitAggregate.restatement?.of({ status: 'none' }, 1)).toBeUndefined();
    expect(limitAggregate.outstanding({ status: 'none' }, START_MS)).toEqual([]);
    expect(limitAggregate.waiting({ status: 'none' })).toEqual([]);
    expect(isFull({ status: 'none' })).toBe(false);
    expect(limitAggregate.isTerminal({ status: 'none' })).toBe(false);
    aLimit().when(limitAggregate.sweepCommand(START_MS)).thenRecordsNothing();
  });
});
