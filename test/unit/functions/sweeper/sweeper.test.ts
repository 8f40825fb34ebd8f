import { beforeEach, describe, expect, it } from 'vitest';
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
  const run = async (): Promise<readonly string[]> => {
    const { ledger: due, rearms, cursors, queues } = adapters;
    const ports = { due, rearms, cursors, queues, telemetry: witness(), nowMs: stage.clock.nowMs };
    const count = await sweepOnce(ports, { sweepOverlapMinutes: 3 });
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
    await arm('counter#l/m/future', 300 * MINUTE_MS);
    pass(200 * MINUTE_MS);
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
    expect(await adapters.cursors.get('sweeper')).toBe(stage.clock.nowMs());
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
});
