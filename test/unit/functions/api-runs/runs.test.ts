import { beforeEach, describe, expect, it } from 'vitest';
import { createHandler as compactHandler } from '#functions/compact/handler.ts';
import type { Json } from '#local/kernel/engine.ts';
import { ledgerEvent } from '#test/support/ledger.ts';
import { assetPlane } from '#test/support/ports-assets.ts';
import type { AssetPlane } from '#test/support/ports-assets.ts';

describe('the API of runs', () => {
  let plane: AssetPlane;
  beforeEach(async () => {
    plane = await assetPlane();
  });

  const get = (
    path: string,
    parameters: Readonly<Record<string, string>> = {},
    query: Readonly<Record<string, string>> = {},
  ) => plane.call(plane.handlers.runs, plane.inWorkspace(path, { parameters, query }));
  const compact = () => compactHandler(plane.stage.environment, plane.stage.plugin)(ledgerEvent(plane.stage));
  const triggered = async (selection: readonly string[] = ['m.a'], more: object = {}): Promise<string> =>
    String((await plane.trigger(selection, more)).body['runId']);

  describe('deploying', () => {
    it('answers 201 for what is new, 200 for what is current, and gives the body back', async () => {
      const first = await plane.deploy({ a: [], b: ['a'] });
      const again = await plane.deploy({ a: [], b: ['a'] });
      await compact();

      expect([first.status, again.status]).toEqual([201, 200]);
      expect(again.body).toEqual(first.body);
      const manifestId = String(first.body['manifestId']);
      const read = await get('/manifests/{manifestId}', { manifestId });
      expect(read).toMatchObject({ status: 200, body: { manifestId, manifest: { codeVersionId: 'git-1' } } });
      expect(await get('/manifests')).toMatchObject({ body: { manifests: [{ manifestId }] } });
      expect(JSON.stringify((await get('/manifests')).body)).not.toContain('documentKey');
    });

    it('lists every fault at once and writes nothing but that it was refused', async () => {
      await plane.call(plane.handlers.runs, plane.inWorkspace('/runs'));
      plane.stage.requests();

      const answer = await plane.deploy({ a: ['b'], b: ['a'], c: ['nowhere'] });

      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_manifest' } });
      const { faults } = answer.body['details'] as { faults: readonly Json[] };
      expect(faults.length).toBeGreaterThan(1);
      expect(plane.stage.requests()).toEqual({ 'dynamodb.PutItem': 1, 'dynamodb.UpdateItem': 1 });
    });

    it('answers the same request under the same key the same, and another one with a conflict', async () => {
      const headers = { 'Idempotency-Key': 'deploy-1' };
      const deploy = (body: object) =>
        plane.call(plane.handlers.runs, plane.inWorkspace('/manifests', { method: 'POST', body, headers }));
      const body = (codeVersionId: string) => ({
        manifestVersion: '1.0',
        codeVersionId,
        assets: [{ key: { namespace: 'm', name: 'a' }, id: 'a' }],
      });

      expect((await deploy(body('1'))).status).toBe(201);
      await plane.deploy({ a: [] });

      expect((await deploy(body('1'))).status).toBe(200);
      expect(await deploy(body('2'))).toMatchObject({
        status: 409,
        body: { code: 'idempotency_key_reused' },
      });
    });

    it.each(['man_00000000000000000000000000', 'nonsense', 'x'.repeat(2_000)])(
      'answers 404 for the manifest %s',
      async (manifestId) => {
        expect(await get('/manifests/{manifestId}', { manifestId })).toMatchObject({
          status: 404,
          body: { code: 'not_found' },
        });
      },
    );
  });

  describe('triggering', () => {
    it('needs a manifest and assets of it', async () => {
      expect(await plane.trigger(['m.a'])).toMatchObject({ status: 400, body: { code: 'no_manifest' } });
      await plane.deploy({ a: [] });
      expect(await plane.trigger(['m.nothing'])).toMatchObject({
        status: 400,
        body: { code: 'invalid_selection' },
      });
      expect(await plane.trigger([])).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
      expect(await plane.trigger(['m.a'])).toMatchObject({
        status: 201,
        body: { created: true, state: 'RUNNING' },
      });
    });

    it('costs one read for the manifest and one write, and the body of a manifest once', async () => {
      await plane.deploy({ a: [] });
      await plane.trigger(['m.a']);
      plane.stage.requests();

      await plane.trigger(['m.a']);

      // One commit, one offer, one audit; the bucket of its caller.
      expect(plane.stage.requests()).toEqual({
        'dynamodb.Query': 1,
        'dynamodb.PutItem': 3,
        'dynamodb.UpdateItem': 1,
      });
    });

    it('finds the run of a key again, in the body or in the header', async () => {
      await plane.deploy({ a: [], b: [] });
      const first = await plane.trigger(['m.a'], { runKey: 'daily' });
      const again = await plane.trigger(['m.a'], {}, { headers: { 'Idempotency-Key': 'daily' } });

      expect(again).toMatchObject({ status: 200, body: { runId: first.body['runId'], created: false } });
      expect(await plane.trigger(['m.b'], { runKey: 'daily' })).toMatchObject({
        status: 409,
        body: { code: 'run_key_conflict', details: { existingRunId: first.body['runId'] } },
      });
    });

    it('creates one run of many requests under one key at once', async () => {
      await plane.deploy({ a: [] });

      const answers = await Promise.all(
        Array.from({ length: 10 }, () => plane.trigger(['m.a'], { runKey: 'once' })),
      );

      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(new Set(answers.map(({ body }) => body['runId'])).size).toBe(1);
      expect(await plane.claim(10)).toHaveLength(1);
    });

    it('repeats the effects of a run whose first answer failed behind the commit', async () => {
      await plane.deploy({ a: [] });
      plane.stage.inject({
        service: 'dynamodb',
        operation: 'PutItem',
        resource: 'control',
        kind: 'throttle',
      });
      expect((await plane.trigger(['m.a'], { runKey: 'k' })).status).toBe(201);
      expect(await plane.claim()).toEqual([]);

      plane.stage.inject();
      expect((await plane.trigger(['m.a'], { runKey: 'k' })).status).toBe(200);

      expect(await plane.claim()).toHaveLength(1);
    });

    it.each([1, 10, 500])('runs %d tasks to their end, a window at a time', async (count) => {
      const names = Array.from({ length: count }, (_, index) => `t${index}`);
      await plane.deploy(Object.fromEntries(names.map((name) => [name, []])));
      const runId = await triggered(names.map((name) => `m.${name}`));
      let finished = 0;
      for (;;) {
        const tasks = await plane.claim(10);
        if (tasks.length === 0) break;
        for (const task of tasks) expect((await plane.succeed(task)).status).toBe(200);
        // A run with many tasks in flight takes its reports through the queue.
        await plane.deliver('commands');
        finished += tasks.length;
      }

      expect(finished).toBe(count);
      expect(await plane.getRun(runId)).toMatchObject({
        state: 'SUCCEEDED',
        taskCounts: { succeeded: count },
      });
    });
  });

  describe('running again', () => {
    const rerun = (runId: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
      plane.call(
        plane.handlers.runs,
        plane.inWorkspace('/runs/{runId}/rerun', { method: 'POST', parameters: { runId }, body, headers }),
      );
    /** Claims what is offered and ends it: `b` fails for good. */
    const work = async (failing: readonly string[] = ['m.b']): Promise<void> => {
      for (let tasks = await plane.claim(10); tasks.length > 0; tasks = await plane.claim(10))
        for (const task of tasks)
          await (failing.includes(task.taskKey) ? plane.fail(task) : plane.succeed(task));
    };
    const failedRun = async (): Promise<string> => {
      await plane.deploy({ a: [], b: ['a'], c: ['b'] }, { execution: { retry: { maxAttempts: 1 } } });
      const runId = await triggered(['m.a', 'm.b', 'm.c']);
      await work();
      return runId;
    };
    const taskKeys = async (runId: unknown): Promise<readonly unknown[]> =>
      ((await plane.getRun(String(runId)))['tasks'] as readonly Json[]).map(({ taskKey }) => taskKey);

    it('from failure takes what did not succeed, and says so', async () => {
      const parentRunId = await failedRun();

      const answer = await rerun(parentRunId, { mode: 'fromFailure', labels: { ticket: 'OPS-9' } });

      const named = {
        parentRunId,
        rerunKind: 'FROM_FAILURE',
        rerunReason: 'from_failure_unsucceeded_tasks',
      };
      expect(answer).toMatchObject({ status: 201, body: { created: true, ...named } });
      const { runId } = answer.body;
      expect(await taskKeys(runId)).toEqual(['m.b', 'm.c']);
      expect(await plane.getRun(String(runId))).toMatchObject({
        ...named,
        codeVersion: 'git-1',
        labels: { ticket: 'OPS-9', 'arco.parent_run_id': parentRunId, 'arco.rerun.kind': 'FROM_FAILURE' },
      });
      await work([]);
      await compact();
      const { runs } = (await get('/runs')).body as { runs: readonly Json[] };
      expect(runs).toContainEqual(
        expect.objectContaining({ runId, state: 'SUCCEEDED', parentRunId, rerunKind: 'FROM_FAILURE' }),
      );
    });

    it('finds the same rerun while it is under way or has succeeded, and starts another when it failed', async () => {
      const parentRunId = await failedRun();
      const again = () => rerun(parentRunId, { mode: 'fromFailure' });
      const first = await again();
      expect(await again()).toMatchObject({ status: 200, body: { ...first.body, created: false } });
      await work();

      const second = await again();
      expect(second.status).toBe(201);
      expect(second.body['runId']).not.toBe(first.body['runId']);
      await work([]);

      expect(await again()).toMatchObject({
        status: 200,
        body: { runId: second.body['runId'], state: 'SUCCEEDED' },
      });
    });

    it('starts another when it is forced to, or when its labels are others', async () => {
      const parentRunId = await failedRun();
      const bodies = [{}, { force: true }, { labels: { ticket: 'OPS-9' } }].map((more) => ({
        mode: 'fromFailure',
        ...more,
      }));
      const ids = [];
      for (const body of bodies) ids.push((await rerun(parentRunId, body)).body['runId']);

      expect(new Set(ids).size).toBe(3);
      expect((await rerun(parentRunId, bodies[2] ?? {})).body).toMatchObject({
        runId: ids[2],
        created: false,
      });
    });

    it('under a key answers the same request the same, and another with the details of a trigger', async () => {
      const parentRunId = await failedRun();
      const body = { mode: 'subset', selection: ['m.c'], runKey: 'fix-1' };
      const first = await rerun(parentRunId, body);

      expect(await rerun(parentRunId, body)).toMatchObject({
        status: 200,
        body: { runId: first.body['runId'] },
      });
      expect(await rerun(parentRunId, { ...body, selection: ['m.b'] })).toMatchObject({
        status: 409,
        body: {
          code: 'run_key_conflict',
          details: {
            conflictType: 'RUN_KEY_FINGERPRINT_MISMATCH',
            runKey: 'fix-1',
            existingRunId: first.body['runId'],
            existingPlanId: first.body['planId'],
            existingFingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
            requestedFingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
            existingCreatedAt: first.body['createdAt'],
          },
        },
      });
      const { runKey: _key, ...keyless } = body;
      expect(await rerun(parentRunId, keyless, { 'Idempotency-Key': 'fix-1' })).toMatchObject({
        status: 200,
      });
    });

    it.each(['parent', 'latest'])('asks the limits of today with the code %s', async (codeVersion) => {
      const parentRunId = await failedRun();
      const set = { method: 'PUT', parameters: { limitId: 'workspace' }, body: { capacity: 0 } };
      const limited = await plane.call(plane.handlers.runs, plane.inWorkspace('/limits/{limitId}', set));
      expect(limited.status).toBe(200);

      const { body } = await rerun(parentRunId, { mode: 'fromFailure', codeVersion });

      expect(await plane.claim()).toEqual([]);
      const why = plane.inWorkspace('/runs/{runId}/why', { parameters: { runId: String(body['runId']) } });
      expect((await plane.call(plane.handlers.runs, why)).body['waiting']).toContainEqual(
        expect.objectContaining({
          subject: 'm.b',
          reason: 'concurrency_limit',
          limit: { limitId: 'workspace' },
        }),
      );
    });

    it('takes what is deployed now when asked for the latest code', async () => {
      const parentRunId = await failedRun();
      const body = { mode: 'fromFailure', codeVersion: 'latest' };
      await plane.call(
        plane.handlers.runs,
        plane.inWorkspace('/manifests', {
          method: 'POST',
          body: {
            manifestVersion: '1.0',
            codeVersionId: 'git-2',
            assets: [{ key: { namespace: 'm', name: 'b' }, id: 'b' }],
          },
        }),
      );

      expect(await rerun(parentRunId, body)).toMatchObject({
        status: 400,
        body: { code: 'invalid_selection', details: { unknown: ['m.c'] } },
      });
      const answer = await rerun(parentRunId, { ...body, mode: 'subset', selection: ['m.b'] });
      expect(await plane.getRun(String(answer.body['runId']))).toMatchObject({ codeVersion: 'git-2' });
    });

    it.each([{}, { runKey: 'fix-1' }])(
      'finds the same rerun of the latest code with %j after its assets are gone',
      async (keyed) => {
        const parentRunId = await failedRun();
        const body = { mode: 'fromFailure', codeVersion: 'latest', ...keyed };
        const first = await rerun(parentRunId, body);
        expect(first.status).toBe(201);
        await plane.deploy({ a: [] });

        expect(await rerun(parentRunId, body)).toMatchObject({
          status: 200,
          body: { ...first.body, created: false },
        });
        expect(await rerun(parentRunId, { ...body, runKey: 'other' })).toMatchObject({
          status: 400,
          body: { code: 'invalid_selection' },
        });
      },
    );

    it('refuses a run that succeeded or still runs, one that is not there, and faults of the body', async () => {
      const parentRunId = await failedRun();
      const open = await rerun(parentRunId, { mode: 'fromFailure' });
      expect(await rerun(String(open.body['runId']), { mode: 'fromFailure' })).toMatchObject({
        status: 409,
        body: { code: 'rerun_not_allowed', details: { state: 'RUNNING' } },
      });
      await work([]);
      expect((await rerun(String(open.body['runId']), { mode: 'fromFailure' })).status).toBe(409);
      expect(await rerun('run_00000000000000000000000000', { mode: 'fromFailure' })).toMatchObject({
        status: 404,
        body: { code: 'run_not_found' },
      });
      for (const body of [{}, { mode: 'all' }, { mode: 'subset' }, { mode: 'subset', selection: ['m.z'] }])
        expect((await rerun(parentRunId, body)).status).toBe(400);
    });

    it('asks for a key of its own after fifty reruns of the same tasks', async () => {
      const parentRunId = await failedRun();
      const forced = { mode: 'fromFailure', force: true };
      for (let count = 0; count < 50; count++) expect((await rerun(parentRunId, forced)).status).toBe(201);

      expect(await rerun(parentRunId, forced)).toMatchObject({
        status: 409,
        body: { code: 'rerun_not_allowed', message: expect.stringContaining('runKey') },
      });
    });
  });

  describe('cancelling', () => {
    const cancel = (runId: string, body: unknown = {}, headers: Readonly<Record<string, string>> = {}) =>
      plane.call(
        plane.handlers.runs,
        plane.inWorkspace('/runs/{runId}/cancel', {
          method: 'POST',
          parameters: { runId },
          body,
          headers,
        }),
      );

    it('tells the worker, and answers whoever asks again the same', async () => {
      await plane.deploy({ a: [], b: ['a'] });
      const runId = await triggered(['m.a', 'm.b']);
      const [task] = await plane.claim(1);
      if (!task) throw new Error('no task came');

      const first = await cancel(runId, { reason: 'wrong day' });
      const again = await cancel(runId);

      expect(first).toMatchObject({
        status: 200,
        body: { runId, state: 'CANCELLING', cancelledAt: expect.any(String) },
      });
      expect(again).toMatchObject({ status: 200, body: first.body });
      expect((await plane.report('heartbeat', task)).body).toMatchObject({
        shouldCancel: true,
        cancelReason: 'user_requested',
      });
      await plane.report('completed', task, { body: { outcome: 'CANCELLED' } });
      expect(await get('/runs/{runId}', { runId })).toMatchObject({
        body: { state: 'CANCELLED', cancelReason: 'wrong day', cancelRequestedBy: expect.any(String) },
      });
      expect((await cancel(runId)).body).toMatchObject({
        state: 'CANCELLED',
        cancelledAt: first.body['cancelledAt'],
      });
    });

    it('refuses a run that has ended, one that is not there, and a body that is wrong', async () => {
      await plane.deploy({ a: [] });
      const runId = await triggered();
      expect((await cancel(runId, { reason: '' })).status).toBe(400);
      expect((await cancel(runId, { because: 'x' })).status).toBe(400);
      expect((await cancel(runId, { reason: 'x'.repeat(1_001) })).status).toBe(400);
      for (const task of await plane.claim()) await plane.succeed(task);

      expect(await cancel(runId)).toMatchObject({
        status: 409,
        body: { code: 'run_already_terminal', details: { state: 'SUCCEEDED' } },
      });
      for (const unknown of ['run_00000000000000000000000000', 'nonsense'])
        expect(await cancel(unknown)).toMatchObject({ status: 404, body: { code: 'run_not_found' } });
    });

    it('says of a run that waits for its output what its reads say', async () => {
      await plane.deploy({ a: [] });
      const runId = await triggered();
      const output = { outputVisibilityState: 'PENDING' };
      for (const task of await plane.claim())
        await plane.report('completed', task, { body: { outcome: 'SUCCEEDED', output } });

      const { state } = await plane.getRun(runId);
      expect([state, await cancel(runId)]).toMatchObject([
        'RUNNING',
        { status: 409, body: { code: 'run_already_terminal', details: { state } } },
      ]);
    });

    it('takes an idempotency key: the same request is answered, another one refused', async () => {
      await plane.deploy({ a: [] });
      const runId = await triggered();
      const key = { 'Idempotency-Key': 'cancel-1' };

      expect((await cancel(runId, { reason: 'one' }, key)).status).toBe(200);
      expect((await cancel(runId, { reason: 'one' }, key)).status).toBe(200);
      expect(await cancel(runId, { reason: 'other' }, key)).toMatchObject({
        status: 409,
        body: { code: 'idempotency_key_reused' },
      });
    });

    it('stops a run at its deadline and tells so', async () => {
      await plane.deploy({ a: [] });
      const runId = await triggered(['m.a'], { timeoutSec: 60 });
      const [task] = await plane.claim(1);
      if (!task) throw new Error('no task came');
      plane.pass(61_000);
      await plane.sweepNow();

      expect((await plane.report('heartbeat', task)).body).toMatchObject({
        shouldCancel: true,
        cancelReason: 'run_timed_out',
      });
      await plane.succeed(task);
      expect((await get('/runs/{runId}', { runId })).body).toMatchObject({ state: 'TIMED_OUT' });
    });
  });

  describe('reading', () => {
    beforeEach(async () => {
      await plane.deploy({ a: [], b: ['a'] });
    });

    it('sees every write before it', async () => {
      const runId = await triggered(['m.a', 'm.b']);
      const [task] = await plane.claim();
      if (task) await plane.succeed(task);

      expect(await get('/runs/{runId}', { runId })).toMatchObject({
        body: { runId, state: 'RUNNING', taskCounts: { total: 2, succeeded: 1, queued: 1 } },
      });
      expect((await get('/runs/{runId}/tasks', { runId })).body['tasks']).toHaveLength(2);
      expect(await get('/runs/{runId}/why', { runId })).toMatchObject({
        body: { waiting: expect.arrayContaining([expect.objectContaining({ subject: 'm.b' })]) },
      });
    });

    it('answers one task and its attempts', async () => {
      const runId = await triggered(['m.a', 'm.b']);
      for (const task of await plane.claim(1)) await plane.fail(task);

      expect(await get('/runs/{runId}/tasks/{taskKey}', { runId, taskKey: 'm.a' })).toMatchObject({
        status: 200,
        body: { taskKey: 'm.a', state: 'PENDING', attempt: 1 },
      });
      expect(await get('/runs/{runId}/tasks/{taskKey}/attempts', { runId, taskKey: 'm.a' })).toMatchObject({
        status: 200,
        body: { attempts: [{ attempt: 1, state: 'FAILED', workerId: expect.any(String) }] },
      });
      for (const path of ['/runs/{runId}/tasks/{taskKey}', '/runs/{runId}/tasks/{taskKey}/attempts']) {
        expect(await get(path, { runId, taskKey: 'm.z' })).toMatchObject({
          status: 404,
          body: { code: 'task_not_found' },
        });
        expect(await get(path, { runId: 'run_00000000000000000000000000', taskKey: 'm.a' })).toMatchObject({
          status: 404,
          body: { code: 'run_not_found' },
        });
      }
    });

    it('answers a run as it stood after any of its events', async () => {
      const runId = await triggered(['m.a', 'm.b']);
      for (const task of await plane.claim(1)) await plane.succeed(task);
      const at = async (atSequence: string) => get('/runs/{runId}', { runId }, { atSequence });

      expect((await at('1')).body).toMatchObject({ state: 'PENDING', tasks: [] });
      expect((await at('2')).body).toMatchObject({ state: 'RUNNING', taskCounts: { queued: 1, pending: 1 } });
      expect((await at('4')).body).toMatchObject({ taskCounts: { running: 1 } });
      expect((await at('999')).body).toEqual((await get('/runs/{runId}', { runId })).body);
      for (const wrong of ['0', '-1', 'x', '1.5']) expect((await at(wrong)).status).toBe(400);
    });

    it('pages through the tasks of a run, of one state when asked', async () => {
      const runId = await triggered(['m.a', 'm.b']);
      const page = (query: Readonly<Record<string, string>>) => get('/runs/{runId}/tasks', { runId }, query);

      const first = await page({ limit: '1' });
      expect(first.body).toMatchObject({ tasks: [{ taskKey: 'm.a' }], nextCursor: expect.any(String) });
      const second = await page({ limit: '1', cursor: String(first.body['nextCursor']) });
      expect(second.body).toEqual({ tasks: [expect.objectContaining({ taskKey: 'm.b' })] });
      expect((await page({ state: 'QUEUED' })).body).toEqual({
        tasks: [expect.objectContaining({ taskKey: 'm.a' })],
      });
      expect(await page({ cursor: 'nonsense' })).toMatchObject({
        status: 400,
        body: { code: 'invalid_cursor' },
      });
    });

    it('lists the runs that pass every filter', async () => {
      const early = await triggered(['m.a'], { labels: { desk: 'rates', team: 'x' }, runKey: 'eod' });
      plane.pass(60_000);
      const late = await triggered(['m.b'], { labels: { desk: 'rates' } });
      await compact();
      const [earlyMs, lateMs] = [plane.stage.clock.nowMs() - 60_000, plane.stage.clock.nowMs()];
      const ids = async (query: Readonly<Record<string, string>>) =>
        ((await get('/runs', {}, query)).body['runs'] as readonly Json[]).map(({ runId }) => runId);
      const iso = (ms: number) => new Date(ms).toISOString();

      expect(await ids({ label: 'desk=rates' })).toEqual([late, early]);
      expect(await ids({ label: 'desk=rates,team=x' })).toEqual([early]);
      expect(await ids({ assetKey: 'm/b' })).toEqual([late]);
      expect(await ids({ assetKey: 'm.z' })).toEqual([]);
      expect(await ids({ runKey: 'eod' })).toEqual([early]);
      expect(await ids({ state: 'FAILED' })).toEqual([]);
      expect(await ids({ since: iso(lateMs) })).toEqual([late]);
      expect(await ids({ until: iso(lateMs) })).toEqual([early]);
      expect(await ids({ since: iso(earlyMs), until: iso(lateMs + 1), label: 'desk=rates' })).toEqual([
        late,
        early,
      ]);
      const wrongs: readonly Readonly<Record<string, string>>[] = [
        { label: 'desk' },
        { assetKey: '..' },
        { since: 'yesterday' },
        { state: 'DONE' },
      ];
      for (const wrong of wrongs) expect((await get('/runs', {}, wrong)).status).toBe(400);
    });

    it('pages through the events of a run without reading it from its beginning', async () => {
      const runId = await triggered(['m.a', 'm.b']);
      for (let rounds = 0; rounds < 2; rounds++)
        for (const task of await plane.claim()) await plane.succeed(task);
      const read: Json[] = [];
      for (let after = 0; ; after = read.length) {
        const page = await get('/runs/{runId}/events', { runId }, { after: String(after), limit: '3' });
        const events = page.body['events'] as readonly Json[];
        if (events.length === 0) break;
        read.push(...events);
      }

      expect(read.map(({ sequence }) => sequence)).toEqual(read.map((_, index) => index + 1));
      expect([read[0]?.['type'], read.at(-1)?.['type']]).toEqual(['RunTriggered', 'RunCompleted']);
      expect(await get('/runs/{runId}/events', { runId }, { after: '9999' })).toMatchObject({
        status: 200,
        body: { events: [] },
      });
      expect(await get('/runs/{runId}/events', { runId }, { limit: '201' })).toMatchObject({ status: 400 });
    });

    it.each(['/runs/{runId}', '/runs/{runId}/tasks', '/runs/{runId}/why', '/runs/{runId}/events'])(
      'answers 404 at %s for a run that is not there',
      async (path) => {
        for (const runId of ['run_00000000000000000000000000', 'nonsense', '', 'x'.repeat(3_000)])
          expect(await get(path, { runId })).toMatchObject({ status: 404, body: { code: 'run_not_found' } });
      },
    );

    it('shows nobody the run of another workspace or tenant', async () => {
      const runId = await triggered();
      const request = plane.inWorkspace('/runs/{runId}', { parameters: { runId } });
      const otherTenant = await plane.issuer.token({ tenant_id: 'umbrella', workspace_id: '*' });
      const otherWorkspace = await plane.issuer.token({ workspace_id: 'dev' });

      expect(await plane.call(plane.handlers.runs, { ...request, token: otherTenant })).toMatchObject({
        status: 404,
        body: { code: 'run_not_found' },
      });
      expect(await plane.call(plane.handlers.runs, { ...request, token: otherWorkspace })).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
    });

    it('lists runs newest first, page by page, and by state', async () => {
      const runIds: string[] = [];
      for (let count = 0; count < 7; count++) {
        plane.pass(1_000);
        runIds.push(await triggered());
      }
      const [task] = await plane.claim();
      if (task) await plane.succeed(task);
      await compact();

      const read: string[] = [];
      let cursor: string | undefined;
      do {
        const { body } = await get('/runs', {}, { limit: '3', ...(cursor === undefined ? {} : { cursor }) });
        read.push(...(body['runs'] as readonly Json[]).map(({ runId }) => String(runId)));
        cursor = body['nextCursor'] as string | undefined;
      } while (cursor !== undefined);

      expect(read).toEqual([...runIds].reverse());
      const succeeded = await get('/runs', {}, { state: 'SUCCEEDED' });
      expect(succeeded.body['runs']).toMatchObject([{ runId: task?.runId }]);
      expect(await get('/runs', {}, { cursor: 'made-up' })).toMatchObject({
        status: 400,
        body: { code: 'invalid_cursor' },
      });
    });
  });

  describe('being alive', () => {
    const at = (path: string) => plane.call(plane.handlers.runs, { path, token: plane.token });

    it('needs nothing', async () => {
      plane.stage.inject({ service: 'dynamodb', kind: 'server-error' });
      expect(await at('/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
    });

    it('and ready needs the stores, and names those that are missing', async () => {
      expect(await at('/ready')).toMatchObject({ status: 200, body: { status: 'ready' } });

      plane.stage.inject({ service: 'dynamodb', resource: 'views', kind: 'server-error' });
      expect(await at('/ready')).toMatchObject({
        status: 503,
        body: { status: 'not_ready', failing: ['views'] },
      });
    });
  });
});
