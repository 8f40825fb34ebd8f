import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Execute } from '#cli/worker-kit/attempt.ts';
import type { TaskStopped } from '#cli/worker-kit/failure.ts';
import { TaskFailure } from '#cli/worker-kit/failure.ts';
import { again, queueOfOne, sampleTask, startWorker, taken, unwanted } from '#test/support/worker-server.ts';
import type { Rig, Script } from '#test/support/worker-server.ts';
import { rejectWith } from '#test/support/thrown.ts';

afterEach(() => vi.useRealTimers());

const output = { materializationId: 'mat_1', rowCount: 3, deltaTable: 'a.b', deltaVersion: 7 };
const faulty = { kind: 'faulty', code: 'invalid_request', message: 'no such member' } as const;

/** Works until it is told to stop, then throws why. */
const untilStopped: Execute = (_, { signal }) =>
  new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as TaskStopped), { once: true }),
  );
const lasting =
  (ms: number): Execute =>
  () =>
    new Promise((resolve) => setTimeout(() => resolve({ output }), ms));
const failing =
  (error: unknown): Execute =>
  () =>
    rejectWith(error);
/** Answers the first so many requests with `again`. */
const deafFor =
  (count: number): Script =>
  (_, asked) =>
    asked <= count ? again : taken();

type Scripts = Parameters<typeof startWorker>[0];

/** One task from its claim to its end; the worker is stopped after so long. */
const attempt = (execute: Execute, scripts: Scripts = {}, forMs = 1_000) =>
  through(startWorker(scripts, { execute }), forMs);

/** One task that was sent. */
const attemptSent = (execute: Execute, scripts: Scripts = {}, forMs = 1_000) =>
  through(startWorker(scripts, { execute, messages: queueOfOne() }), forMs);

const through = async (rig: Rig, forMs: number): Promise<Rig> => {
  await rig.pass(forMs);
  rig.stop.abort();
  await rig.ended();
  return rig;
};

describe('the reports of an attempt', () => {
  it('go to the address its task names, with the token of the task', async () => {
    const { asked } = await attempt(() => Promise.resolve({ output, metrics: { cpuTimeMs: 5 } }));

    const { callbackBaseUrl, taskId, taskToken } = sampleTask;
    expect(asked.slice(0, 2).map(({ request: { url, token } }) => [url, token])).toEqual([
      ['https://api.test/dev/v1/workspaces/main/workers/claim', 'key'],
      [`${callbackBaseUrl}/v1/callbacks/${taskId}/completed`, taskToken],
    ]);
    expect(asked[1]?.request.body).toEqual({
      ...{ attempt: sampleTask.attempt, attemptId: sampleTask.attemptId, workerId: 'wk-1' },
      ...{ outcome: 'SUCCEEDED', output, metrics: { cpuTimeMs: 5 } },
    });
  });

  it.each([
    [new TaskFailure('DATA_QUALITY', 'no rows'), { category: 'DATA_QUALITY', message: 'no rows' }],
    [
      new TaskFailure('CONFIGURATION', 'no key', { retryable: true }),
      { category: 'CONFIGURATION', message: 'no key', retryable: true },
    ],
    [new Error('broken'), { category: 'USER_CODE', message: 'broken' }],
    ['just text', { category: 'USER_CODE', message: 'just text' }],
    [new Error('x'.repeat(9_000)), { category: 'USER_CODE', message: 'x'.repeat(8_192) }],
  ])('say as what it failed', async (error, expected) => {
    const { bodies, said } = await attempt(failing(error));

    expect(bodies('completed')).toMatchObject([{ outcome: 'FAILED', error: expected }]);
    expect(said.at(-1)).toMatch(/ attempt \d+ failed$/);
  });

  it('are repeated until they are answered, ever more slowly', async () => {
    const { asked, bodies, said } = await attempt(lasting(0), { completed: deafFor(6) }, 200_000);

    const times = asked.filter(({ kind }) => kind === 'completed').map(({ atMs }) => atMs / 1_000);
    expect(times).toEqual([0, 1, 3, 7, 15, 31, 61]);
    expect(new Set(bodies('completed').map((body) => JSON.stringify(body))).size).toBe(1);
    expect(said.at(-1)).toMatch(/ succeeded$/);
  });

  it('are given up after twenty tries, and that is said', async () => {
    const { bodies, said } = await attempt(lasting(0), { completed: () => again }, 900_000);

    expect(bodies('completed')).toHaveLength(20);
    expect(said.at(-1)).toMatch(/ended unheard: down$/);
  });

  it('keep the attempt alive while its end is not answered', async () => {
    const { asked } = await attempt(lasting(0), { completed: deafFor(8) }, 400_000);

    const beats = asked.filter(({ kind }) => kind === 'heartbeat').map(({ atMs }) => atMs / 1_000);
    expect(beats).toEqual([60, 120]);
  });

  it('are not repeated when the result is not wanted', async () => {
    const { bodies, said } = await attempt(lasting(0), { completed: () => unwanted('stale_attempt') });

    expect(bodies('completed')).toHaveLength(1);
    expect(said.at(-1)).toMatch(/ended unheard: stale_attempt it is$/);
  });

  it('that have a fault are followed by one that says so', async () => {
    const { bodies, said } = await attempt(lasting(0), {
      completed: (_, count) => (count === 1 ? faulty : taken()),
    });

    expect(bodies('completed')).toMatchObject([
      { outcome: 'SUCCEEDED' },
      {
        outcome: 'FAILED',
        error: { category: 'USER_CODE', message: 'the report was refused: no such member' },
      },
    ]);
    expect(said.slice(-2).map((text) => text.replace(/.* attempt \d+ /, ''))).toEqual([
      'report has a fault: no such member',
      'failed',
    ]);
  });

  it('with a fault twice over are left', async () => {
    const { bodies, said } = await attempt(lasting(0), { completed: () => faulty });

    expect(bodies('completed')).toHaveLength(2);
    expect(said.at(-1)).toMatch(/ended unheard: no such member$/);
  });
});

describe('a start of what was sent', () => {
  it('that is not answered is repeated, and the work begins behind it', async () => {
    const startedAt: number[] = [];
    const { bodies } = await attemptSent(
      () => {
        startedAt.push(Date.now());
        return Promise.resolve({ output });
      },
      { started: deafFor(2) },
      10_000,
    );

    expect(startedAt).toEqual([3_000]);
    expect(bodies('completed')).toMatchObject([{ outcome: 'SUCCEEDED' }]);
  });

  it('that is never answered is a fault of the infrastructure and not of the work', async () => {
    const { bodies } = await attemptSent(failing(new Error('ran')), { started: () => again }, 900_000);

    expect(bodies('completed')).toMatchObject([
      {
        outcome: 'FAILED',
        error: { category: 'INFRASTRUCTURE', message: 'the start could not be acknowledged: down' },
      },
    ]);
  });

  it.each([unwanted('attempt_already_started'), unwanted('token_expired'), faulty])(
    'that is refused leaves the attempt alone: %j',
    async (answer) => {
      const { bodies, said } = await attemptSent(failing(new Error('ran')), { started: () => answer });

      expect(bodies('completed')).toEqual([]);
      expect(said.slice(-2)).toEqual([
        expect.stringMatching(/ start was refused: .*/),
        expect.stringMatching(/ is left: it is not wanted any more$/),
      ]);
    },
  );

  it('that waits for an answer hears that it is cancelled', async () => {
    const { bodies } = await attemptSent(
      lasting(0),
      { started: () => again, heartbeat: () => taken({ shouldCancel: true }) },
      100_000,
    );

    expect(bodies('completed')).toMatchObject([{ outcome: 'CANCELLED' }]);
  });
});

describe('a heartbeat', () => {
  it.each([
    [1, 5],
    [25, 5],
    [26, 5.2],
    [100, 20],
    [300, 60],
    [301, 60],
    [3_600, 60],
    [undefined, 60],
  ])('with a timeout of %j s is sent every %j s', async (heartbeatTimeoutSec, everySec) => {
    const claim: Script = (_, count) =>
      count === 1 ? taken({ tasks: [{ ...sampleTask, heartbeatTimeoutSec }] }) : undefined;
    const { asked } = await attempt(lasting(130_000), { claim }, 130_000);

    const beats = asked.filter(({ kind }) => kind === 'heartbeat').map(({ atMs }) => atMs / 1_000);
    expect(beats.slice(0, 2)).toEqual([everySec, 2 * everySec]);
  });

  it.each([
    [{ shouldCancel: true, cancelReason: 'user_requested' }, 'user_requested'],
    [{ shouldCancel: true, cancelReason: 'run_timed_out' }, 'run_timed_out'],
    [{ shouldCancel: true }, 'user_requested'],
  ])('that answers %j stops the work with its reason, and the end is a cancel', async (answer, reason) => {
    const reasons: unknown[] = [];
    const { bodies } = await attempt(
      (task, work) => {
        work.signal.addEventListener('abort', () => reasons.push((work.signal.reason as TaskStopped).reason));
        return untilStopped(task, work);
      },
      { heartbeat: () => taken(answer) },
      61_000,
    );

    expect(reasons).toEqual([reason]);
    expect(bodies('completed')).toMatchObject([{ outcome: 'CANCELLED' }]);
  });

  it('of a cancelled run leaves work that ends well its success, and its failure its category', async () => {
    const heartbeat = (): ReturnType<Script> => taken({ shouldCancel: true });
    const ends =
      (act: () => ReturnType<Execute>): Execute =>
      async (_, { signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return act();
      };

    const well = await attempt(
      ends(() => Promise.resolve({ output })),
      { heartbeat },
      61_000,
    );
    const ill = await attempt(
      ends(() => rejectWith(new TaskFailure('DATA_QUALITY', 'no'))),
      { heartbeat },
      61_000,
    );

    expect(well.bodies('completed')).toMatchObject([{ outcome: 'SUCCEEDED', output }]);
    expect(ill.bodies('completed')).toMatchObject([
      { outcome: 'FAILED', error: { category: 'DATA_QUALITY' } },
    ]);
  });

  it.each(['task_expired', 'stale_attempt', 'invalid_token'])(
    'that is refused as %s stops the work, and nothing is reported',
    async (code) => {
      const beating = await attempt(untilStopped, { heartbeat: () => unwanted(code) }, 200_000);
      const deaf = await attempt(lasting(70_000), { heartbeat: () => unwanted(code) }, 200_000);

      for (const { bodies, said } of [beating, deaf]) {
        expect([bodies('heartbeat').length, bodies('completed')]).toEqual([1, []]);
        expect(said.at(-1)).toMatch(/not wanted any more$/);
      }
    },
  );

  it.each([again, faulty])('that fails is made up for by the next: %j', async (answer) => {
    const { bodies, said } = await attempt(
      lasting(130_000),
      { heartbeat: (_, count) => (count === 1 ? answer : taken('nonsense')) },
      131_000,
    );

    expect(bodies('heartbeat')).toHaveLength(2);
    expect(bodies('completed')).toMatchObject([{ outcome: 'SUCCEEDED' }]);
    expect(said[1]).toMatch(/ heartbeat failed: /);
  });

  it('carries the latest progress until one was taken with it', async () => {
    const { bodies } = await attempt(
      async (_, { progress }) => {
        progress(10);
        progress(33.4, 'm'.repeat(2_000));
        await new Promise((resolve) => setTimeout(resolve, 190_000));
        progress(Number.NaN);
        await new Promise((resolve) => setTimeout(resolve, 60_000));
        progress(101);
        await new Promise((resolve) => setTimeout(resolve, 60_000));
        return {};
      },
      { heartbeat: (_, count) => (count === 1 ? again : taken({ shouldCancel: false })) },
      400_000,
    );

    const told = bodies('heartbeat').map((body) => {
      const { progressPct, message } = body as { progressPct?: number; message?: string };
      return [progressPct, message?.length];
    });
    expect(told).toEqual([
      [33, 1_024],
      [33, 1_024],
      [undefined, undefined],
      [0, undefined],
      [100, undefined],
    ]);
  });

  it('that is under way when the work ends is cut', async () => {
    const rig = await attempt(lasting(61_000), { heartbeat: () => undefined }, 62_000);

    expect(rig.bodies('completed')).toMatchObject([{ outcome: 'SUCCEEDED' }]);
    expect(rig.said.filter((text) => text.includes('heartbeat'))).toEqual([]);
  });
});
