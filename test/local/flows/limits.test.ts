/** Runs that share limits of concurrency: no more of their attempts at once than the limit allows, whatever is lost. */
import { describe, expect, it } from 'vitest';

import { verifyStage } from '#cli/offline/views.ts';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import { LimitList, LimitRead } from '#contracts/runs/concurrency.ts';
import { concurrency } from '#contracts/runs/limits.ts';
import { RunWhy } from '#contracts/runs/read.ts';
import type { StreamId } from '#contracts/ids.ts';
import type { ProposedEvent } from '#domain/kernel/aggregate.ts';
import type { FaultRule } from '#local/dispatch/faults.ts';
import { recorded } from '#test/support/decider.ts';
import { apiOf, bootTestCloud, inMain, insistOn } from '#test/support/cloud.ts';
import type { Answer, Api } from '#test/support/cloud.ts';
import {
  callback,
  claim,
  claimOne,
  fail,
  manifestOf,
  readRun,
  runEvents,
  succeed,
  taskStates,
  trigger,
} from '#test/support/cloud-assets.ts';
import type { AssetPlan } from '#test/support/cloud-assets.ts';
import { storesOfCloud } from '#test/support/busy-stacks.ts';
import { commitsIn, ledgerOf, numberingFaults, purge } from '#test/support/cloud-stores.ts';

const MINUTE_MS = 60_000;

const keyed = {
  execution: { concurrencyKey: 'warehouse', heartbeatTimeoutSec: 30, retry: { baseMs: 1_000 } },
};
const limits = (capacity: number) => [{ limit: 'key:warehouse', capacity }];

const deployLimited = (api: Api, assets: AssetPlan, declared: readonly object[]): Promise<Answer['body']> =>
  api.must('POST', inMain('/manifests'), { ...manifestOf(assets), limits: declared });

const limitOf = async (api: Api, limitId = 'key:warehouse'): Promise<LimitRead> =>
  LimitRead.parse(await api.must('GET', inMain(`/limits/${limitId}`)));

const whyOf = async (api: Api, runId: string): Promise<RunWhy['waiting']> =>
  RunWhy.parse(await api.must('GET', inMain(`/runs/${runId}/why`))).waiting;

/** Has a commit of a limit that somebody else made. */
const append = (
  api: Api,
  limitId: string,
  events: readonly ProposedEvent[],
  version = 0,
): Promise<unknown> => {
  const stream = `limit#local/main/${limitId}`;
  const nowMs = api.cloud.clock.nowMs();
  return ledgerOf(api.cloud).append({
    stream: stream as StreamId,
    sequence: version + 1,
    events: recorded(events, { stream, version, nowMs }),
    committedAtMs: nowMs,
    commandId: `test-${version}`,
    correlationId: 'test',
  });
};

const headOf = async (api: Api): Promise<number> => {
  const last = (await commitsIn(api.cloud)).filter(({ stream }) => stream.startsWith('limit#')).at(-1);
  return last ? last.sequence + last.events.length - 1 : 0;
};

/** Has as many others wait for the key's limit as it still takes, after so many requests. */
const fill = async (api: Api, asked: number): Promise<void> => {
  const { waiting } = await limitOf(api);
  const crowd = Array.from({ length: concurrency.waitersMax - waiting }, (_, index) => ({
    type: 'SlotRequested',
    idempotencyKey: `crowd:${index}`,
    data: { ...crowdHolder(index), requestNo: asked + 1 + index, priority: 5 },
  }));
  const head = await headOf(api);
  for (let at = 0; at < crowd.length; at += 500)
    await append(api, 'key:warehouse', crowd.slice(at, at + 500), head + at);
};

const crowdHolder = (index: number) => ({
  runId: `run_${String(index).padStart(26, '0')}`,
  taskKey: 'demo.a',
  attempt: 1,
});

/** One of those others gives its place up. */
const makeRoom = async (api: Api): Promise<unknown> => {
  const data = { ...crowdHolder(0), requestNo: 1, wasHeld: false };
  const released = { type: 'SlotReleased', idempotencyKey: 'slot_released:1', data };
  return append(api, 'key:warehouse', [released], await headOf(api));
};

/** How many of these runs are under way at once at most, by the instants of their events. */
const mostAtOnce = async (api: Api, runIds: readonly string[]): Promise<number> => {
  const moves: (readonly [number, number])[] = [];
  for (const runId of runIds)
    for (const { type, occurredAt } of await runEvents(api, runId)) {
      if (type === 'TaskDispatched') moves.push([Date.parse(occurredAt), 1]);
      if (type === 'TaskCompleted' || type === 'TaskStopped') moves.push([Date.parse(occurredAt), -1]);
    }
  // At one instant what ends goes before what begins.
  moves.sort(([left, one], [right, other]) => left - right || one - other);
  let [now, most] = [0, 0];
  for (const [, step] of moves) most = Math.max(most, (now += step));
  return most;
};

describe('runs that share a concurrency key', () => {
  it('go one after the other, and tell which limit they wait for and at which place', async () => {
    const api = apiOf(await bootTestCloud());
    await deployLimited(api, { a: keyed }, []);
    await api.cloud.settle();
    const runIds = [await trigger(api, ['a']), await trigger(api, ['a']), await trigger(api, ['a'])] as const;
    await api.cloud.settle();

    const [task, ...others] = await claim(api);
    expect(others).toEqual([]);
    expect(task?.runId).toBe(runIds[0]);
    expect(await limitOf(api)).toMatchObject({
      limitId: 'key:warehouse',
      capacity: 1,
      source: 'manifest',
      held: 1,
      waiting: 2,
      holders: [{ runId: runIds[0], taskKey: 'demo.a', attempt: 1 }],
      waiters: [
        { runId: runIds[1], position: 1 },
        { runId: runIds[2], position: 2 },
      ],
    });
    const place = { limitId: 'key:warehouse', position: 2, capacity: 1, held: 1, waiting: 2 };
    expect(await whyOf(api, runIds[2])).toContainEqual(
      expect.objectContaining({ reason: 'concurrency_limit', subject: 'demo.a', limit: place }),
    );
    expect(await readRun(api, runIds[2])).toMatchObject({ taskCounts: { queued: 1 } });

    for (let next = task; next; [next] = await claim(api)) {
      await api.cloud.advance(1_000);
      await succeed(api, next);
      await api.cloud.settle();
    }

    for (const runId of runIds) {
      expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
      expect(await whyOf(api, runId)).toEqual([]);
    }
    expect(await mostAtOnce(api, runIds)).toBe(1);
    expect(await limitOf(api)).toMatchObject({ held: 0, waiting: 0, holders: [], waiters: [] });
    const { limits: listed } = LimitList.parse(await api.must('GET', inMain('/limits')));
    expect(listed).toEqual([
      { limitId: 'key:warehouse', capacity: 1, source: 'manifest', held: 0, waiting: 0 },
    ]);
    expect(api.cloud.faultLines()).toEqual([]);
  });

  it('do not hold it while they wait for a retry, and give their place up when they are cancelled', async () => {
    const api = apiOf(await bootTestCloud());
    const slow = {
      execution: { concurrencyKey: 'warehouse', heartbeatTimeoutSec: 3_600, retry: { baseMs: 600_000 } },
    };
    await deployLimited(api, { a: slow }, limits(1));
    const [first, second, third] = [
      await trigger(api, ['a']),
      await trigger(api, ['a']),
      await trigger(api, ['a']),
    ];
    await api.cloud.settle();
    await fail(api, await claimOne(api));
    await api.cloud.settle();
    const task = await claimOne(api);
    expect(task.runId).toBe(second);

    await api.must('POST', inMain(`/runs/${third}/cancel`), {});
    await api.cloud.settle();
    expect(await limitOf(api)).toMatchObject({ held: 1, waiting: 0 });
    expect(await readRun(api, third)).toMatchObject({ state: 'CANCELLED' });

    await api.cloud.advance(11 * MINUTE_MS);
    expect(await whyOf(api, first)).toContainEqual(
      expect.objectContaining({ reason: 'concurrency_limit', subject: 'demo.a' }),
    );
    await api.must('POST', inMain(`/runs/${second}/cancel`), {});
    expect(await callback(api, 'completed', task, { outcome: 'CANCELLED' })).toMatchObject({ status: 200 });
    await api.cloud.settle();
    await succeed(api, await claimOne(api));
    await api.cloud.settle();
    expect(await readRun(api, first)).toMatchObject({ state: 'SUCCEEDED' });
    expect(await limitOf(api)).toMatchObject({ held: 0, waiting: 0 });
  });

  it('follow the capacity that is set over the API at once, and all go when the limit is removed', async () => {
    const api = apiOf(await bootTestCloud());
    const put = (capacity: number) => api.must('PUT', inMain('/limits/queue:etl'), { capacity });
    expect(await put(0)).toEqual({ limitId: 'queue:etl', capacity: 0, source: 'api', held: 0, waiting: 0 });
    const etl = { execution: { queue: 'etl' } };
    await deployLimited(api, { a: etl, b: etl, c: etl, d: etl }, []);
    const runId = await trigger(api, ['a', 'b', 'c', 'd']);
    await api.cloud.settle();
    expect(await claim(api, { queue: 'etl' })).toEqual([]);

    await put(2);
    await api.cloud.settle();
    const taken = await claim(api, { queue: 'etl' });
    expect(taken.map(({ taskKey }) => taskKey)).toEqual(['demo.a', 'demo.b']);
    await put(1);
    await api.cloud.settle();
    for (const task of taken.slice(0, 1)) await succeed(api, task);
    await api.cloud.settle();
    expect(await claim(api, { queue: 'etl' })).toEqual([]);

    await api.must('DELETE', inMain('/limits/queue:etl'));
    await api.cloud.settle();
    expect(await limitOf(api, 'queue:etl')).toMatchObject({ limitId: 'queue:etl', held: 3, waiting: 0 });
    const rest = await claim(api, { queue: 'etl' });
    for (const task of [...taken.slice(1), ...rest]) await succeed(api, task);
    await api.cloud.settle();

    expect(taskStates(await readRun(api, runId))).toEqual({
      a: 'SUCCEEDED',
      b: 'SUCCEEDED',
      c: 'SUCCEEDED',
      d: 'SUCCEEDED',
    });
    expect(await api.ask('GET', inMain('/limits/queue:etl'))).toMatchObject({
      status: 404,
      body: { code: 'limit_not_found' },
    });
    expect(await api.ask('DELETE', inMain('/limits/queue:etl'))).toMatchObject({ status: 404 });
    expect(await api.ask('PUT', inMain('/limits/rate:x'), { body: { capacity: 1 } })).toMatchObject({
      status: 404,
    });
  });

  it('fall back to what is declared when the word over the API is removed, and are not removed beyond it', async () => {
    const api = apiOf(await bootTestCloud());
    await deployLimited(api, { a: keyed }, []);
    const path = inMain('/limits/key:warehouse');
    expect(await api.must('PUT', path, { capacity: 3 })).toMatchObject({ capacity: 3, source: 'api' });

    expect(await api.must('DELETE', path)).toMatchObject({ capacity: 1, source: 'manifest' });
    expect(await api.ask('DELETE', path)).toMatchObject({ status: 409, body: { code: 'limit_declared' } });
    await api.cloud.settle();
    expect(await limitOf(api)).toMatchObject({ capacity: 1, source: 'manifest' });
  });

  it('ask several limits one after the other, the tasks of in-process runners too', async () => {
    const api = apiOf(await bootTestCloud());
    const both = (execution: object) => ({ execution: { concurrencyKey: 'warehouse', ...execution } });
    await deployLimited(api, { a: both({}), b: both({}), n: both({ runner: 'noop' }) }, [
      ...limits(1),
      { limit: 'workspace', capacity: 2 },
      { limit: 'queue:default-queue', capacity: 2 },
    ]);
    const runIds = [await trigger(api, ['a', 'n']), await trigger(api, ['b', 'n'])];
    for (let tasks = 0; tasks < 2; tasks++) {
      await api.cloud.settle();
      await api.cloud.advance(1_000);
      await succeed(api, await claimOne(api));
    }
    await api.cloud.settle();

    for (const runId of runIds) expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
    expect(await mostAtOnce(api, runIds)).toBe(1);
    for (const limitId of ['workspace', 'queue:default-queue', 'key:warehouse'])
      expect(await limitOf(api, limitId)).toMatchObject({ held: 0, waiting: 0 });
    const asked = (await runEvents(api, runIds[0] ?? ''))
      .filter(({ type, data }) => type === 'TaskSlotRequested' && data['taskKey'] === 'demo.a')
      .map(({ data }) => data['limitId']);
    expect(asked).toEqual(['key:warehouse', 'queue:default-queue', 'workspace']);
  });

  it('are refused with 429 while too many wait, but a repeat of what was taken in is not', async () => {
    const api = apiOf(await bootTestCloud());
    await deployLimited(api, { a: keyed }, limits(0));
    await api.cloud.settle();
    const runId = await trigger(api, ['a'], { runKey: 'early' });
    await api.cloud.settle();
    await fill(api, 1);

    const body = { selection: ['demo.a'] };
    const refused = await api.ask('POST', inMain('/runs'), { body });

    expect(refused).toMatchObject({
      status: 429,
      body: { code: 'too_much_waiting', retryAfterMs: 60_000, details: { limitId: 'key:warehouse' } },
    });
    expect(refused.headers['retry-after']).toEqual(['60']);
    expect(await trigger(api, ['a'], { runKey: 'early' })).toBe(runId);
    expect((await limitOf(api)).waiters).toHaveLength(concurrency.shownMax);
  });

  it.each([
    ['at once', 0, 2],
    ['after an hour', 60, 300],
  ])(
    'have the place that becomes free %s, and ask less and less until then',
    async (_, minutes, withinSec) => {
      const api = apiOf(await bootTestCloud());
      await deployLimited(api, { first: [], a: { after: ['first'], ...keyed } }, limits(0));
      const runId = await trigger(api, ['first', 'a']);
      await api.cloud.settle();
      await fill(api, 0);
      await succeed(api, await claimOne(api));
      await api.cloud.settle();
      await api.cloud.advance(minutes * MINUTE_MS);
      const asked = async () =>
        (await runEvents(api, runId)).filter(({ type }) => type === 'TaskSlotRequested').length;
      const refusedAsks = await asked();
      expect(refusedAsks).toBeLessThanOrEqual(8 + minutes / 2.5);
      const [refused] = (await whyOf(api, runId)).filter(({ limit }) => limit);
      expect(refused).toMatchObject({
        reason: 'concurrency_limit',
        limit: { waiting: concurrency.waitersMax },
      });
      expect(refused?.limit).not.toHaveProperty('position');

      await makeRoom(api);
      await api.cloud.advance(withinSec * 1_000);

      expect(await asked()).toBeGreaterThan(refusedAsks);
      const [placed] = (await whyOf(api, runId)).filter(({ limit }) => limit);
      expect(placed?.limit).toMatchObject({ position: concurrency.waitersMax });
      expect(api.cloud.faultLines()).toEqual([]);
    },
  );

  it('lose nothing when words between them and the limit are lost', async () => {
    const lost = { service: 'sqs', operation: 'SendMessageBatch', kind: 'throttle', hitsMax: 12 } as const;
    const api = apiOf(await bootTestCloud({ faults: [lost] }));
    await deployLimited(api, { a: keyed }, limits(1));
    const runIds = [await trigger(api, ['a']), await trigger(api, ['a'])];
    await api.cloud.settle();
    expect(await whyOf(api, runIds[0] ?? '')).toContainEqual(
      expect.objectContaining({ reason: 'concurrency_limit', limit: { limitId: 'key:warehouse' } }),
    );
    for (let minutes = 0; minutes < 40; minutes++) {
      for (const task of await claim(api)) {
        await succeed(api, task);
        await purge(api.cloud, 'commands.fifo');
      }
      await api.cloud.advance(MINUTE_MS);
    }

    for (const runId of runIds) expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
    expect(await limitOf(api)).toMatchObject({ held: 0, waiting: 0 });
    for (const runId of runIds) expect(await whyOf(api, runId)).toEqual([]);
    expect(await verifyStage(storesOfCloud(api.cloud))).toMatchObject({ isEqual: true, differences: [] });
  });

  it('cost a run without limits nothing', async () => {
    const requests = async (declared: readonly object[]) => {
      const api = apiOf(await bootTestCloud());
      await deployLimited(api, { a: [], b: keyed }, declared);
      await api.cloud.settle();
      const before = api.cloud.counts().requests;
      await trigger(api, ['a']);
      await succeed(api, await claimOne(api));
      await api.cloud.settle();
      return Object.entries(api.cloud.counts().requests)
        .filter(([name]) => /^(dynamodb|sqs|states|s3)\./.test(name))
        .map(([name, count]) => [name, count - (before[name] ?? 0)]);
    };

    expect(await requests([...limits(1), { limit: 'queue:other', capacity: 1 }])).toEqual(await requests([]));
  });
});

const faults: readonly FaultRule[] = (
  [
    ['dynamodb', 'PutItem'],
    ['dynamodb', 'Query'],
    ['sqs', 'SendMessageBatch'],
    ['dynamodb', 'DeleteItem'],
  ] as const
).flatMap(([service, operation]) =>
  (['lost-answer', 'throttle', 'duplicate'] as const).map((kind) => ({
    service,
    operation,
    kind,
    probability: 0.06,
    hitsMax: 8,
  })),
);

describe('when everything fails now and then,', () => {
  it.each([
    [1, 1],
    [2, 2],
  ])('at most %i attempts are under way, and every run ends, seed %i', async (capacity, seed) => {
    const api = apiOf(await bootTestCloud({ faults, seed }));
    const assets = { a: keyed, b: { after: ['a'], ...keyed }, c: keyed };
    const body = { ...manifestOf(assets), limits: limits(capacity) };
    await insistOn(() => api.ask('POST', inMain('/manifests'), { body }));
    const runIds: string[] = [];
    for (const runKey of ['r1', 'r2', 'r3', 'r4']) {
      const wish = { selection: ['demo.a', 'demo.b', 'demo.c'], runKey };
      const started = await insistOn(() => api.ask('POST', inMain('/runs'), { body: wish }));
      runIds.push(String(started.body['runId']));
    }
    for (let steps = 0, claims = 0; steps < 200; steps++) {
      await api.cloud.settle();
      const headers = { 'idempotency-key': `claim-${claims++}` };
      const wish = { workerId: 'w1', maxTasks: 10 };
      const claimed = await insistOn(() =>
        api.ask('POST', inMain('/workers/claim'), { body: wish, headers }),
      );
      const { tasks } = ClaimResponse.parse(claimed.body);
      for (const task of tasks)
        await insistOn(() => callback(api, 'completed', task, { outcome: 'SUCCEEDED' }));
      const runs = await Promise.all(
        runIds.map((id) => insistOn(() => api.ask('GET', inMain(`/runs/${id}`)))),
      );
      if (runs.every((run) => run.body['state'] !== 'RUNNING')) break;
      await api.cloud.advance(tasks.length === 0 ? 20_000 : 1_000);
    }
    await api.cloud.advance(20 * MINUTE_MS);

    for (const runId of runIds) expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
    expect(await mostAtOnce(api, runIds)).toBe(capacity);
    expect(await limitOf(api)).toMatchObject({ capacity, held: 0, waiting: 0 });
    for (const runId of runIds) expect(await whyOf(api, runId)).toEqual([]);
    expect(numberingFaults(await commitsIn(api.cloud))).toEqual([]);
  });
});
