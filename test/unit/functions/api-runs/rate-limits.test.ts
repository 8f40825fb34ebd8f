/** W33: whatever its owner does, a worker can claim and beat. */
import { beforeEach, describe, expect, it } from 'vitest';
import { WORKER, assetPlane } from '#test/support/ports-assets.ts';
import type { Answer } from '#test/support/ports-assets.ts';
import { START_MS } from '#test/support/ports.ts';

type Plane = Awaited<ReturnType<typeof assetPlane>>;

let plane: Plane;
beforeEach(async () => {
  plane = await assetPlane({ limits: { requestBurstMax: 3, requestsPerMinute: 60, claimBurstMax: 2 } });
});

const list = (token?: string): Promise<Answer> =>
  plane.call(plane.handlers.runs, plane.inWorkspace('/runs', token === undefined ? {} : { token }));

describe('a caller over their limit', () => {
  it('is told when to come again, is served then, and keeps nobody else out', async () => {
    await plane.deploy({ a: [] });
    await list();
    await list();

    expect(await list()).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1' },
      body: { code: 'rate_limited', retryable: true, retryAfterMs: 1_000 },
    });
    expect(await list(await plane.issuer.token({ sub: 'bob' }))).toMatchObject({ status: 200 });
    plane.stage.clock.jump(START_MS + 999);
    expect(await list()).toMatchObject({ status: 429, body: { retryAfterMs: 1 } });
    plane.stage.clock.jump(START_MS + 1_000);
    expect(await list()).toMatchObject({ status: 200 });
  });

  it('leaves nothing behind, not even an audit', async () => {
    for (let count = 0; count < 3; count++) await list();
    plane.stage.requests();

    expect(await plane.trigger(['m.a'])).toMatchObject({ status: 429 });
    expect(plane.stage.requests()).toEqual({ 'dynamodb.UpdateItem': 1 });
  });

  it('still has workers that claim within a budget of their own, and beat and report without one', async () => {
    await plane.deploy({ a: [] });
    await plane.trigger(['m.a']);
    await list();
    expect(await list()).toMatchObject({ status: 429 });

    const [task] = await plane.claim();
    if (!task) throw new Error('nothing was handed out');
    await plane.claim();
    const body = { workerId: WORKER, maxTasks: 1 };
    const third = await plane.call(
      plane.handlers.workers,
      plane.inWorkspace('/workers/claim', { method: 'POST', body }),
    );
    expect(third).toMatchObject({ status: 429, body: { details: { budget: 'claims' } } });
    for (let beats = 0; beats < 100; beats++)
      expect(await plane.report('heartbeat', task)).toMatchObject({ status: 200 });
    expect(await plane.succeed(task)).toMatchObject({ status: 200 });
  });
});
