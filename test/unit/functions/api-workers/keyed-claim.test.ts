import { beforeEach, describe, expect, it } from 'vitest';
import type { LocalStage } from '#test/support/ports.ts';
import { assetPlane, offerAgain, WORKER } from '#test/support/ports-assets.ts';
import type { Answer, AssetPlane, Claimed } from '#test/support/ports-assets.ts';

const HEARTBEAT_TIMEOUT_MS = 330_000;
const DAY_MS = 86_400_000;

/** Drops what is remembered of claims. */
const dropClaims = async ({ dispatcher }: LocalStage): Promise<void> => {
  const { Items } = (await dispatcher.call('dynamodb', 'Scan', { TableName: 'control' })) as {
    Items: readonly { readonly pk: { readonly S: string }; readonly sk: object }[];
  };
  const claims = Items.filter(({ pk }) => pk.S.startsWith('claim#'));
  expect(claims).toHaveLength(1);
  for (const { pk, sk } of claims)
    await dispatcher.call('dynamodb', 'DeleteItem', { TableName: 'control', Key: { pk, sk } });
};

describe('claiming under an Idempotency-Key', () => {
  let plane: AssetPlane;
  let runId: string;
  beforeEach(async () => {
    plane = await assetPlane();
    await plane.deploy({ a: [], b: [], c: [], d: ['a', 'b', 'c'] });
    runId = String((await plane.trigger(['m.a', 'm.b', 'm.c', 'm.d'])).body['runId']);
  });

  const ask = (key: string, over: object = {}, token = plane.token): Promise<Answer> =>
    plane.call(plane.handlers.workers, {
      ...plane.inWorkspace('/workers/claim', {
        method: 'POST',
        body: { workerId: WORKER, maxTasks: 2, ...over },
      }),
      headers: { 'idempotency-key': key },
      token,
    });
  const tasksOf = ({ status, body }: Answer): readonly Claimed[] => {
    expect(status).toBe(200);
    return body['tasks'] as readonly Claimed[];
  };
  const keysOf = (answer: Answer): readonly string[] => tasksOf(answer).map(({ taskKey }) => taskKey);

  it('hands out the same attempts again, each with a token that is good', async () => {
    const first = tasksOf(await ask('k'));
    plane.pass(1_000);
    const again = tasksOf(await ask('k'));

    expect(first.map(({ taskKey }) => taskKey)).toEqual(['m.a', 'm.b']);
    expect(again.map(({ taskId, attemptId }) => [taskId, attemptId])).toEqual(
      first.map(({ taskId, attemptId }) => [taskId, attemptId]),
    );
    expect(again.map(({ taskToken }) => taskToken)).not.toEqual(first.map(({ taskToken }) => taskToken));
    for (const task of [...first, ...again])
      expect(await plane.report('heartbeat', task)).toMatchObject({ status: 200 });
    expect(await plane.claim(10)).toMatchObject([{ taskKey: 'm.c' }]);
  });

  it('costs a look and a note more than without a key, and starts the attempts of a run in one commit', async () => {
    await plane.claim(1, { queue: 'empty' });
    plane.stage.requests();
    await ask('k');
    const keyed = plane.stage.requests();
    await plane.claim(1);
    const plain = plane.stage.requests();

    expect(keyed).toMatchObject({
      'dynamodb.GetItem': 1,
      'dynamodb.DeleteItem': 2,
      'dynamodb.PutItem': 2,
    });
    expect(plain).toEqual({ 'dynamodb.Query': 1, 'dynamodb.DeleteItem': 1, 'dynamodb.PutItem': 1 });
  });

  it('writes nothing for a repeat', async () => {
    await ask('k');
    plane.stage.requests();

    await ask('k');

    const repeated = plane.stage.requests();
    expect(repeated).not.toHaveProperty('dynamodb.DeleteItem');
    // What the run owes is done again, as with every repeat: the offer that stands is put on itself.
    expect(repeated).toMatchObject({ 'dynamodb.GetItem': 1, 'dynamodb.PutItem': 1 });
    expect(await plane.claim(10)).toHaveLength(1);
  });

  it.each([{ maxTasks: 3 }, { workerId: 'wk-2' }, { queue: 'other' }, { waitMs: 1 }])(
    'refuses the key for another request: %o',
    async (over) => {
      await ask('k');

      expect(await ask('k', over)).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused' } });
      expect(await plane.claim(10)).toHaveLength(1);
    },
  );

  it('leaves out what has ended or is no longer the attempt that was handed out', async () => {
    const [done, silent] = tasksOf(await ask('k', { maxTasks: 3 }));
    if (!done || !silent) throw new Error('two tasks expected');
    await plane.succeed(done);
    expect(keysOf(await ask('k', { maxTasks: 3 }))).toEqual(['m.b', 'm.c']);

    await plane.fail(silent);
    expect(keysOf(await ask('k', { maxTasks: 3 }))).toEqual(['m.c']);
    plane.pass(60_000);
    await plane.sweepNow();
    expect(await plane.claim(1)).toMatchObject([{ taskKey: 'm.b', attempt: 2 }]);
    expect(keysOf(await ask('k', { maxTasks: 3 }))).toEqual(['m.c']);

    plane.pass(HEARTBEAT_TIMEOUT_MS);
    await plane.sweepNow();
    expect(keysOf(await ask('k', { maxTasks: 3 }))).toEqual([]);
  });

  it('remembers no empty answer', async () => {
    await plane.claim(3);
    expect(keysOf(await ask('k'))).toEqual([]);
    await plane.trigger(['m.a']);

    expect(keysOf(await ask('k', { maxTasks: 1 }))).toEqual(['m.a']);
  });

  it('forgets after a day', async () => {
    await ask('k');
    plane.pass(DAY_MS - 1);
    const late = await plane.issuer.token({}, { expiresAtMs: plane.stage.clock.nowMs() + DAY_MS });
    expect(await ask('k', { maxTasks: 1 }, late)).toMatchObject({ status: 409 });
    plane.pass(1);

    expect(keysOf(await ask('k', { maxTasks: 1 }, late))).toEqual(['m.c']);
  });

  describe('when something breaks', () => {
    it('starts on the repeat what was taken and not started', async () => {
      plane.stage.inject({
        service: 'dynamodb',
        operation: 'PutItem',
        resource: 'ledger',
        kind: 'server-error',
        calls: [1],
      });
      expect(await ask('k')).toMatchObject({ status: 503 });
      expect(await plane.claim(10, { workerId: 'wk-2' })).toMatchObject([{ taskKey: 'm.c' }]);

      expect(keysOf(await ask('k'))).toEqual(['m.a', 'm.b']);
    });

    it('hands out again what was started although the answer of the append was lost', async () => {
      plane.stage.inject({
        service: 'dynamodb',
        operation: 'PutItem',
        resource: 'ledger',
        kind: 'lost-answer',
        calls: [1],
      });
      expect(await ask('k')).toMatchObject({ status: 500 });

      expect(keysOf(await ask('k'))).toEqual(['m.a', 'm.b']);
    });

    it('gives back what it could not remember', async () => {
      const lost = { service: 'dynamodb', operation: 'PutItem', resource: 'control', calls: [1] } as const;
      plane.stage.inject({ ...lost, kind: 'server-error' });
      expect(await ask('k')).toMatchObject({ status: 503 });

      expect(await plane.claim(10)).toHaveLength(3);
    });

    it('keeps what it remembered although it was not told so', async () => {
      const lost = { service: 'dynamodb', operation: 'PutItem', resource: 'control', calls: [1] } as const;
      plane.stage.inject({ ...lost, kind: 'lost-answer' });
      expect(await ask('k')).toMatchObject({ status: 500 });

      expect(keysOf(await ask('k'))).toEqual(['m.a', 'm.b']);
      expect(await plane.claim(10, { workerId: 'wk-2' })).toMatchObject([{ taskKey: 'm.c' }]);
    });

    it('goes on with what it has when a further offer cannot be taken', async () => {
      plane.stage.inject({ service: 'dynamodb', operation: 'DeleteItem', kind: 'server-error', calls: [2] });

      expect(keysOf(await ask('k'))).toEqual(['m.a']);
      expect(keysOf(await ask('k'))).toEqual(['m.a']);
      expect(plane.stage.lines()).toContainEqual(expect.objectContaining({ level: 'error', taskKey: 'm.b' }));
    });

    it('fails when the first offer cannot be taken', async () => {
      plane.stage.inject({ service: 'dynamodb', operation: 'DeleteItem', kind: 'server-error', calls: [1] });

      expect(await ask('k')).toMatchObject({ status: 503 });
      expect(keysOf(await ask('k'))).toEqual(['m.a', 'm.b']);
    });

    it('costs no more than the heartbeat timeout when the memory is lost', async () => {
      await ask('k', { maxTasks: 3 });
      await dropClaims(plane.stage);

      expect(keysOf(await ask('k', { maxTasks: 3 }))).toEqual([]);
      plane.pass(HEARTBEAT_TIMEOUT_MS);
      await plane.sweepNow();
      plane.pass(60_000);
      await plane.sweepNow();
      expect(keysOf(await ask('k', { maxTasks: 3 }))).toEqual(['m.a', 'm.b', 'm.c']);
    });
  });

  it('gives one answer to the same request twice at once, and loses no offer', async () => {
    const [one, other] = await Promise.all([ask('k', { maxTasks: 1 }), ask('k', { maxTasks: 1 })]);

    expect(keysOf(one)).toHaveLength(1);
    expect(keysOf(other)).toEqual(keysOf(one));
    expect(await plane.claim(10)).toHaveLength(2);
  });

  it('gives one of two different requests that come at once the key, and the other its refusal', async () => {
    const answers = await Promise.all([ask('k', { maxTasks: 1 }), ask('k', { maxTasks: 2 })]);

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const [granted] = answers.filter(({ status }) => status === 200);
    const left = await plane.claim(10);
    expect(left.length + (granted ? tasksOf(granted).length : 0)).toBe(3);
  });

  it('never hands out an attempt that another claim of the same worker was handed', async () => {
    const [task] = await plane.claim();
    await offerAgain(plane, { runId, attemptId: task?.attemptId ?? '' });

    expect(keysOf(await ask('k'))).toEqual(['m.b']);
    expect(keysOf(await ask('k'))).toEqual(['m.b']);
  });
});
