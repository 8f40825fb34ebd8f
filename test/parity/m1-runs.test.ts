/**
 * The gates of milestone 1 that concern runs, by the ids of docs/parity/matrix.md. A gate whose mechanism is another here
 * (an outbox, a fold over files) asserts what that mechanism was for.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runDetail } from '#domain/run/run-detail.ts';
import type { Json } from '#local/kernel/engine.ts';
import { folded } from '#test/support/decider.ts';
import { assetPlane } from '#test/support/ports-assets.ts';
import type { Answer, AssetPlane } from '#test/support/ports-assets.ts';
import { claim, fail, planOf, retry, START_MS, succeed, triggered } from '#test/support/run-fixtures.ts';

const HASH = expect.stringMatching(/^[0-9a-f]{64}$/) as unknown;

describe('the engine of runs', () => {
  it('m1.outbox-out-of-order: keeps what belongs to an attempt when the news of it come late or twice', () => {
    const { history } = triggered(planOf({ 'm.a': [] })).after(claim('m.a'));
    const events = history();
    const disturbed = [...events, ...events.slice(2, 3), ...events.slice(2)];

    expect(folded(runAggregate, disturbed)).toEqual(folded(runAggregate, events));
    expect(runDetail(disturbed)?.tasks[0]).toMatchObject({ state: 'RUNNING', attempt: 1, workerId: 'wk-1' });
  });

  it('m1.stale-attempt: a late success of attempt 1 leaves attempt 2 running', () => {
    const story = triggered(planOf({ 'm.a': [] }))
      .after(claim('m.a'), fail('m.a'))
      .at(START_MS + 30_000)
      .after(retry('m.a'), claim('m.a', 'wk-2', 2));

    story.when(succeed('m.a', 1)).thenRefuses({ code: 'stale_attempt' });
    const [task] = runDetail(story.history())?.tasks ?? [];
    expect(task).toMatchObject({ state: 'RUNNING', attempt: 2 });
    expect(task).not.toHaveProperty('completedAt');
  });

  it('m1.dup-finish: a second end of a task changes nothing, whoever tells it', () => {
    const story = triggered(planOf({ 'm.a': [], 'm.b': ['m.a'] })).after(claim('m.a'), succeed('m.a'));
    const before = runDetail(story.history());

    story.when(succeed('m.a')).thenRecordsNothing();
    story.when(fail('m.a')).thenRefuses({ code: 'task_already_terminal' });
    expect(runDetail(story.history())).toEqual(before);
  });
});

describe('the API of runs', () => {
  let plane: AssetPlane;
  beforeEach(async () => {
    plane = await assetPlane();
    await plane.deploy({ a: [], b: ['a'], c: ['b'] }, { execution: { retry: { maxAttempts: 1 } } });
  });

  const post = (path: string, body: object, parameters: Readonly<Record<string, string>> = {}) =>
    plane.call(plane.handlers.runs, plane.inWorkspace(path, { method: 'POST', body, parameters }));
  const rerun = (runId: unknown, body: object): Promise<Answer> =>
    post('/runs/{runId}/rerun', body, { runId: String(runId) });
  const tasksOf = async (runId: unknown): Promise<readonly Json[]> =>
    (await plane.getRun(String(runId)))['tasks'] as readonly Json[];
  const keysOf = async ({ body }: Answer): Promise<readonly unknown[]> =>
    (await tasksOf(body['runId'])).map(({ taskKey }) => taskKey);
  /** Claims what is offered until nothing is, and ends it. */
  const work = async (...failing: readonly string[]): Promise<void> => {
    for (let tasks = await plane.claim(10); tasks.length > 0; tasks = await plane.claim(10))
      for (const task of tasks)
        await (failing.includes(task.taskKey) ? plane.fail(task) : plane.succeed(task));
  };
  const failedRun = async (): Promise<unknown> => {
    const { body } = await plane.trigger(['m.a', 'm.b', 'm.c']);
    await work('m.b');
    return body['runId'];
  };

  it('m1.runkey-dup: the same request under a run key answers the first run and plan', async () => {
    const first = await plane.trigger(['m.a'], { runKey: 'eod' });
    const again = await plane.trigger(['m.a'], { runKey: 'eod' });

    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toMatchObject({
      runId: first.body['runId'],
      planId: first.body['planId'],
      created: false,
    });
  });

  it('m1.runkey-conflict: another request under it is refused with both fingerprints', async () => {
    await plane.trigger(['m.a'], { runKey: 'eod' });

    expect(await plane.trigger(['m.b'], { runKey: 'eod' })).toMatchObject({
      status: 409,
      body: { details: { existingFingerprint: HASH, requestedFingerprint: HASH } },
    });
  });

  it('m1.conflict-details: it names the run, its plan, its instant and the key', async () => {
    const first = await plane.trigger(['m.a'], { runKey: 'eod' });
    const { details } = (await plane.trigger(['m.b'], { runKey: 'eod' })).body as { details: Json };

    expect(details).toMatchObject({
      conflictType: 'RUN_KEY_FINGERPRINT_MISMATCH',
      runKey: 'eod',
      existingRunId: first.body['runId'],
      existingPlanId: first.body['planId'],
      existingCreatedAt: first.body['createdAt'],
    });
    expect(details['existingFingerprint']).not.toBe(details['requestedFingerprint']);
  });

  it('m1.runkey-backfill: a request is told whether it is the one of a run key, and starts nothing', async () => {
    const { body } = await plane.trigger(['m.a'], { runKey: 'eod' });
    const backfill = (selection: readonly string[], runKey = 'eod') =>
      post('/runs/run-key/backfill', { runKey, selection });

    expect(await backfill(['m.a'])).toMatchObject({
      status: 200,
      body: { runId: body['runId'], requestFingerprint: HASH, updated: false },
    });
    expect(await backfill(['m.b'])).toMatchObject({
      status: 409,
      body: { code: 'run_key_conflict', details: { existingRunId: body['runId'] } },
    });
    expect(await backfill(['m.a'], 'unused')).toMatchObject({ body: { code: 'run_key_not_found' } });
  });

  it('m1.selection-exact: a selection creates exactly its tasks', async () => {
    expect(await keysOf(await plane.trigger(['m.b']))).toEqual(['m.b']);
  });

  it('m1.deploy-bad-key: a manifest with a key like users..daily is refused', async () => {
    const answer = await post('/manifests', {
      manifestVersion: '1.0',
      codeVersionId: 'git-2',
      assets: [{ key: { namespace: 'users', name: '.daily' }, id: 'x' }],
    });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_manifest' } });
  });

  it('m1.bad-request-no-reserve: a refused trigger reserves no run key', async () => {
    expect((await plane.trigger(['m.z'], { runKey: 'eod' })).status).toBe(400);
    expect((await plane.trigger(['m.a'], { runKey: 'eod' })).status).toBe(201);
  });

  it('m1.downstream-closure: includeDownstream follows the graph of the manifest', async () => {
    expect(await keysOf(await plane.trigger(['m.a']))).toHaveLength(1);
    expect(await keysOf(await plane.trigger(['m.a'], { includeDownstream: true }))).toEqual([
      'm.a',
      'm.b',
      'm.c',
    ]);
  });

  it('m1.order-insensitive-key: a selection in another order is the same request', async () => {
    const first = await plane.trigger(['m.a', 'm.b'], { runKey: 'eod' });
    const again = await plane.trigger(['m.b', 'm.a'], { runKey: 'eod' });

    expect(again).toMatchObject({
      status: 200,
      body: { runId: first.body['runId'], planId: first.body['planId'] },
    });
  });

  it.each(['users..daily', 'NOT A KEY'])('m1.malformed-asset: %s is refused', async (key) => {
    expect(await plane.trigger([key])).toMatchObject({
      status: 400,
      body: { code: 'invalid_selection', details: { malformed: [key] } },
    });
  });

  it('m1.unknown-asset: assets that are not deployed are refused, all of them named', async () => {
    expect(await plane.trigger(['m.y', 'm.a', 'm.z'])).toMatchObject({
      status: 400,
      body: { code: 'invalid_selection', details: { unknown: ['m.y', 'm.z'] } },
    });
  });

  it('m1.rerun-from-failure: takes what failed and was skipped, with its edge, its labels and its reasons', async () => {
    const parentRunId = await failedRun();
    const parent = await tasksOf(parentRunId);
    expect(parent[2]).toMatchObject({
      state: 'SKIPPED',
      skipAttribution: { upstreamTaskKey: 'm.b', upstreamResolution: 'FAILED' },
    });

    const first = await rerun(parentRunId, { mode: 'fromFailure' });

    expect(first).toMatchObject({
      status: 201,
      body: { parentRunId, rerunKind: 'FROM_FAILURE', rerunReason: 'from_failure_unsucceeded_tasks' },
    });
    expect(await keysOf(first)).toEqual(['m.b', 'm.c']);
    expect(await rerun(parentRunId, { mode: 'fromFailure' })).toMatchObject({
      status: 200,
      body: { runId: first.body['runId'] },
    });
    const { labels } = await plane.getRun(String(first.body['runId']));
    expect(labels).toMatchObject({ 'arco.parent_run_id': parentRunId, 'arco.rerun.kind': 'FROM_FAILURE' });
    expect((await plane.claim(10)).map(({ taskKey }) => taskKey)).toEqual(['m.b']);
  });

  it('m1.rerun-subset: with and without what follows', async () => {
    const parentRunId = await failedRun();
    const subset = (includeDownstream: boolean) =>
      rerun(parentRunId, { mode: 'subset', selection: ['m.b'], includeDownstream });

    expect(await keysOf(await subset(false))).toEqual(['m.b']);
    const wide = await subset(true);
    expect(await keysOf(wide)).toEqual(['m.b', 'm.c']);
    expect(wide.body).toMatchObject({ rerunKind: 'SUBSET', rerunReason: 'subset_selection' });
  });

  it('m1.skip-attribution: of two causes at one instant the lesser key is named, whichever came first', async () => {
    await plane.deploy({ a: [], b: [], j: ['a', 'b'] }, { execution: { retry: { maxAttempts: 1 } } });
    const { body } = await plane.trigger(['m.a', 'm.b', 'm.j']);
    const tasks = await plane.claim(10);
    for (const key of ['m.b', 'm.a'])
      for (const task of tasks.filter(({ taskKey }) => taskKey === key)) await plane.fail(task);

    expect((await tasksOf(body['runId']))[2]).toMatchObject({
      skipAttribution: { upstreamTaskKey: 'm.a', upstreamResolution: 'FAILED' },
    });
  });

  it('m1.rerun-conflict-details: another rerun under a key answers like a trigger', async () => {
    const parentRunId = await failedRun();
    const first = await rerun(parentRunId, { mode: 'subset', selection: ['m.b'], runKey: 'fix' });

    expect(await rerun(parentRunId, { mode: 'subset', selection: ['m.c'], runKey: 'fix' })).toMatchObject({
      status: 409,
      body: {
        code: 'run_key_conflict',
        details: {
          conflictType: 'RUN_KEY_FINGERPRINT_MISMATCH',
          runKey: 'fix',
          existingRunId: first.body['runId'],
          existingFingerprint: HASH,
          requestedFingerprint: HASH,
        },
      },
    });
  });

  it('m1.rerun-succeeded-409: a run that succeeded is not run again from its failure', async () => {
    const { body } = await plane.trigger(['m.a']);
    await work();

    expect(await rerun(body['runId'], { mode: 'fromFailure' })).toMatchObject({
      status: 409,
      body: { code: 'rerun_not_allowed', details: { state: 'SUCCEEDED' } },
    });
  });

  it.each(['arco.parent_run_id', 'arco.rerun.kind'])(
    'm1.reserved-labels: %s is refused by name',
    async (label) => {
      expect(await plane.trigger(['m.a'], { labels: { [label]: 'x' } })).toMatchObject({
        status: 400,
        body: { message: expect.stringContaining(label) },
      });
    },
  );

  it('m1.double-start: a second worker is told who has started the attempt', async () => {
    await plane.trigger(['m.a']);
    const [task] = await plane.claim(1);
    if (!task) throw new Error('no task came');

    expect((await plane.report('started', task)).status).toBe(200);
    expect(await plane.report('started', task, { body: { workerId: 'wk-2' } })).toMatchObject({
      status: 409,
      body: { code: 'attempt_already_started' },
    });
  });

  it('m1.completion-replay: the same completion again is answered as a duplicate', async () => {
    await plane.trigger(['m.a']);
    const [task] = await plane.claim(1);
    if (!task) throw new Error('no task came');
    await plane.succeed(task);

    expect(await plane.succeed(task)).toMatchObject({
      status: 200,
      body: { acknowledged: true, duplicate: true },
    });
  });

  it('m1.cancel-converges: a cancelled run ends although its worker fails or dies', async () => {
    const { body } = await plane.trigger(['m.a']);
    const runId = String(body['runId']);
    await plane.claim(1);
    expect((await post('/runs/{runId}/cancel', {}, { runId })).body).toMatchObject({ state: 'CANCELLING' });
    for (let minute = 0; minute < 4; minute++) {
      plane.pass(60_000);
      await plane.sweepNow();
    }

    expect(await plane.getRun(runId)).toMatchObject({ state: 'CANCELLED' });
    expect(await plane.claim(10)).toEqual([]);
  });
});
