import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { CliError } from '#cli/cli-error.ts';
import type { Client, RequestOptions } from '#cli/client.ts';
import { runWorker, TaskFailure } from '#cli/worker/worker.ts';
import type { Execute, WorkerSetting } from '#cli/worker/worker.ts';
import { inProject } from '#test/support/tracked-files.ts';
import { rejectWith } from '#test/support/thrown.ts';

const [sample] = ClaimResponse.parse(
  JSON.parse(readFileSync(inProject('events/answers/ClaimResponse.v1.json'), 'utf8')),
).tasks;
if (sample === undefined) throw new Error('the sample of a claim holds no task');

const done: Awaited<ReturnType<Execute>> = {
  output: { deltaTable: 'demo.a', deltaVersion: 1, deltaPartition: undefined },
};

type Answer = (options: RequestOptions, count: number) => unknown;

/** A worker against a server that answers each kind of request so; it stops at its first claim without a task. */
const working = async (
  answers: Readonly<Partial<Record<'claim' | 'started' | 'heartbeat' | 'completed', Answer>>>,
  more: Partial<WorkerSetting> & { readonly task?: Partial<DispatchEnvelope> } = {},
) => {
  const stop = new AbortController();
  const asked: { readonly path: string; readonly options: RequestOptions }[] = [];
  const counts = new Map<string, number>();
  const said: string[] = [];
  const slept: number[] = [];
  const task = { ...sample, ...more.task };
  const firstTask: Answer = (_, count) => {
    if (count > 1) stop.abort();
    return { tasks: count === 1 ? [task] : [] };
  };
  const client: Client = {
    workspace: 'main',
    request: (_, path, options = {}) => {
      const kind = path.split('/').at(-1) as keyof typeof answers;
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      asked.push({ path, options });
      const answer = answers[kind] ?? (kind === 'claim' ? firstTask : () => ({}));
      return Promise.resolve().then(() => answer(options, count));
    },
  };
  await runWorker({
    ...{ client, workerId: 'wk-1', queue: 'default-queue', concurrency: 1, signal: stop.signal },
    execute: () => Promise.resolve(done),
    onEvent: (text) => void said.push(text),
    sleep: (waitMs) => {
      slept.push(waitMs);
      return Promise.resolve();
    },
    ...more,
  });
  const bodies = (kind: string) =>
    asked.filter(({ path }) => path.endsWith(kind)).map(({ options }) => options.body);
  return { asked, said, slept, bodies, stop };
};

const refused = (code: string) => (): never => {
  throw new CliError(code, `${code} it is`);
};
/** Fails the first so many requests. */
const failing =
  (count: number, error: () => never): Answer =>
  (_, asked) =>
    asked <= count ? error() : {};
/** Works until it is told to stop. */
const untilStopped: Execute = (_, signal) =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(done), { once: true }));

it('reports to the address its task names, with the token of the task', async () => {
  const { asked } = await working(
    {},
    { task: { callbackBaseUrl: 'https://callbacks.test/dev', taskToken: 'token' } },
  );

  const told = asked.filter(({ path }) => !path.endsWith('/heartbeat')).slice(0, 3);
  expect(told.map(({ path, options }) => [path, options.token])).toEqual([
    ['{ws}/workers/claim', undefined],
    [`https://callbacks.test/dev/v1/callbacks/${sample.taskId}/started`, 'token'],
    [`https://callbacks.test/dev/v1/callbacks/${sample.taskId}/completed`, 'token'],
  ]);
});

describe('an attempt', () => {
  it.each([
    [new TaskFailure('DATA_QUALITY', 'no rows'), { category: 'DATA_QUALITY', message: 'no rows' }],
    [new Error('broken'), { category: 'USER_CODE', message: 'broken' }],
  ])('that throws %s is reported as failed', async (error, expected) => {
    const { bodies, said } = await working({}, { execute: () => Promise.reject(error) });

    expect(bodies('completed')).toMatchObject([{ outcome: 'FAILED', error: expected }]);
    expect(said.at(-1)).toMatch(/ attempt \d+ failed$/);
  });

  it('that throws no error is reported with what it threw', async () => {
    const { bodies } = await working({}, { execute: () => rejectWith('just text') });

    expect(bodies('completed')).toMatchObject([{ error: { message: 'just text' } }]);
  });

  it('that another has started is left alone', async () => {
    const { bodies, said } = await working({ started: refused('attempt_already_started') });

    expect(bodies('completed')).toEqual([]);
    expect(said).toHaveLength(1);
  });

  it('is reported again until the report is answered, ever more slowly', async () => {
    const down = (): never => {
      throw new Error('down');
    };
    const { bodies, slept } = await working(
      { completed: failing(6, down), heartbeat: refused('task_expired') },
      { task: { heartbeatTimeoutSec: 1 } },
    );

    expect(bodies('completed')).toHaveLength(7);
    expect(slept.slice(-6)).toEqual([1_000, 2_000, 3_000, 4_000, 5_000, 5_000]);
  });

  it.each([
    ['the server wants it no longer', 'stale_attempt', 1],
    ['nobody answers twenty times', 'unavailable', 20],
  ])('is given up when %s', async (_, code, times) => {
    const { bodies, said } = await working({ completed: refused(code), heartbeat: refused('task_expired') });

    expect(bodies('completed')).toHaveLength(times);
    expect(said.at(-1)).toMatch(new RegExp(`report refused: ${code} it is$`));
  });

  it.each([
    ['is told to', () => ({ shouldCancel: true })],
    ['is gone', refused('task_expired')],
  ])('stops when it %s at a heartbeat', async (_, heartbeat) => {
    const { bodies } = await working({ heartbeat }, { execute: untilStopped });

    expect(bodies('completed')).toMatchObject([{ outcome: 'SUCCEEDED' }]);
  });

  it('goes on when a heartbeat fails, and says so', async () => {
    const { said } = await working(
      { heartbeat: (_, count) => (count === 1 ? refused('unavailable')() : { shouldCancel: true }) },
      { execute: untilStopped },
    );

    expect(said).toContainEqual('heartbeat failed: unavailable it is');
  });

  it.each([
    [1, 5_000],
    [100, 20_000],
    [3_600, 60_000],
    [undefined, 60_000],
  ])('with a timeout of %j s is kept alive every %i ms', async (heartbeatTimeoutSec, everyMs) => {
    const { slept } = await working(
      { heartbeat: () => ({ shouldCancel: true }) },
      { execute: untilStopped, task: { heartbeatTimeoutSec } },
    );

    expect(slept[0]).toBe(everyMs);
  });
});

describe('a claim', () => {
  it('that fails is made again after a pause', async () => {
    const stop = new AbortController();
    const { said, slept } = await working(
      {
        claim: (_, count) => {
          if (count === 1) return refused('unavailable')();
          stop.abort();
          return { tasks: [] };
        },
      },
      { signal: stop.signal },
    );

    expect([said, slept]).toEqual([['claim failed: unavailable it is'], [1_000]]);
  });

  it('that is cut off by the end is no fault', async () => {
    const stop = new AbortController();
    const { said } = await working(
      {
        claim: () => {
          stop.abort();
          throw new Error('aborted');
        },
      },
      { signal: stop.signal },
    );

    expect(said).toEqual([]);
  });

  it('asks for as many tasks as are free, and waits while none is', async () => {
    const two = [sample, { ...sample, taskId: `${sample.taskId}x` }];
    const stop = new AbortController();
    const { bodies } = await working(
      {
        claim: (_, count) => {
          if (count > 1) stop.abort();
          return { tasks: count === 1 ? two : [] };
        },
      },
      { concurrency: 2, signal: stop.signal, execute: () => Promise.resolve(done) },
    );

    expect(bodies('claim').map((body) => (body as { maxTasks: number }).maxTasks)).toEqual([
      2,
      expect.any(Number),
    ]);
    expect(bodies('completed')).toHaveLength(2);
  });
});

const refusal = (code: string) => new CliError(code, 'no');

describe('the key of a claim', () => {
  /** Claims until the third answer has come, each request answered or failed in turn. */
  const claims = async (...answers: readonly (Error | 'nothing')[]) => {
    const stop = new AbortController();
    const asked: RequestOptions[] = [];
    const waits: number[] = [];
    const client: Client = {
      workspace: 'main',
      request: (_method, _path, options = {}) => {
        const answer = answers[asked.length];
        asked.push(options);
        if (asked.length >= answers.length) stop.abort();
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve({ tasks: [] });
      },
    };
    await runWorker({
      ...{ client, workerId: 'wk-1', queue: 'default-queue', concurrency: 3, signal: stop.signal },
      execute: () => Promise.resolve({}),
      onEvent: () => undefined,
      sleep: (waitMs) => Promise.resolve(void waits.push(waitMs)),
    });
    return { asked, keys: asked.map(({ idempotencyKey }) => idempotencyKey), waits };
  };

  it('is its own', async () => {
    const { keys } = await claims('nothing', 'nothing');

    expect(new Set(keys).size).toBe(2);
    expect(keys).not.toContain(undefined);
  });

  it.each([
    ['the connection broke', refusal('unavailable')],
    ['the server had a fault', refusal('internal')],
    ['the limit was reached', refusal('rate_limited')],
    ['the answer was nonsense', new Error('not what the contract says')],
  ])('is repeated as it was when %s', async (_, error) => {
    const { asked, keys, waits } = await claims(error, error, 'nothing', 'nothing');

    expect(new Set(keys.slice(0, 3)).size).toBe(1);
    expect(asked[2]?.body).toEqual(asked[0]?.body);
    expect(keys[3]).not.toBe(keys[0]);
    expect(waits).toEqual([1_000, 1_000]);
  });

  it('is not repeated when it was refused', async () => {
    const { keys } = await claims(refusal('idempotency_key_reused'), 'nothing');

    expect(new Set(keys).size).toBe(2);
  });

  it('is given up after twenty tries', async () => {
    const { keys } = await claims(...Array.from({ length: 20 }, () => refusal('unavailable')), 'nothing');

    expect(new Set(keys.slice(0, 20)).size).toBe(1);
    expect(keys[20]).not.toBe(keys[0]);
  });
});
