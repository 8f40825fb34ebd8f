import { describe, expect, it } from 'vitest';

import { adapterSetting } from '#domain/market/transport/setting.ts';
import type { MarketRecord } from '#domain/ports/outside.ts';
import { outbox } from '#cli/venue/outbox.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import { queueOf } from '#test/support/venue.ts';

const record = (id: number, size = 1): MarketRecord => ({
  partitionKey: 'key',
  body: `${id}`.padStart(size, '0'),
});
const records = (count: number, size?: number): readonly MarketRecord[] =>
  Array.from({ length: count }, (_, id) => record(id, size));

type Answer = (put: readonly MarketRecord[]) => Promise<readonly MarketRecord[]>;
const all: Answer = () => Promise.resolve([]);
const none: Answer = (put) => Promise.resolve(put);
const fails: Answer = () => Promise.reject(new Error('away'));

/** An outbox whose puts are answered one by one, each as the test says. */
const writing = (pendingMax = 10_000) => {
  const clock = virtualClock(0);
  const puts = queueOf<{ readonly put: readonly MarketRecord[]; readonly answer: (by: Answer) => void }>();
  const events: string[] = [];
  const { retry } = adapterSetting(null);
  const own = outbox({
    sink: {
      put: (put) =>
        new Promise((resolve, reject) =>
          puts.put({ put, answer: (by) => void by(put).then(resolve, reject) }),
        ),
    },
    bounds: { retry, backpressure: { policy: 'block', pendingMax } },
    clock,
    onFree: () => events.push('free'),
    onBroken: (errorDetail) => events.push(errorDetail),
  });
  return {
    ...{ own, clock, events },
    /** Answers the next put; says how many it had. */
    answer: async (by: Answer): Promise<number> => {
      const { put, answer } = await puts.next();
      answer(by);
      return put.length;
    },
    /** Waits until it waits, and lets that time pass. */
    pass: async (): Promise<number> => {
      const before = clock.nowMs();
      while (clock.pendingCount() === 0) await Promise.resolve();
      clock.step(Number.MAX_SAFE_INTEGER);
      return clock.nowMs() - before;
    },
  };
};

describe('an outbox', () => {
  it('has room below its bound, and none at it', () => {
    const { own } = writing(3);
    expect(own.accept(records(2))).toBe(true);
    expect(own.accept(records(1))).toBe(false);
    expect(own.pendingCount()).toBe(3);
  });

  it('says that it is free when half of what may wait is left, once', async () => {
    const at = writing(4);
    at.own.accept([record(1)]);
    at.own.accept(records(3));
    expect(await at.answer(all)).toBe(1);
    expect(await at.answer((put) => Promise.resolve(put.slice(1)))).toBe(3);
    await at.pass();
    expect(await at.answer(all)).toBe(2);
    await at.own.drained();
    expect(at.events).toEqual(['free']);
  });

  it('writes 500 records, or four million bytes, at once', async () => {
    const many = writing();
    many.own.accept(records(1_001));
    expect(await many.answer(all)).toBe(500);
    expect(await many.answer(all)).toBe(500);
    expect(await many.answer(all)).toBe(1);

    const large = writing();
    large.own.accept(records(5, 1_000_000));
    expect(await large.answer(all)).toBe(3);
    expect(await large.answer(all)).toBe(2);

    const huge = writing();
    huge.own.accept(records(2, 5_000_000));
    expect(await huge.answer(all)).toBe(1);
  });

  it('writes again what was refused, after the delays, before what follows', async () => {
    const at = writing();
    at.own.accept(records(2));
    expect(await at.answer((put) => Promise.resolve(put.slice(1)))).toBe(2);
    at.own.accept([record(9)]);
    expect(await at.pass()).toBe(250);
    expect(await at.answer(none)).toBe(1);
    expect(await at.pass()).toBe(500);
    expect(await at.answer(all)).toBe(1);
    expect(await at.answer(all)).toBe(1);
    await at.own.drained();
    expect([at.own.pendingCount(), at.events]).toEqual([0, []]);
  });

  it('gives up after five tries of which nothing was taken, and keeps count of what is left', async () => {
    const at = writing();
    at.own.accept(records(2));
    for (const delayMs of [250, 500, 1_000, 2_000]) {
      await at.answer(fails);
      expect(await at.pass()).toBe(delayMs);
    }
    await at.answer(fails);
    await at.own.drained();
    expect(at.events).toEqual(['the sink cannot be written: Error: away']);
    at.own.accept(records(1));
    await at.own.drained();
    expect(at.own.pendingCount()).toBe(3);
  });

  it('begins its tries anew with each record that was taken', async () => {
    const at = writing();
    at.own.accept(records(6));
    for (let left = 6; left > 1; left--) {
      await at.answer((put) => Promise.resolve(put.slice(1)));
      expect(await at.pass()).toBe(250);
    }
    await at.answer(none);
    expect(await at.pass()).toBe(500);
    await at.answer(all);
    await at.own.drained();
    expect(at.events).toEqual([]);
  });

  it('tries no more when nobody reads what it writes', async () => {
    const at = writing();
    at.own.accept(records(2));
    await at.answer(() => Promise.reject(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })));
    await at.own.drained();
    expect([at.own.pendingCount(), at.events]).toEqual([
      2,
      ['the sink cannot be written: Error: write EPIPE'],
    ]);
  });

  it('writes what it is given, whenever that comes', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const taken: MarketRecord[] = [];
      const own = outbox({
        sink: {
          put: (put) => {
            taken.push(...put);
            return Promise.resolve([]);
          },
        },
        bounds: adapterSetting(null),
        clock: virtualClock(0),
        onFree: () => undefined,
        onBroken: () => expect.unreachable(),
      });
      own.accept([record(1)]);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      own.accept([record(2)]);
      await own.drained();
      expect([turns, taken, own.pendingCount()]).toEqual([turns, [record(1), record(2)], 0]);
    }
  });
});
