import { beforeEach, describe, expect, it } from 'vitest';
import { assetPlane, offerAgain } from '#test/support/ports-assets.ts';
import type { AssetPlane } from '#test/support/ports-assets.ts';

describe('claiming tasks', () => {
  let plane: AssetPlane;
  let runId: string;
  beforeEach(async () => {
    plane = await assetPlane();
    await plane.deploy({ a: [], b: [], c: [], d: ['a', 'b', 'c'] });
    runId = String((await plane.trigger(['m.a', 'm.b', 'm.c', 'm.d'])).body['runId']);
  });
  const claimRequest = (body: object) => plane.inWorkspace('/workers/claim', { method: 'POST', body });
  const taskStates = async (): Promise<readonly string[]> => {
    const { tasks } = (await plane.getRun(runId)) as { tasks: readonly { taskKey: string; state: string }[] };
    return tasks.map(({ taskKey, state }) => `${taskKey} ${state}`);
  };

  it('starts their attempts and hands over all a worker needs', async () => {
    const [task] = await plane.claim();

    expect(task).toEqual({
      tenantId: 'acme',
      workspaceId: 'prod',
      taskId: expect.stringMatching(/^ct1_/),
      taskKey: 'm.a',
      runId,
      attempt: 1,
      attemptId: expect.stringMatching(/^att_/),
      dispatchId: `dispatch:${runId}:m.a:1`,
      heartbeatTimeoutSec: 300,
      workerQueue: 'default-queue',
      callbackBaseUrl: 'https://api.test/dev',
      taskToken: expect.any(String),
      tokenExpiresAt: '2026-01-06T09:30:00.000Z',
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
      payload: {},
    });
    expect(await taskStates()).toContain('m.a RUNNING');
  });

  it('costs one look, and per task one delete and one commit', async () => {
    await plane.claim(1, { queue: 'empty' });
    plane.stage.requests();

    await plane.claim(2);

    expect(plane.stage.requests()).toMatchObject({ 'dynamodb.DeleteItem': 2, 'dynamodb.PutItem': 2 });
  });

  it('gives each task to one of many workers', async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => plane.claim(2, { workerId: `wk-${index}` })),
    );

    expect(
      answers
        .flat()
        .map(({ taskKey }) => taskKey)
        .sort(),
    ).toEqual(['m.a', 'm.b', 'm.c']);
  });

  it('answers an empty list when nothing came within the wait', async () => {
    await plane.claim(3);
    const beforeMs = plane.stage.clock.nowMs();

    expect(await plane.claim(1, { waitMs: 5_000 })).toEqual([]);
    expect(plane.stage.clock.nowMs() - beforeMs).toBe(5_000);
  });

  it('hands out nothing of another queue or workspace', async () => {
    expect(await plane.claim(10, { queue: 'gpu' })).toEqual([]);
    const token = await plane.issuer.token({ workspace_id: '*' });
    const foreign = await plane.call(plane.handlers.workers, {
      ...claimRequest({ workerId: 'wk-1' }),
      parameters: { workspaceId: 'dev' },
      token,
    });
    expect(foreign).toMatchObject({ status: 200, body: { tasks: [] } });
  });

  it.each([{ maxTasks: 0 }, { maxTasks: 11 }, { waitMs: 20_001 }, { workerId: '' }, { queue: 'No Queue' }])(
    'refuses %o',
    async (over) => {
      const answer = await plane.call(plane.handlers.workers, claimRequest({ workerId: 'wk-1', ...over }));

      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
      expect(await plane.claim(3)).toHaveLength(3);
    },
  );

  it('takes away offers of attempts that are over and gives what is left', async () => {
    const [task] = await plane.claim();
    await offerAgain(plane, { runId, attemptId: task?.attemptId ?? '' });

    const claimed = await plane.claim(10, { workerId: 'wk-2' });

    expect(claimed.map(({ taskKey }) => taskKey)).toEqual(['m.b', 'm.c']);
    expect(await plane.claim(10)).toEqual([]);
  });

  it('gives the worker what was started when a later task meets a fault, and offers that one again', async () => {
    plane.stage.inject({
      service: 'dynamodb',
      operation: 'PutItem',
      resource: 'ledger',
      kind: 'server-error',
      calls: [2],
    });

    const first = await plane.claim(3);

    expect(first.map(({ taskKey }) => taskKey)).toEqual(['m.a']);
    expect(plane.stage.lines()).toContainEqual(
      expect.objectContaining({
        level: 'error',
        taskKey: 'm.b',
        message: expect.stringContaining('cut short'),
      }),
    );
    expect((await plane.claim(3)).map(({ taskKey }) => taskKey)).toEqual(['m.c']);
    plane.pass(120_000);
    await plane.sweepNow();
    expect((await plane.claim(3)).map(({ taskKey }) => taskKey)).toEqual(['m.b']);
  });

  it('answers a fault when nothing was started', async () => {
    plane.stage.inject({ service: 'dynamodb', operation: 'DeleteItem', kind: 'server-error', calls: [1] });

    const answer = await plane.call(plane.handlers.workers, claimRequest({ workerId: 'wk-1' }));

    expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(await plane.claim(3)).toHaveLength(3);
  });
});
