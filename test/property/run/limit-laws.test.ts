/** Laws of limits, under any order of requests, releases, changes of capacity and looks, each told twice or late. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#contracts/event.ts';
import { concurrency } from '#contracts/runs/limits.ts';
import { asLimitEvent } from '#domain/limit/evolve.ts';
import type { LimitCommand, Standing } from '#domain/limit/command.ts';
import { overdueSlots } from '#domain/limit/decide.ts';
import type { Holder, Limit } from '#domain/limit/limit.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import { limitProjection, limitRowKey } from '#domain/limit/limit-projection.ts';
import { recorded, reloaded } from '#test/support/decider.ts';
import { ask, giveBack, holder, ofLimit, setCapacity } from '#test/support/limit-fixtures.ts';
import { START_MS } from '#test/support/run-fixtures.ts';

const RUNS = 8;

type Step =
  | { readonly kind: 'ask'; readonly run: number; readonly priority: number }
  | { readonly kind: 'end'; readonly run: number }
  | { readonly kind: 'capacity'; readonly changeNo: number; readonly capacity: number | undefined }
  | { readonly kind: 'look'; readonly afterMs: number; readonly standing: Standing };

const run = fc.integer({ min: 1, max: RUNS });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('ask'), run, priority: fc.integer({ min: 0, max: 2 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('end'), run }) },
  fc.record({
    kind: fc.constant('capacity'),
    changeNo: fc.integer({ min: 1, max: 20 }),
    capacity: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('look'),
    afterMs: fc.integer({ min: 0, max: 2 * concurrency.firstLeaseMs }),
    standing: fc.constantFrom('awaited', 'taken', 'over'),
  }),
);

/** A limit that decides commands one after the other and keeps what it recorded. */
const machine = () => {
  let state: Limit = limitAggregate.initialState();
  let nowMs = START_MS;
  const history: RecordedEvent[] = [];
  const decide = (command: LimitCommand): void => {
    const decision = limitAggregate.decide(command, state, { nowMs, stream: ofLimit });
    if (decision.kind === 'rejected') throw new Error(decision.rejection.message);
    for (const proposed of decision.events) {
      const events = recorded([proposed], { stream: ofLimit, version: history.length, nowMs });
      history.push(...events);
      state = events.reduce(limitAggregate.evolve, state);
      // At the moment of granting there was room for it, whatever the capacity was before or becomes later.
      if (proposed.type === 'SlotGranted' && state.status === 'open')
        expect(state.slots.length).toBeLessThanOrEqual(state.capacity ?? concurrency.slotsMax);
    }
    state = reloaded(limitAggregate, state, []);
  };
  return {
    decide,
    state: () => state,
    history,
    nowMs: () => nowMs,
    wait: (ms: number) => {
      nowMs += ms;
    },
  };
};

const lookOf = (limit: Limit, nowMs: number, standing: Standing): LimitCommand => ({
  type: 'SweepLimit',
  nowMs,
  seen: overdueSlots(limit, nowMs).map(({ requestNo }) => ({ requestNo, standing })),
});

const commandOf = (told: Step, limit: Limit, nowMs: number): LimitCommand => {
  switch (told.kind) {
    case 'ask':
      return ask(holder(told.run), { priority: told.priority, capacity: 2 });
    case 'end':
      return giveBack(holder(told.run));
    case 'capacity':
      return setCapacity(told.changeNo, told.capacity);
    case 'look':
      return lookOf(limit, nowMs, told.standing);
  }
};

/** What a fold comes to that begins with what this state says of itself, or meets it after something else. */
const restated = (state: Limit, version: number): Limit => {
  const event = limitAggregate.restatement?.of(state, version + 1);
  const events = recorded(event ? [event] : [], { stream: ofLimit, version, nowMs: START_MS });
  const fresh = events.reduce(limitAggregate.evolve, limitAggregate.initialState());
  expect(events.reduce(limitAggregate.evolve, state)).toEqual(fresh);
  return fresh;
};

const names = (holders: readonly Holder[]): readonly string[] => holders.map(({ runId }) => runId);

describe('a limit', () => {
  it('never grants beyond its capacity, never lets a waiter wait while there is room, and names nobody twice', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 40 }), (steps) => {
        const limit = machine();
        for (const [told, isRepeated] of steps) {
          if (told.kind === 'look') limit.wait(told.afterMs);
          const command = commandOf(told, limit.state(), limit.nowMs());
          limit.decide(command);
          if (isRepeated) limit.decide(command);
          const state = limit.state();
          if (state.status === 'none') continue;
          const isFull = state.slots.length >= (state.capacity ?? concurrency.slotsMax);
          expect(state.waiters.length === 0 || isFull).toBe(true);
          const known = [...names(state.slots), ...names(state.waiters)];
          expect(new Set(known).size).toBe(known.length);
          const order = state.waiters.map(({ priority, requestNo }) => priority * 1e6 + requestNo);
          expect(order).toEqual([...order].sort((left, right) => left - right));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('holds nothing once every attempt has ended or was seen to be over, whatever became of the releases', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30 }),
        fc.array(fc.boolean(), { minLength: RUNS, maxLength: RUNS }),
        (steps, isToldOf) => {
          const limit = machine();
          limit.decide(setCapacity(100, 2));
          for (const told of steps) limit.decide(commandOf(told, limit.state(), limit.nowMs()));
          for (const [index, isTold] of isToldOf.entries())
            if (isTold) limit.decide(giveBack(holder(index + 1)));
          for (let looks = 0; looks < RUNS; looks++) {
            limit.wait(concurrency.leaseMs);
            limit.decide(lookOf(limit.state(), limit.nowMs(), 'over'));
          }
          expect(limit.state()).toMatchObject({ slots: [], waiters: [] });
          expect(limitAggregate.outstanding(limit.state(), limit.nowMs())).toEqual([]);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('counts in its row what it holds, and its history, or what it says of itself, folds to the state it decides on', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const limit = machine();
        for (const told of steps) limit.decide(commandOf(told, limit.state(), limit.nowMs()));
        const state = limit.state();
        if (state.status === 'none') return;
        const key = limitRowKey(ofLimit);
        const row = limit.history.reduce(
          (before: ReturnType<typeof limitProjection.apply>, event) =>
            limitProjection.apply(before, key, event),
          undefined,
        );
        expect(row?.data).toEqual({ held: state.slots.length, waiting: state.waiters.length });
        expect(limit.history.reduce(limitAggregate.evolve, limitAggregate.initialState())).toEqual(state);
        expect(restated(state, limit.history.length)).toEqual(state);
        expect(limit.history.every((event) => asLimitEvent(event) !== undefined)).toBe(true);
        const keys = limit.history.map(({ idempotencyKey }) => idempotencyKey);
        expect(new Set(keys).size).toBe(keys.length);
      }),
      { numRuns: 100 },
    );
  });
});
