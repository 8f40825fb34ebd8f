import fc from 'fast-check';
import { expect, it } from 'vitest';

import { createdAdapter, stepAdapter } from '#domain/market/transport/adapter.ts';
import type { Adapter, AdapterCommand, AdapterEvent } from '#domain/market/transport/adapter.ts';
import { adapterSetting } from '#domain/market/transport/setting.ts';

const limits = fc.record({
  connect_timeout_ms: fc.constantFrom(null, 50),
  read_timeout_ms: fc.constantFrom(null, 100),
  retry: fc.record({
    min_delay_ms: fc.integer({ min: 1, max: 20 }),
    max_delay_ms: fc.integer({ min: 20, max: 80 }),
    max_attempts: fc.integer({ min: 1, max: 4 }),
    max_elapsed_ms: fc.constantFrom(null, 60),
  }),
  backpressure: fc.record({
    policy: fc.constantFrom('block' as const, 'fail' as const),
    max_pending: fc.constant(10),
    max_block_ms: fc.constantFrom(null, 30),
  }),
});

/** A venue that does as it likes: what happens next, to which connection, and how much later. */
const happenings = fc.array(
  fc.record({
    type: fc.constantFrom('opened', 'subscribed', 'read', 'full', 'lost', 'free', 'elapsed', 'elapsed'),
    isStale: fc.boolean(),
    afterMs: fc.integer({ min: 0, max: 60 }),
  }),
  { maxLength: 60 },
);

interface World {
  adapter: Adapter;
  nowMs: number;
  /** What the shell has open, and the timer it keeps. */
  open: number | undefined;
  wakeMs: number | undefined;
  commands: AdapterCommand[];
}

const createdWorld = (): World => ({
  adapter: createdAdapter,
  nowMs: 0,
  open: undefined,
  wakeMs: undefined,
  commands: [],
});

const perform = (world: World, commands: readonly AdapterCommand[]): void => {
  for (const command of commands) {
    world.commands.push(command);
    if (command.kind === 'connect') {
      // One connection at a time.
      expect(world.open).toBeUndefined();
      world.open = command.connection;
    } else if (command.kind === 'close') {
      world.open = undefined;
      world.wakeMs = undefined;
    } else if (command.kind === 'wake') {
      expect(command.atMs).toBeGreaterThanOrEqual(world.nowMs);
      world.wakeMs = command.atMs;
    } else if (command.kind === 'subscribe' || command.kind === 'pause' || command.kind === 'resume')
      expect(command.connection).toBe(world.open);
  }
};

it('has one connection at a time, is never silent without a bound, and tries no more often in a row than it may', () => {
  fc.assert(
    fc.property(limits, happenings, (given, events) => {
      const setting = adapterSetting(given);
      const world = createdWorld();
      const step = (event: AdapterEvent): void => {
        const next = stepAdapter(setting, world.adapter, { event, nowMs: world.nowMs });
        world.adapter = next.adapter;
        perform(world, next.commands);
      };
      step({ type: 'start' });
      for (const { type, isStale, afterMs } of events) {
        world.nowMs += afterMs;
        const connection = world.adapter.connection - (isStale ? 1 : 0);
        const before = world.commands.length;
        if (type === 'free' || type === 'elapsed') step({ type });
        else step(type === 'lost' ? { type, connection, errorDetail: 'gone' } : { type, connection });
        if (isStale && type !== 'free' && type !== 'elapsed') expect(world.commands.length).toBe(before);
        expect(world.adapter.tries).toBeLessThanOrEqual(setting.retry.attemptsMax);
        const { kind } = world.adapter.phase;
        const isOver = kind === 'failed';
        const isUnbounded = kind === 'blocked' && setting.backpressure.blockMaxMs === undefined;
        if (!isUnbounded) expect(world.wakeMs === undefined).toBe(isOver);
        expect(world.open === undefined).toBe(isOver || kind === 'waiting');
      }
      // Every connection but the first was told, with its count.
      const counts = world.commands.flatMap((command) =>
        command.kind === 'tell' && command.report.state === 'reconnecting'
          ? [command.report.reconnectCount]
          : [],
      );
      expect(counts).toEqual(counts.map((_, index) => index + 1));
    }),
  );
});

it('ends by itself at a venue that never answers, after as many tries as it may make', () => {
  fc.assert(
    fc.property(limits, (given) => {
      const setting = adapterSetting(given);
      const world = createdWorld();
      let event: AdapterEvent = { type: 'start' };
      for (let steps = 0; world.adapter.phase.kind !== 'failed'; steps++) {
        const next = stepAdapter(setting, world.adapter, { event, nowMs: world.nowMs });
        world.adapter = next.adapter;
        perform(world, next.commands);
        world.nowMs = world.wakeMs ?? world.nowMs;
        event = { type: 'elapsed' };
        expect(steps).toBeLessThan(20);
      }
      const tries = world.commands.filter(({ kind }) => kind === 'connect').length;
      expect(tries).toBeGreaterThanOrEqual(1);
      expect(tries).toBeLessThanOrEqual(setting.retry.attemptsMax);
    }),
  );
});
