import { expect, it } from 'vitest';

import { steadyClock } from '#cli/venue/clock.ts';

/** A machine whose clocks are moved by hand, and what its timers wait for. */
const machine = () => {
  const at = { wall: 1_000, run: 5 };
  const waits: { readonly act: () => void; readonly waitMs: number }[] = [];
  const clock = steadyClock({ wallMs: () => at.wall, runMs: () => at.run }, (act, waitMs) => {
    waits.push({ act, waitMs });
    return undefined as unknown as NodeJS.Timeout;
  });
  const pass = (wallMs: number, runMs = wallMs): number => {
    at.wall += wallMs;
    at.run += runMs;
    return clock.nowMs();
  };
  return { clock, pass, waits };
};

it('begins at the wall clock, and goes on when that is set back', () => {
  const { clock, pass } = machine();
  expect(clock.nowMs()).toBe(1_000);
  expect(pass(10)).toBe(1_010);
  expect(pass(-3_600_000, 20)).toBe(1_030);
  expect(pass(5)).toBe(1_035);
  expect(pass(0, 0)).toBe(1_035);
});

it('counts the sleep of the machine, and no small difference of its clocks', () => {
  const { pass } = machine();
  const asleepMs = 8 * 3_600_000;
  expect(pass(asleepMs, 0)).toBe(1_000 + asleepMs);
  expect(pass(1_000, 0)).toBe(1_000 + asleepMs);
  expect(pass(1, 0)).toBe(2_001 + asleepMs);
  expect(pass(0, 1_000)).toBe(3_001 + asleepMs);
});

it('runs no faster when it is read often', () => {
  const { pass } = machine();
  let nowMs = 0;
  for (let reads = 0; reads < 3_000; reads++) nowMs = pass(reads % 4 === 0 ? 1 : 0, 0.25);
  expect(nowMs).toBe(1_750);
});

it('waits for as long as is left, and for more than a timer takes in parts', () => {
  const { clock, pass, waits } = machine();
  let ended = 0;
  clock.at(1_500, () => (ended += 1));
  expect(waits[0]?.waitMs).toBe(500);
  waits[0]?.act();
  expect(ended).toBe(1);
  clock.at(0, () => undefined);
  expect(waits[1]?.waitMs).toBe(0);

  clock.at(1_000 + 2 ** 31, () => (ended += 1));
  expect(waits[2]?.waitMs).toBe(2 ** 31 - 1);
  pass(2 ** 31 - 1);
  waits[2]?.act();
  expect([ended, waits[3]?.waitMs]).toEqual([1, 1]);
  waits[3]?.act();
  expect(ended).toBe(2);
});

it('may be told to wait no more', () => {
  const clock = steadyClock();
  clock.cancel(clock.at(clock.nowMs() + 60_000, () => expect.unreachable()));
  clock.cancel({ atMs: 0 });
});
