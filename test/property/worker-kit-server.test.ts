/** The worker kit against the functions it talks to, while requests and answers are lost. */
import fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { TaskFailure } from '#cli/worker-kit/failure.ts';
import { pauseFor } from '#cli/worker-kit/pause.ts';
import { answerOf } from '#cli/worker-kit/request.ts';
import type { Answer, Post, WorkerRequest } from '#cli/worker-kit/request.ts';
import { runWorker } from '#cli/worker-kit/worker.ts';
import { assetPlane } from '#test/support/ports-assets.ts';
import type { AssetPlane } from '#test/support/ports-assets.ts';
import type { TestRequest } from '#test/support/ports-http.ts';

afterEach(() => vi.useRealTimers());

/** `lost` never arrives; `unheard` arrives, and its answer does not. */
type Fate = 'heard' | 'unheard' | 'lost';
const down: Answer = { kind: 'again', message: 'down' };

/** The request as the gateway hands it on; claims do not wait there, but at the clock of the worker. */
const requestOf = (plane: AssetPlane, { url, token, body, idempotencyKey }: WorkerRequest): TestRequest => {
  const path = new URL(url).pathname.replace(/^\/dev/, '');
  const [, taskId = '', kind = ''] = /^\/v1\/callbacks\/([^/]+)\/(.*)$/.exec(path) ?? [];
  if (taskId === '')
    return plane.inWorkspace('/workers/claim', {
      ...{ method: 'POST', headers: { 'idempotency-key': idempotencyKey ?? '' } },
      body: { ...(body as object), waitMs: 0 },
    });
  const resource = `/v1/callbacks/{taskId}/${kind}`;
  return { method: 'POST', path, resource, parameters: { taskId }, token, body };
};

const postThrough =
  (plane: AssetPlane, plan: Iterator<Fate>): Post =>
  async (request) => {
    const fate = plan.next().value ?? 'heard';
    if (fate === 'lost') return down;
    const { workers, callbacks } = plane.handlers;
    const handler = request.idempotencyKey === undefined ? callbacks : workers;
    const { status, body } = await plane.call(handler, requestOf(plane, request));
    if (fate === 'unheard') return down;
    const isIdle = Array.isArray(body['tasks']) && body['tasks'].length === 0;
    if (isIdle) await pauseFor(500, request.signal);
    return answerOf(status, JSON.stringify(body));
  };

/** Lets the timers of the worker fire, and the work between them be done, until it has ended. */
const settle = async (running: Promise<void>): Promise<void> => {
  const over = new AbortController();
  const ending = running.finally(() => over.abort());
  while (!over.signal.aborted) {
    await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(100);
  }
  await ending;
};

const Tasks = z.array(z.object({ taskKey: z.string(), state: z.string(), attempt: z.int() }));
const tasksOf = (run: Readonly<Record<string, unknown>>) => Tasks.parse(run['tasks']);

/** What becomes of a task when one is ill: the ill one fails at once, and what needs it is skipped. */
const expectedOf = (taskKey: string, ill: string | undefined): readonly unknown[] => {
  if (taskKey === `m.${ill}`) return [taskKey, 'FAILED', 1, true];
  const isSkipped = (ill === 'a' && /[cd]$/.test(taskKey)) || (ill === 'b' && taskKey === 'm.d');
  return isSkipped ? [taskKey, 'SKIPPED', 0, false] : [taskKey, 'SUCCEEDED', 1, true];
};

const NAMES = ['a', 'b', 'c', 'd'] as const;

it('works on each attempt once, and the run ends as the work did, whatever is lost', async () => {
  const plane = await assetPlane();
  await plane.deploy({ a: [], b: [], c: ['a'], d: ['a', 'b'] });
  await fc.assert(
    fc.asyncProperty(
      // Fewer faults than one request is tried, so that none is given up.
      fc.array(fc.constantFrom<Fate>('heard', 'unheard', 'lost'), { maxLength: 18 }),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(undefined, ...NAMES),
      async (fates, concurrency, ill) => {
        vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
        const { body } = await plane.trigger(NAMES.map((name) => `m.${name}`));
        const runId = String(body['runId']);
        const stop = new AbortController();
        const post = postThrough(plane, fates.values());
        const executed: string[] = [];
        await settle(
          runWorker({
            ...{ url: 'https://api.test/dev', token: () => plane.token, workspace: 'prod', workerId: 'wk-1' },
            ...{ queue: 'default-queue', concurrency, signal: stop.signal, onEvent: () => undefined },
            post: async (request) => {
              const answer = await post(request);
              if ((await plane.getRun(runId))['completedAt'] !== undefined) stop.abort();
              return answer;
            },
            execute: ({ taskKey, attempt }) => {
              executed.push(`${taskKey} ${attempt}`);
              if (taskKey === `m.${ill}`) throw new TaskFailure('DATA_QUALITY', 'ill');
              return Promise.resolve({ output: { deltaTable: taskKey, deltaVersion: attempt } });
            },
          }),
        );
        vi.useRealTimers();

        const run = await plane.getRun(runId);
        expect(run['state']).toBe(ill === undefined ? 'SUCCEEDED' : 'FAILED');
        expect(new Set(executed).size).toBe(executed.length);
        for (const { taskKey, state, attempt } of tasksOf(run))
          expect([taskKey, state, attempt, executed.includes(`${taskKey} 1`)]).toEqual(
            expectedOf(taskKey, ill),
          );
      },
    ),
    { numRuns: 10 },
  );
});
