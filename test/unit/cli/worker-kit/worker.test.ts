import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Execute } from '#cli/worker-kit/attempt.ts';
import type { TaskStopped } from '#cli/worker-kit/failure.ts';
import type { Answer } from '#cli/worker-kit/request.ts';
import {
  again,
  queueOfOne,
  sampleTask,
  startWorker,
  taken,
  taskNumber,
  unwanted,
} from '#test/support/worker-server.ts';
import type { Rig } from '#test/support/worker-server.ts';

afterEach(() => vi.useRealTimers());

const nothing = taken({ tasks: [] });
const keysOf = ({ asked }: Rig): readonly (string | undefined)[] =>
  asked.filter(({ kind }) => kind === 'claim').map(({ request }) => request.idempotencyKey);
/** Never ends, whatever it is told. */
const deaf: Execute = () => new Promise(() => undefined);
const lasting =
  (ms: number): Execute =>
  () =>
    new Promise((resolve) => setTimeout(() => resolve({}), ms));

/** Claims answered in turn, then none; stopped after so long. */
const claims = async (answers: readonly Answer[], forMs: number): Promise<Rig> => {
  const rig = startWorker({ claim: (_, count) => answers[count - 1] }, { concurrency: 3 });
  await rig.pass(forMs);
  rig.stop.abort();
  await rig.ended();
  return rig;
};

describe('a claim', () => {
  it('has a key of its own and waits for work', async () => {
    const rig = await claims([nothing, nothing], 1_000);

    expect(new Set(keysOf(rig)).size).toBe(3);
    expect(keysOf(rig)).not.toContain(undefined);
    expect(rig.bodies('claim')[0]).toEqual({
      ...{ workerId: 'wk-1', queue: 'default-queue', maxTasks: 3, waitMs: 5_000 },
    });
  });

  it.each([
    ['nobody answers', again],
    ['the answer is nonsense', taken({ tasks: 'none' })],
  ])('is repeated as it was when %s', async (_, answer) => {
    const rig = await claims([answer, answer, nothing, nothing], 10_000);

    expect(new Set(keysOf(rig).slice(0, 3)).size).toBe(1);
    expect(keysOf(rig)[3]).not.toBe(keysOf(rig)[0]);
    expect(rig.bodies('claim')[2]).toEqual(rig.bodies('claim')[0]);
    expect(rig.asked.slice(0, 3).map(({ atMs }) => atMs)).toEqual([0, 1_000, 3_000]);
    expect(rig.said[0]).toMatch(/^claim failed: /);
  });

  it('gets another key after twenty tries', async () => {
    const rig = await claims(
      Array.from({ length: 20 }, () => again),
      600_000,
    );

    expect(new Set(keysOf(rig).slice(0, 20)).size).toBe(1);
    expect(keysOf(rig)[20]).not.toBe(keysOf(rig)[0]);
  });

  it.each([
    [0, 500],
    [499, 500],
    [501, 501],
    [20_000, 20_000],
    [20_001, 20_000],
  ])('that is to wait %i ms asks for %i', async (claimWaitMs, waitMs) => {
    const rig = startWorker({ claim: () => undefined }, { claimWaitMs });
    rig.stop.abort();

    expect(await rig.ended()).toBe(waitMs);
    expect(rig.bodies('claim')).toMatchObject([{ waitMs }]);
  });

  it('under a key that was used gets another', async () => {
    const rig = await claims([unwanted('idempotency_key_reused'), nothing], 1_000);

    expect(new Set(keysOf(rig)).size).toBe(3);
  });

  it.each([
    ['invalid_token', unwanted('invalid_token')],
    ['invalid_request', { kind: 'faulty', code: 'invalid_request', message: 'no' }],
  ] as const)('that is refused ends the worker once its work has ended: %s', async (code, refusal) => {
    const rig = startWorker(
      { claim: (_, count) => (count === 1 ? taken({ tasks: [sampleTask] }) : refusal) },
      { concurrency: 2, execute: lasting(8_000) },
    );

    await expect(rig.ended()).rejects.toMatchObject({ name: 'ClaimRefused', code });
    expect(rig.asked.at(-1)).toMatchObject({ kind: 'completed', atMs: 8_000 });
  });

  it('asks for as many tasks as are free, ten at most, and waits while none is', async () => {
    const tasks = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(taskNumber);
    const rig = startWorker(
      {
        claim: (_, count) =>
          count === 1
            ? taken({ tasks })
            : count === 2
              ? taken({ tasks: [11, 12].map(taskNumber) })
              : undefined,
      },
      { concurrency: 12, execute: lasting(7_000) },
    );
    await rig.pass(6_000);
    expect(rig.bodies('claim').map((body) => (body as { maxTasks: number }).maxTasks)).toEqual([10, 2]);
    await rig.pass(1_500);
    rig.stop.abort();
    await rig.ended();

    expect(rig.bodies('completed')).toHaveLength(12);
    expect(rig.bodies('claim')).toHaveLength(3);
  });

  it('that hands out an attempt in work changes nothing', async () => {
    let executed = 0;
    const rig = startWorker(
      { claim: (_, count) => (count <= 2 ? taken({ tasks: [sampleTask] }) : undefined) },
      {
        concurrency: 2,
        execute: (...work) => {
          executed += 1;
          return lasting(1_000)(...work);
        },
      },
    );
    await rig.pass(2_000);
    rig.stop.abort();
    await rig.ended();

    expect([executed, rig.bodies('completed').length]).toEqual([1, 1]);
  });
});

describe('the end of a worker', () => {
  it('claims nothing more, and takes what the last claim brings', async () => {
    const rig = startWorker(
      { claim: (_, count) => (count === 1 ? again : taken({ tasks: [sampleTask] })) },
      { execute: lasting(2_000) },
    );
    await rig.pass(0);
    rig.stop.abort();

    expect(await rig.ended()).toBe(3_000);
    expect(rig.bodies('completed')).toMatchObject([{ outcome: 'SUCCEEDED' }]);
    expect(rig.bodies('claim')).toHaveLength(2);
  });

  it('comes at once when it was asked for before the beginning', async () => {
    const stop = new AbortController();
    stop.abort();
    const rig = startWorker({}, { signal: stop.signal });

    expect([await rig.ended(), rig.asked]).toEqual([0, []]);
  });

  it('waits for work that ends within the grace', async () => {
    const rig = startWorker({}, { execute: lasting(29_000) });
    await rig.pass(0);
    rig.stop.abort();

    expect(await rig.ended()).toBe(29_000);
    expect(rig.bodies('completed')).toMatchObject([{ outcome: 'SUCCEEDED' }]);
  });

  it('tells work behind the grace to stop, and has the attempt made again elsewhere', async () => {
    const rig = startWorker(
      {},
      {
        graceMs: 1_000,
        execute: (_, { signal }) =>
          new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as TaskStopped), { once: true }),
          ),
      },
    );
    await rig.pass(500);
    rig.stop.abort();

    expect(await rig.ended()).toBe(1_500);
    expect(rig.bodies('completed')).toMatchObject([
      {
        outcome: 'FAILED',
        error: { category: 'INFRASTRUCTURE', message: expect.stringMatching(/was stopped/) },
      },
    ]);
  });

  it('leaves work that does not stop after five seconds more', async () => {
    const rig = startWorker({}, { graceMs: 1_000, execute: deaf });
    await rig.pass(0);
    rig.stop.abort();

    expect(await rig.ended()).toBe(6_000);
    expect(rig.bodies('completed')).toMatchObject([{ error: { category: 'INFRASTRUCTURE' } }]);
  });

  it.each([
    ['is not answered', () => undefined],
    ['fails', () => again],
  ])('comes ten seconds later when the last report %s', async (_, completed) => {
    const rig = startWorker({ completed }, { graceMs: 1_000, execute: deaf });
    await rig.pass(0);
    rig.stop.abort();

    expect(await rig.ended()).toBe(16_000);
    expect(rig.said.at(-1)).toMatch(/ended unheard: /);
  });

  it('cuts a claim and a start that are not answered within the grace', async () => {
    const claiming = startWorker({ claim: () => again }, { graceMs: 1_500 });
    await claiming.pass(0);
    claiming.stop.abort();
    expect(await claiming.ended()).toBe(1_500);

    const starting = startWorker({ started: () => undefined }, { graceMs: 1_500, messages: queueOfOne() });
    await starting.pass(0);
    starting.stop.abort();
    expect(await starting.ended()).toBe(1_500);
    expect(starting.bodies('completed')).toMatchObject([{ error: { category: 'INFRASTRUCTURE' } }]);
  });
});
