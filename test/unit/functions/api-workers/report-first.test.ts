import { beforeEach, describe, expect, it } from 'vitest';
import { RunEventPage } from '#contracts/runs/read.ts';
import { assetPlane, WORKER } from '#test/support/ports-assets.ts';
import type { Answer, AssetPlane, Claimed } from '#test/support/ports-assets.ts';
import { streamedCommits } from '#test/support/ledger.ts';

const SECRET = 'AKIAIOSFODNN7EXAMPLE';

describe('a claim that brings a report', () => {
  let plane: AssetPlane;
  let runId: string;
  beforeEach(async () => {
    plane = await assetPlane();
    await plane.deploy({ a: [], b: ['a'], c: ['b'] });
    runId = String((await plane.trigger(['m.a', 'm.b', 'm.c'])).body['runId']);
  });

  const ask = (
    { taskId, taskToken, attempt, attemptId }: Claimed,
    more: {
      readonly report?: object;
      readonly claim?: object;
      readonly key?: string;
      readonly token?: string;
    } = {},
  ): Promise<Answer> =>
    plane.call(plane.handlers.workers, {
      ...plane.inWorkspace('/workers/claim', {
        method: 'POST',
        body: {
          workerId: WORKER,
          completed: {
            taskId,
            taskToken,
            report: { attempt, attemptId, workerId: WORKER, outcome: 'SUCCEEDED', ...more.report },
          },
          ...more.claim,
        },
      }),
      ...(more.key === undefined ? {} : { headers: { 'idempotency-key': more.key } }),
      token: more.token ?? plane.token,
    });
  const claimOne = async (over: object = {}): Promise<Claimed> => {
    const [task] = await plane.claim(1, over);
    if (!task) throw new Error('a task should be offered');
    return task;
  };
  const keysOf = ({ status, body }: Answer): readonly string[] => {
    expect(status).toBe(200);
    return (body['tasks'] as readonly Claimed[]).map(({ taskKey }) => taskKey);
  };
  const onlyTask = ({ body }: Answer): Claimed => {
    const [task] = body['tasks'] as readonly Claimed[];
    if (!task) throw new Error('a task should be handed out');
    return task;
  };
  const commitsOfRun = () => streamedCommits(plane.stage).filter(({ stream }) => stream.endsWith(runId));

  it('takes the report and begins what follows in one commit, with no offer', async () => {
    const first = await claimOne();
    plane.stage.requests();

    const answer = await ask(first);

    expect(keysOf(answer)).toEqual(['m.b']);
    expect(answer.body['completed']).toEqual({
      acknowledged: true,
      finalState: 'SUCCEEDED',
      serverTime: expect.any(String),
    });
    expect(plane.stage.requests()).toEqual({ 'dynamodb.Query': 2, 'dynamodb.PutItem': 1 });
    expect(
      commitsOfRun()
        .at(-1)
        ?.events.map(({ type }) => type),
    ).toEqual(['TaskCompleted', 'TaskDispatched', 'TaskStarted']);
  });

  it('hands out attempts whose tokens are good, to the end of the run', async () => {
    const second = onlyTask(await ask(await claimOne()));
    expect(await plane.report('heartbeat', second)).toMatchObject({ status: 200 });
    const last = await ask(onlyTask(await ask(second)));

    expect(keysOf(last)).toEqual([]);
    expect(await plane.getRun(runId)).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('tells in the history who began what, and that it was ready first', async () => {
    await ask(await claimOne());

    const { body } = await plane.call(
      plane.handlers.runs,
      plane.inWorkspace('/runs/{runId}/events', { parameters: { runId } }),
    );
    const of = RunEventPage.parse(body).events.filter(({ data }) => data['taskKey'] === 'm.b');
    expect(of.map(({ type, actor }) => [type, actor.id])).toEqual([
      ['TaskDispatched', WORKER],
      ['TaskStarted', WORKER],
    ]);
  });

  it('hands the same attempts out again to whoever lost the answer', async () => {
    const first = await claimOne();
    const given = onlyTask(await ask(first));
    plane.pass(1_000);

    const again = await ask(first);

    expect(again.body['completed']).toMatchObject({ duplicate: true });
    expect(onlyTask(again)).toMatchObject({ taskKey: 'm.b', attemptId: given.attemptId });
    expect(commitsOfRun()).toHaveLength(3);
    await plane.succeed(onlyTask(again));
    expect(keysOf(await ask(first))).toEqual(['m.c']);
  });

  it('hands nothing of it to another worker', async () => {
    const first = await claimOne();
    await ask(first);

    expect(keysOf(await ask(first, { claim: { workerId: 'wk-2' } }))).toEqual([]);
  });

  it('gives way to what has waited longer in the queue', async () => {
    const first = await claimOne();
    await plane.trigger(['m.a', 'm.b'], { labels: { which: 'other' } });
    plane.pass(1);

    expect(keysOf(await ask(first))).toEqual(['m.a']);
    expect((await plane.claim(10)).map(({ taskKey }) => taskKey)).toEqual(['m.b']);
  });

  it('goes on with what is offered when nothing follows, under its key like every claim', async () => {
    const first = await claimOne();
    await plane.trigger(['m.a']);
    const failed = {
      report: { outcome: 'FAILED', error: { category: 'USER_CODE', message: 'no' } },
      key: 'k',
    };

    const given = onlyTask(await ask(first, failed));
    const again = await ask(first, failed);

    expect(given.runId).not.toBe(runId);
    expect(onlyTask(again)).toMatchObject({ attemptId: given.attemptId });
    expect(again.body['completed']).toMatchObject({ finalState: 'FAILED', duplicate: true });
  });

  it('is refused under the key of another request before anything is recorded', async () => {
    const first = await claimOne();
    await plane.trigger(['m.a']);
    await ask(first, { report: { outcome: 'CANCELLED' }, key: 'k' });
    const before = commitsOfRun().length;

    expect(await ask(first, { key: 'k' })).toMatchObject({
      status: 409,
      body: { code: 'idempotency_key_reused' },
    });
    expect(commitsOfRun()).toHaveLength(before);
  });

  it('claims nothing when the report is refused, and says so as the callback does', async () => {
    const first = await claimOne();
    await plane.trigger(['m.a']);

    const refused = await ask(first, { report: { attempt: 2 } });

    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'attempt_mismatch', error: 'attempt_mismatch', expectedAttempt: 1, receivedAttempt: 2 },
    });
    expect((await plane.claim(10)).map(({ taskKey }) => taskKey)).toEqual(['m.a']);
  });

  it.each([
    ['a token that is none', { taskToken: 'x.y.z' }, 401, 'invalid_token'],
    ['a task that is not of the token', { taskId: 'ct1_cnVuXzE6bS5h' }, 401, 'invalid_token'],
  ])('refuses %s', async (_case, over, status, code) => {
    const first = await claimOne();

    expect(await ask({ ...first, ...over })).toMatchObject({ status, body: { code } });
  });

  it('refuses a task of another workspace or tenant, whatever its token says', async () => {
    const first = await claimOne();
    for (const claims of [{ workspace_id: 'dev' }, { workspace_id: '*', tenant_id: 'other' }]) {
      const token = await plane.issuer.token(claims);
      const workspaceId = claims.workspace_id === 'dev' ? 'dev' : 'prod';
      const { taskId, taskToken, attempt, attemptId } = first;
      const report = { attempt, attemptId, workerId: WORKER, outcome: 'SUCCEEDED' };
      const answer = await plane.call(plane.handlers.workers, {
        ...plane.inWorkspace('/workers/claim', {
          method: 'POST',
          body: { workerId: WORKER, completed: { taskId, taskToken, report } },
          parameters: { workspaceId },
        }),
        token,
      });
      expect(answer).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
    }
    expect(await plane.report('heartbeat', first)).toMatchObject({ status: 200 });
  });

  it('refuses what is out of range or looks like a secret, by its path', async () => {
    const first = await claimOne();

    expect(await ask(first, { report: { attempt: 0 } })).toMatchObject({
      status: 400,
      body: { code: 'invalid_argument' },
    });
    const named = await ask(first, { report: { workerId: SECRET } });
    expect(named).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(String(named.body['message'])).toContain('completed.report.workerId');
    expect(await ask(first, { report: { outcome: 'DONE' } })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
  });

  it('keeps no token in the ledger', async () => {
    const first = await claimOne();
    const second = onlyTask(await ask(first));

    const text = JSON.stringify(streamedCommits(plane.stage));
    expect(text).not.toContain(first.taskToken);
    expect(text).not.toContain(second.taskToken);
  });
});

describe('a claim that brings a report on a busy run', () => {
  it('answers at once: the report waits in the queue of commands, and what follows is offered', async () => {
    const plane = await assetPlane({ limits: { callbackQueueTasksMin: 1 } });
    await plane.deploy({ a: [], b: [], c: ['a'], d: ['b'] });
    await plane.trigger(['m.a', 'm.b', 'm.c', 'm.d']);
    const [first] = await plane.claim(2);
    if (!first) throw new Error('a task should be offered');
    const { taskId, taskToken, attempt, attemptId } = first;

    const answer = await plane.call(
      plane.handlers.workers,
      plane.inWorkspace('/workers/claim', {
        method: 'POST',
        body: {
          workerId: WORKER,
          completed: {
            ...{ taskId, taskToken },
            report: { attempt, attemptId, workerId: WORKER, outcome: 'SUCCEEDED' },
          },
        },
      }),
    );

    expect(answer).toMatchObject({ status: 200, body: { tasks: [], completed: { acknowledged: true } } });
    await plane.deliver('commands');
    expect(await plane.claim(1)).toMatchObject([{ taskKey: 'm.c' }]);
  });
});
