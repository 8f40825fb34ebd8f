/** Workers behind an SQS queue of their own: what is sent, sent again, told twice, cancelled and refused. */
import { describe, expect, it } from 'vitest';

import { DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { FaultRule } from '#local/dispatch/faults.ts';
import { apiOf, bootTestCloud, inMain } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import { callback, claim, deploy, readRun, runEvents, succeed, trigger } from '#test/support/cloud-assets.ts';
import { itemsOf } from '#test/support/cloud-stores.ts';

const MINUTE_MS = 60_000;
const QueueName = 'sluice-dev-worker-yw3l55s5hy-gpu';
const QueueUrl = `http://127.0.0.1/000000000000/${QueueName}`;
const wish = { workerQueue: 'gpu', queueName: QueueName };
const pool = inMain('/execution-locations/gpu-pool');

const stage = async (faults: readonly FaultRule[] = []): Promise<Api> => {
  const api = apiOf(await bootTestCloud({ faults }));
  await api.cloud.call('sqs', 'CreateQueue', { QueueName });
  await api.must('PUT', pool, wish);
  await deploy(api, { a: { execution: { queue: 'gpu' } } });
  return api;
};

/** What stands in the queue; it comes again after its visibility timeout unless it is deleted. */
const receive = async ({ cloud }: Api): Promise<readonly DispatchEnvelope[]> => {
  await cloud.settle();
  const { Messages = [] } = await cloud.call('sqs', 'ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10 });
  return (Messages as readonly { readonly Body: string }[]).map(({ Body }) =>
    DispatchEnvelope.parse(JSON.parse(Body)),
  );
};

const receiveOne = async (api: Api): Promise<DispatchEnvelope> => {
  const [task, ...others] = await receive(api);
  if (task === undefined || others.length > 0) throw new Error('one message expected');
  return task;
};

describe('a task of an execution location', () => {
  it('is sent with its envelope, offered to no claim, and its token stands nowhere else', async () => {
    const api = await stage();
    const runId = await trigger(api, ['a']);
    const task = await receiveOne(api);

    expect(task).toMatchObject({
      runId,
      taskKey: 'demo.a',
      attempt: 1,
      executionLocationId: 'gpu-pool',
      workerQueue: 'gpu',
      dispatchId: `dispatch:${runId}:demo.a:1`,
    });
    expect(await claim(api, { queue: 'gpu' })).toEqual([]);
    expect(await callback(api, 'started', task)).toMatchObject({ status: 200 });
    expect(await succeed(api, task)).toMatchObject({ status: 200 });
    await api.cloud.settle();
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
    const kept = await Promise.all(
      ['ledger', 'views', 'control'].map((table) => itemsOf(api.cloud, table as 'ledger')),
    );
    expect(JSON.stringify(kept)).not.toContain(task.taskToken);
    expect(api.cloud.logged.length).toBeGreaterThan(0);
    expect(api.cloud.logged.join('\n')).not.toMatch(/eyJ[\w-]+\.[\w-]+\.|Bearer/);
  });

  it('delivered again begins once: the same worker hears 200, another one 409', async () => {
    const api = await stage();
    await trigger(api, ['a']);
    const task = await receiveOne(api);
    expect(await callback(api, 'started', task)).toMatchObject({ status: 200 });
    await api.cloud.advance(MINUTE_MS);
    const again = await receiveOne(api);

    expect(again).toEqual(task);
    expect(await callback(api, 'started', again)).toMatchObject({ status: 200 });
    expect(await callback(api, 'started', again, { workerId: 'w2' })).toMatchObject({
      status: 409,
      body: { code: 'attempt_already_started' },
    });
  });

  it('is begun by one worker however many of its run are in flight', async () => {
    const api = await stage();
    const names = Array.from({ length: 20 }, (_, index) => `t${index}`);
    await deploy(api, Object.fromEntries(names.map((name) => [name, { execution: { queue: 'gpu' } }])));
    await trigger(api, names);
    const [task] = await receive(api);
    if (task === undefined) throw new Error('no message');

    const statuses = await Promise.all(
      ['w1', 'w2', 'w3'].map(async (workerId) => (await callback(api, 'started', task, { workerId })).status),
    );
    expect(statuses.sort()).toEqual([200, 409, 409]);
  });

  it('hears from its heartbeat that its run is cancelled', async () => {
    const api = await stage();
    const runId = await trigger(api, ['a']);
    const task = await receiveOne(api);
    await callback(api, 'started', task);
    await api.must('POST', inMain(`/runs/${runId}/cancel`), {});

    expect(await callback(api, 'heartbeat', task)).toMatchObject({
      status: 200,
      body: { shouldCancel: true },
    });
  });

  it('is sent although sending failed at first', async () => {
    const lost: FaultRule = {
      service: 'sqs',
      operation: 'SendMessage',
      resource: QueueName,
      kind: 'throttle',
      hitsMax: 1,
    };
    const api = await stage([lost]);
    await trigger(api, ['a']);
    await api.cloud.advance(4 * MINUTE_MS);

    expect((await receive(api)).length).toBeGreaterThan(0);
  });

  it('nobody begins is sent five times more, and then fails as lost', async () => {
    const api = await stage();
    const runId = await trigger(api, ['a']);
    await api.cloud.advance(70 * MINUTE_MS);

    const events = await runEvents(api, runId);
    expect(events.filter(({ type }) => type === 'TaskRedispatched')).toHaveLength(5);
    expect(await readRun(api, runId)).toMatchObject({ state: 'FAILED' });
    expect(JSON.stringify(events)).toContain('dispatch_lost');
  });

  it('of a run triggered after the location was removed is offered to claims', async () => {
    const api = await stage();
    expect(await api.must('DELETE', pool)).toEqual({ executionLocationId: 'gpu-pool' });
    await trigger(api, ['a']);

    expect(await receive(api)).toEqual([]);
    expect(await claim(api, { queue: 'gpu' })).toHaveLength(1);
  });
});

describe('the lifecycle of an execution location', () => {
  const set = (api: Api, lifecycle: string) => api.must('PUT', pool, { ...wish, lifecycle });

  it('draining lets runs go on that there are, and no others begin', async () => {
    const api = await stage();
    await deploy(api, {
      a: { execution: { queue: 'gpu' } },
      b: { after: ['a'], execution: { queue: 'gpu' } },
    });
    await trigger(api, ['a', 'b']);
    const task = await receiveOne(api);
    expect(await set(api, 'draining')).toMatchObject({ lifecycle: 'draining' });
    await succeed(api, task);

    expect((await receive(api)).map(({ taskKey }) => taskKey)).toEqual(['demo.b']);
    expect(await api.ask('POST', inMain('/runs'), { body: { selection: ['demo.a'] } })).toMatchObject({
      status: 409,
      body: {
        code: 'location_not_active',
        details: { executionLocationId: 'gpu-pool', lifecycle: 'draining' },
      },
    });
  });

  it('disabled sends nothing, until it is active again', async () => {
    const api = await stage();
    await deploy(api, {
      a: { execution: { queue: 'gpu' } },
      b: { after: ['a'], execution: { queue: 'gpu' } },
    });
    const runId = await trigger(api, ['a', 'b']);
    const task = await receiveOne(api);
    await set(api, 'disabled');
    // What was read of the workspace is good for a while.
    await api.cloud.advance(MINUTE_MS);
    await succeed(api, task);
    await api.cloud.advance(2 * MINUTE_MS);
    expect((await receive(api)).filter(({ taskKey }) => taskKey === 'demo.b')).toEqual([]);
    expect(await readRun(api, runId)).toMatchObject({ state: 'RUNNING' });
    expect(await api.must('GET', inMain(`/runs/${runId}/why`))).toMatchObject({
      waiting: expect.arrayContaining([
        expect.objectContaining({
          reason: 'worker',
          subject: 'demo.b',
          location: { executionLocationId: 'gpu-pool', lifecycle: 'disabled' },
        }),
      ]) as unknown,
    });
    await set(api, 'active');
    await api.cloud.advance(5 * MINUTE_MS);

    expect((await receive(api)).map(({ taskKey }) => taskKey)).toContain('demo.b');
  });

  it('archived leaves new runs to claims, and is listed when it is asked for', async () => {
    const api = await stage();
    await set(api, 'archived');
    await trigger(api, ['a']);

    expect(await claim(api, { queue: 'gpu' })).toHaveLength(1);
    const list = inMain('/execution-locations');
    expect(await api.must('GET', list)).toMatchObject({ executionLocations: [] });
    expect(await api.must('GET', `${list}?includeArchived=true`)).toMatchObject({
      executionLocations: [{ executionLocationId: 'gpu-pool', lifecycle: 'archived' }],
    });
  });
});

describe('an execution location', () => {
  it('is listed, and refused for a queue out of reach or a name that is none', async () => {
    const api = await stage();

    expect(await api.must('GET', inMain('/execution-locations'))).toMatchObject({
      executionLocations: [{ ...wish, executionLocationId: 'gpu-pool', kind: 'managed_queue' }],
      queuePrefix: 'sluice-dev-worker-yw3l55s5hy-',
    });
    const other = '/v1/workspaces/other/execution-locations';
    const { queuePrefix } = await api.must('GET', other);
    expect(queuePrefix).not.toBe('sluice-dev-worker-yw3l55s5hy-');
    // The queue of one workspace is out of the reach of another.
    expect(await api.ask('PUT', `${other}/gpu-pool`, { body: wish })).toMatchObject({
      status: 400,
      body: { code: 'queue_not_allowed', details: { prefix: queuePrefix } },
    });
    expect(await api.ask('PUT', pool, { body: { ...wish, queueName: 'sluice-dev-commands' } })).toMatchObject(
      {
        status: 400,
        body: { code: 'queue_not_allowed', details: { prefix: 'sluice-dev-worker-yw3l55s5hy-' } },
      },
    );
    expect(await api.ask('PUT', inMain('/execution-locations/A'), { body: wish })).toMatchObject({
      status: 404,
      body: { code: 'location_not_found' },
    });
    expect(await api.ask('PUT', inMain('/execution-locations/b'), { body: wish })).toMatchObject({
      status: 409,
      body: { code: 'location_conflict' },
    });
    expect(await api.ask('DELETE', inMain('/execution-locations/b'))).toMatchObject({
      status: 404,
      body: { code: 'location_not_found' },
    });
  });
});
