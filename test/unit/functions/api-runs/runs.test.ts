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
