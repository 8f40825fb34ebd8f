import { beforeEach, describe, expect, it } from 'vitest';
import { attemptId, callbackTaskId } from '#domain/kernel/ids.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { ContentionError } from '#functions/shared/command-handler.ts';
import { loadStream } from '#functions/shared/load.ts';
import { callbackOperation } from '#functions/task-callback/task-callback.ts';
import type { Json } from '#local/kernel/engine.ts';
import { adaptersOf, witness } from '#test/support/ledger.ts';
import { assetPlane, queueEvent, WORKER } from '#test/support/ports-assets.ts';
import type { AssetPlane, Claimed } from '#test/support/ports-assets.ts';

const wide = Object.fromEntries(Array.from({ length: 18 }, (_, index) => [`t${index}`, []]));

describe('worker callbacks', () => {
  let plane: AssetPlane;
  let runId: string;
  let task: Claimed;

  const begin = async (
    graph: Readonly<Record<string, readonly string[]>>,
    selection: readonly string[],
  ): Promise<void> => {
    plane = await assetPlane();
    await plane.deploy(graph);
    const answer = await plane.trigger(selection);
    runId = String(answer.body['runId']);
  };
  const claimOne = async (): Promise<Claimed> => {
    const [claimed] = await plane.claim();
    if (!claimed) throw new Error('nothing to claim');
    return claimed;
  };
  const tasks = async (): Promise<readonly Json[]> => (await plane.getRun(runId))['tasks'] as readonly Json[];

  beforeEach(async () => {
    await begin({ a: [], b: ['a'] }, ['m.a', 'm.b']);
    task = await claimOne();
  });

  it('acknowledge, and finish what they report', async () => {
    expect(await plane.report('started', task)).toMatchObject({
      status: 200,
      body: { acknowledged: true, serverTime: '2026-01-05T09:30:00.000Z' },
    });
    expect(await plane.report('heartbeat', task)).toMatchObject({
      status: 200,
      body: { shouldCancel: false },
    });
    expect(await plane.succeed(task)).toMatchObject({ status: 200, body: { finalState: 'SUCCEEDED' } });
    expect((await plane.claim())[0]).toMatchObject({ taskKey: 'm.b' });
  });

  it('cost one read and one write, or one read for what was said before', async () => {
    plane.stage.requests();
    await plane.report('heartbeat', task);
    // Cold: the newest commits and, because a state leaves the plan out, perhaps the first.
    const cold = plane.stage.requests();
    expect(cold['dynamodb.PutItem']).toBe(1);
    expect(cold['dynamodb.Query']).toBeLessThanOrEqual(2);

    await plane.report('started', task);
    expect(plane.stage.requests()).not.toHaveProperty('dynamodb.PutItem');
  });

  it('answer a heartbeat that need not be recorded alike, and write nothing for it', async () => {
    const first = await plane.report('heartbeat', task);
    plane.stage.requests();

    expect(await plane.report('heartbeat', task)).toMatchObject({ status: 200, body: first.body });
    expect(plane.stage.requests()).toEqual({ 'dynamodb.Query': 1 });

    plane.pass(30_000);
    await plane.report('heartbeat', task);
    expect(plane.stage.requests()).toMatchObject({ 'dynamodb.PutItem': 1 });
  });

  it('answer the same completion again as a duplicate, and another as a conflict', async () => {
    await plane.succeed(task);

    expect(await plane.succeed(task)).toMatchObject({ status: 200, body: { duplicate: true } });
    expect(await plane.fail(task)).toMatchObject({
      status: 409,
      body: { code: 'task_already_terminal', error: 'task_already_terminal' },
    });
    expect(await plane.report('heartbeat', task)).toMatchObject({
      status: 410,
      body: { code: 'task_expired' },
    });
  });

  interface Refusal {
    readonly name: string;
    readonly status: number;
    readonly code: string;
    readonly over: (claimed: Claimed) => Parameters<AssetPlane['report']>[2];
    readonly members?: object;
  }
  const refusals: readonly Refusal[] = [
    {
      name: 'a body of the wrong shape',
      status: 400,
      code: 'invalid_request',
      over: () => ({ body: { extra: 1 } }),
    },
    {
      name: 'no token',
      status: 401,
      code: 'missing_token',
      over: () => ({ headers: { Authorization: '' } }),
    },
    { name: 'a bad token', status: 401, code: 'invalid_token', over: () => ({ token: 'bad' }) },
    {
      name: 'a token for another task',
      status: 401,
      code: 'invalid_token',
      over: () => ({ parameters: { taskId: 'ct1_AAAA' } }),
    },
    {
      name: 'another attempt than the token has',
      status: 409,
      code: 'attempt_mismatch',
      over: () => ({ body: { attempt: 2 } }),
      members: { expectedAttempt: 1, receivedAttempt: 2 },
    },
    {
      name: 'another attempt id than the token has',
      status: 409,
      code: 'attempt_id_mismatch',
      over: () => ({ body: { attemptId: 'att_000000000000000000000000' } }),
      members: { receivedAttemptId: 'att_000000000000000000000000' },
    },
    {
      name: 'another worker than the one who claimed',
      status: 409,
      code: 'attempt_already_started',
      over: () => ({ body: { workerId: 'wk-2' } }),
    },
  ];

  it.each(refusals)('refuse $name', async ({ status, code, over, members }) => {
    const answer = await plane.report('started', task, over(task));

    expect(answer).toMatchObject({ status, body: { code, ...members } });
    if (code !== 'missing_token') expect(answer.body).toMatchObject({ error: code });
    expect(await plane.report('heartbeat', task)).toMatchObject({ status: 200 });
  });

  it('refuse the token of an attempt that was superseded, and one that has expired', async () => {
    await plane.fail(task);
    plane.pass(60_000);
    await plane.sweepNow();
    expect(await plane.succeed(task)).toMatchObject({
      status: 409,
      body: { code: 'stale_attempt', expectedAttempt: 2, receivedAttempt: 1 },
    });

    plane.pass(2 * 86_400_000);
    expect(await plane.succeed(task)).toMatchObject({ status: 401, body: { code: 'token_expired' } });
  });

  it('take two reports at once without losing one', async () => {
    await begin({ a: [], b: [], c: [] }, ['m.a', 'm.b', 'm.c']);
    const claimed = await plane.claim(3);

    const answers = await Promise.all(claimed.map((one) => plane.succeed(one)));

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await plane.getRun(runId)).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('count a clock that is far off, and go by the server', async () => {
    await plane.report('heartbeat', task, { body: { heartbeatAt: '2025-01-01T00:00:00Z' } });

    expect(plane.stage.lines()).toContainEqual(expect.objectContaining({ WorkerClockSkew: 1 }));
  });

  describe('of a run with more than 16 tasks in flight', () => {
    let claimed: readonly Claimed[];
    beforeEach(async () => {
      await begin(
        wide,
        Object.keys(wide).map((name) => `m.${name}`),
      );
      claimed = [...(await plane.claim(10)), ...(await plane.claim(8))];
    });

    it('go to the queue, where one commit takes them all', async () => {
      plane.stage.requests();
      const answers = await Promise.all(claimed.slice(0, 10).map((one) => plane.succeed(one)));

      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
      expect(plane.stage.requests()).not.toHaveProperty('dynamodb.PutItem');

      expect(await plane.deliver('commands')).toEqual({ batchItemFailures: [] });
      expect(plane.stage.requests()).toMatchObject({ 'dynamodb.PutItem': 1 });
      expect((await tasks()).filter(({ state }) => state === 'SUCCEEDED')).toHaveLength(10);
    });

    it('are refused at once when they are plainly stale', async () => {
      const [first] = claimed;
      if (!first) throw new Error('nothing was claimed');
      await plane.succeed(first);
      await plane.deliver('commands');

      expect(await plane.fail(first)).toMatchObject({ status: 409, body: { code: 'task_already_terminal' } });
      expect(await plane.succeed(first)).toMatchObject({ status: 200, body: { duplicate: true } });
      expect(await plane.stage.drain('commands.fifo')).toEqual([]);
    });

    it('leave an event when the queue refuses what was answered 200', async () => {
      const [first] = claimed;
      if (!first) throw new Error('nothing was claimed');
      await plane.succeed(first);
      await plane.fail(first);
      await plane.deliver('commands');

      const events = await plane.call(
        plane.handlers.runs,
        plane.inWorkspace('/runs/{runId}/events', { parameters: { runId }, query: { limit: '200' } }),
      );
      expect(events.body['events']).toContainEqual(
        expect.objectContaining({
          type: 'CommandRefused',
          data: expect.objectContaining({ code: 'task_already_terminal' }),
        }),
      );
    });

    it('are decided once when the queue delivers them twice', async () => {
      const [first] = claimed;
      if (!first) throw new Error('nothing was claimed');
      await plane.succeed(first);
      const messages = await plane.stage.drain('commands.fifo');

      await plane.handlers.commands(queueEvent('commands.fifo', messages));
      plane.stage.requests();
      await plane.handlers.commands(queueEvent('commands.fifo', messages));

      expect(plane.stage.requests()).not.toHaveProperty('dynamodb.PutItem');
    });

    it('take no place in the queue when they are heartbeats that need not be recorded', async () => {
      const [first] = claimed;
      if (!first) throw new Error('nothing was claimed');
      await plane.report('heartbeat', first);
      await plane.deliver('commands');

      expect(await plane.report('heartbeat', first)).toMatchObject({ status: 200 });
      expect(await plane.stage.drain('commands.fifo')).toEqual([]);
    });

    it('with the same request id are all taken', async () => {
      const [first] = claimed;
      if (!first) throw new Error('nothing was claimed');
      for (let count = 0; count < 3; count++)
        await plane.report('heartbeat', first, { headers: { 'x-request-id': 'constant' } });

      expect(await plane.stage.drain('commands.fifo')).toHaveLength(3);
    });
  });

  describe('that lose their race', () => {
    /** Asks with a token of that attempt, on a run that others always change first. */
    const losing = async (
      kind: 'started' | 'completed',
      ref: { taskKey: string; attempt: number },
      body: object,
    ) => {
      const sent: object[] = [];
      const scope = {
        taskId: callbackTaskId({ runId, ...ref }),
        ...{ runId, attempt: ref.attempt, attemptId: attemptId({ runId, ...ref }) },
        ...{ tenantId: 'acme', workspaceId: 'prod' },
      };
      const operation = callbackOperation(
        {
          loadRun: async (stream) =>
            (await loadStream(adaptersOf(plane.stage).ledger, runAggregate, stream)).state,
          mailbox: { send: ({ kind: of }) => Promise.reject(new ContentionError(of, 2)) },
          queues: { send: (messages) => Promise.resolve(void sent.push(...messages)) },
          tokens: {
            mint: () => Promise.reject(new Error('unused')),
            verify: () => Promise.resolve({ kind: 'valid' as const, scope }),
          },
          telemetry: witness(),
          nowMs: plane.stage.clock.nowMs,
          callbackQueueTasksMin: 16,
        },
        kind,
      );
      const answer = operation({
        requestId: 'r',
        principal: undefined,
        bearer: task.taskToken,
        path: { taskId: scope.taskId },
        query: {},
        idempotencyKey: undefined,
        body: { attempt: scope.attempt, attemptId: scope.attemptId, workerId: WORKER, ...body },
        baseUrl: 'http://localhost',
      });
      return { answer, sent };
    };

    it('go to the queue', async () => {
      const { answer, sent } = await losing('completed', task, { outcome: 'SUCCEEDED' });

      expect(await answer).toMatchObject({ status: 200, body: { finalState: 'SUCCEEDED' } });
      expect(sent).toMatchObject([{ queue: 'commands', body: { command: { type: 'CompleteTask' } } }]);
    });

    it('are to come again when they start an attempt: its owner must be known with the answer', async () => {
      await begin({ a: [], b: [] }, ['m.a', 'm.b']);
      const { answer, sent } = await losing('started', { taskKey: 'm.b', attempt: 1 }, {});

      await expect(answer).rejects.toMatchObject({ code: 'contention' });
      expect(sent).toEqual([]);
    });
  });
});
