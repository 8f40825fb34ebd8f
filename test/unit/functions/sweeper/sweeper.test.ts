import { beforeEach, describe, expect, it } from 'vitest';
import { forgetSweeperCursor } from '#adapters/dynamodb/cursor-reset.ts';
import { dueBucket } from '#domain/kernel/due.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { sweepOnce } from '#functions/sweeper/sweeper.ts';
import { counter } from '#test/support/counter.ts';
import type { CounterCommand } from '#test/support/counter.ts';
import { adaptersOf, commandPorts, requestOf, witness } from '#test/support/ledger.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const MINUTE_MS = 60_000;

describe('the sweeper', () => {
  let stage: LocalStage;
  let adapters: ReturnType<typeof adaptersOf>;
  beforeEach(async () => {
    stage = await localStage();
    adapters = adaptersOf(stage);
  });

  /** A stream whose deadline is this far ahead. */
  const arm = async (stream: string, waitMs: number): Promise<void> => {
    const add = requestOf<CounterCommand>(stream, { type: 'Add', amount: 1, waitMs });
    await mailbox(commandPorts(stage)).send(counter, add);
  };
  const run = async (sweepMessagesMax = 1_000): Promise<readonly string[]> => {
    const { ledger: due, rearms, cursors, queues } = adapters;
    const ports = { due, rearms, cursors, queues, telemetry: witness(), nowMs: stage.clock.nowMs };
    const count = await sweepOnce(ports, { sweepOverlapMinutes: 3, sweepMessagesMax });
    const streams = (await stage.drain('sweep')).map(
      ({ Body }) => (JSON.parse(String(Body)) as { stream: string }).stream,
    );
    expect(streams).toHaveLength(count);
    return streams.sort();
  };
  const pass = (ms: number): void => stage.clock.jump(stage.clock.nowMs() + ms);

  it('asks for streams whose deadline has passed, and for no others', async () => {
    await arm('counter#l/m/soon', 90_000);
    await arm('counter#l/m/later', 10 * MINUTE_MS);
    expect(await run()).toEqual([]);

    pass(2 * MINUTE_MS);
    expect(await run()).toEqual(['counter#l/m/soon']);
    pass(9 * MINUTE_MS);
    expect(await run()).toContain('counter#l/m/later');
  });

  it('looks at the minutes of its overlap again and then no more', async () => {
    await run();
    await arm('counter#l/m/soon', 30_000);
    const looks: number[] = [];

    for (let minute = 1; minute <= 8; minute++) {
      pass(MINUTE_MS);
      if ((await run()).length > 0) looks.push(minute);
    }

    expect(looks).toEqual([1, 2, 3, 4]);
  });

  it('finds what was re-armed', async () => {
    await run();
    const deadlineMs = START_MS + 5 * MINUTE_MS;
    await adapters.rearms.put(dueBucket('counter#l/m/one', deadlineMs), 'counter#l/m/one');

    pass(4 * MINUTE_MS);
    expect(await run()).toEqual([]);
    pass(MINUTE_MS);
    expect(await run()).toEqual(['counter#l/m/one']);
  });

  it('reads the whole index once when its cursor was lost, and the past of it only', async () => {
    await arm('counter#l/m/old', MINUTE_MS);
    pass(200 * MINUTE_MS);
    await arm('counter#l/m/future', 10 * MINUTE_MS);
    stage.requests();

    expect(await run()).toEqual(['counter#l/m/old']);
    expect(stage.requests()).toMatchObject({ 'dynamodb.Scan': 1 });

    pass(MINUTE_MS);
    await run();
    expect(stage.requests()).not.toHaveProperty('dynamodb.Scan');
  });

  it('catches up after an outage in bounded passes and misses nothing', async () => {
    await run();
    await arm('counter#l/m/early', 5 * MINUTE_MS);
    await arm('counter#l/m/middle', 45 * MINUTE_MS);
    await arm('counter#l/m/late', 85 * MINUTE_MS);
    pass(90 * MINUTE_MS);
    const found = new Set<string>();

    for (let passes = 0; passes < 3; passes++) for (const stream of await run()) found.add(stream);

    expect([...found].sort()).toEqual(['counter#l/m/early', 'counter#l/m/late', 'counter#l/m/middle']);
    expect((await adapters.cursors.read('sweeper')).position).toBe(stage.clock.nowMs());
  });

  it('does not move its cursor past what it could not ask for', async () => {
    await run();
    await arm('counter#l/m/soon', 30_000);
    pass(10 * MINUTE_MS);
    stage.inject({ service: 'sqs', operation: 'SendMessageBatch', kind: 'server-error', calls: [1] });

    await expect(run()).rejects.toThrow();
    pass(10 * MINUTE_MS);

    expect(await run()).toEqual(['counter#l/m/soon']);
  });

  const names = (count: number): readonly string[] =>
    Array.from({ length: count }, (_, index) => `counter#l/m/${index}`);

  it('reads the whole index over as many passes as it takes, and deadlines passed meanwhile after it', async () => {
    for (const name of names(5)) await arm(name, MINUTE_MS);
    pass(10 * MINUTE_MS);
    const startedAtMs = stage.clock.nowMs();
    const found: string[] = [];

    for (const size of [2, 2]) {
      const streams = await run(2);
      expect(streams).toHaveLength(size);
      expect((await adapters.cursors.read('sweeper')).position).toBeUndefined();
      found.push(...streams);
      pass(MINUTE_MS);
    }
    await arm('counter#l/m/meanwhile', 1);
    found.push(...(await run(2)));

    expect(found.filter((stream) => stream !== 'counter#l/m/meanwhile').sort()).toEqual(names(5));
    expect((await adapters.cursors.read('sweeper')).position).toBe(startedAtMs);
    expect((await adapters.cursors.read('sweeper')).place).toBeUndefined();
    pass(MINUTE_MS);
    expect(await run()).toContain('counter#l/m/meanwhile');
  });

  it('starts the whole reading over when its cursor is forgotten under way', async () => {
    for (const name of names(3)) await arm(name, MINUTE_MS);
    pass(10 * MINUTE_MS);
    await run(2);

    await forgetSweeperCursor(adapters.client, 'control');

    expect(await run()).toEqual(names(3));
  });

  it('ends a pass with the minute that is full, and goes on behind it', async () => {
    await run();
    const [one, two, three, four] = names(4) as [string, string, string, string];
    await arm(one, 4 * MINUTE_MS);
    await arm(two, 4 * MINUTE_MS);
    await arm(three, 5 * MINUTE_MS);
    await arm(four, 14 * MINUTE_MS);
    pass(14 * MINUTE_MS);

    expect(await run(2)).toEqual([one, two]);
    expect(await run(2)).toEqual([one, two, three, four].sort());
    expect((await adapters.cursors.read('sweeper')).position).toBe(stage.clock.nowMs());
  });

  it('gets on through minutes that are each full', async () => {
    await run();
    for (const [index, name] of names(6).entries()) await arm(name, (index + 1) * MINUTE_MS);
    pass(10 * MINUTE_MS);
    const found = new Set<string>();

    for (let passes = 0; passes < 6; passes++) for (const stream of await run(1)) found.add(stream);

    expect([...found].sort()).toEqual(names(6));
  });
});
