import { beforeEach, describe, expect, it } from 'vitest';
import { createHandler as compactHandler } from '#functions/compact/handler.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { runLogsKey } from '#domain/task-log/task-log-projection.ts';
import { adaptersOf, ledgerEvent } from '#test/support/ledger.ts';
import { assetPlane } from '#test/support/ports-assets.ts';
import type { Answer, AssetPlane, Claimed } from '#test/support/ports-assets.ts';

describe('the logs of a run', () => {
  let plane: AssetPlane;
  let runId: string;
  let task: Claimed;

  const upload = (body: object, over: object = {}): Promise<Answer> =>
    plane.call(
      plane.handlers.runs,
      plane.inWorkspace('/runs/{runId}/logs', { method: 'POST', parameters: { runId }, body, ...over }),
    );
  const read = (query: Readonly<Record<string, string>> = {}, of = runId): Promise<Answer> =>
    plane.call(
      plane.handlers.runs,
      plane.inWorkspace('/runs/{runId}/logs', { parameters: { runId: of }, query }),
    );
  const compact = () => compactHandler(plane.stage.environment, plane.stage.plugin)(ledgerEvent(plane.stage));
  const log = (stdout: string, over: object = {}): object => ({
    taskKey: 'm.a',
    attempt: 1,
    stdout,
    ...over,
  });

  beforeEach(async () => {
    plane = await assetPlane();
    await plane.deploy({ a: [], b: [], c: ['a'] });
    runId = String((await plane.trigger(['m.a', 'm.b', 'm.c'])).body['runId']);
    [task] = (await plane.claim()) as [Claimed];
  });

  it('are kept once: the same again is answered the same, another is refused and leaves no body', async () => {
    const first = await upload(log('hello'));
    expect(first).toMatchObject({
      status: 200,
      body: { path: `logs/${runId}/m.a/attempt-1.log`, sizeBytes: 36 },
    });
    expect(await upload(log('hello'))).toMatchObject({ status: 200, body: first.body });
    plane.stage.requests();
    expect(await upload(log('other'))).toMatchObject({ status: 409, body: { code: 'log_already_stored' } });
    expect(plane.stage.requests()['s3.PutObject']).toBeUndefined();
  });

  it('come from the worker with its task token, also after its attempt has ended and was superseded', async () => {
    await plane.fail(task);
    expect(await plane.report('logs', task, { body: { stdout: 'x' } })).toMatchObject({
      status: 200,
      body: { path: `logs/${runId}/m.a/attempt-1.log` },
    });
    expect(await plane.report('logs', task, { body: { stdout: 'y' } })).toMatchObject({
      status: 409,
      body: { error: 'log_already_stored' },
    });
  });

  it('are refused to a token of another attempt, in the order callbacks promise', async () => {
    const over = async (body: object): Promise<unknown> =>
      (await plane.report('logs', task, { body: { stdout: 'x', ...body } })).body['error'];
    expect(await over({ attempt: 2 })).toBe('attempt_mismatch');
    expect(await over({ attempt: 0 })).toBe('invalid_argument');
    expect(await over({ attemptId: `att_${'0'.repeat(24)}` })).toBe('attempt_id_mismatch');
    expect(await over({ surprise: 1 })).toBe('invalid_request');
    expect((await plane.report('logs', { ...task, taskId: 'ct1_bm9ib2R5' })).body['error']).toBe(
      'invalid_token',
    );
  });

  it('are refused for a run, a task or an attempt that there is not', async () => {
    const code = async (answer: Promise<Answer>): Promise<unknown> => (await answer).body['code'];
    expect(await code(upload(log('x', { taskKey: 'm.none' })))).toBe('task_not_found');
    expect(await code(upload(log('x', { attempt: 2 })))).toBe('attempt_mismatch');
    expect(await code(upload(log('x', { taskKey: 'm.c' })))).toBe('attempt_mismatch');
    expect(await code(upload(log('x', { taskKey: 'NO' })))).toBe('invalid_request');
    const none = `run_${'0'.repeat(26)}`;
    expect(await code(upload(log('x'), { parameters: { runId: none } }))).toBe('run_not_found');
    expect(await code(read({}, none))).toBe('run_not_found');
  });

  it('may have two MiB and not one byte more', async () => {
    const over = await upload(log('x'.repeat(runLimits.logBytesMax), { stderr: 'y' }));
    expect(over).toMatchObject({ status: 413, body: { code: 'payload_too_large' } });
    const half = runLimits.logBytesMax / 2;
    expect(
      await upload(log('x '.repeat(half / 2), { stderr: 'é '.repeat(half / 3).slice(0, half / 2) })),
    ).toMatchObject({ status: 200 });
    expect(await upload(log('', { stdout: 'x '.repeat(half), attempt: 1 }))).toMatchObject({ status: 409 });
  });

  it('are text with a line for each, by task and attempt, and page by header', async () => {
    expect(await read()).toMatchObject({ status: 404, body: { code: 'log_not_found' } });
    const [other] = (await plane.claim()) as [Claimed];
    await plane.report('logs', other, { body: { stdout: 'from b\n' } });
    await upload(log('from a', { stderr: 'token=abcdef' }));
    await compact();

    const first = await read({ limit: '1' });
    expect(first).toMatchObject({
      status: 200,
      body: {
        text: `--- logs/${runId}/m.a/attempt-1.log ---\n=== stdout ===\nfrom a\n=== stderr ===\ntoken=[redacted]\n`,
      },
    });
    expect(first.headers['content-type']).toBe('text/plain; charset=utf-8');
    const cursor = String(first.headers['x-next-cursor']);
    expect(first.headers['x-arco-next-cursor']).toBe(cursor);
    const second = await read({ limit: '1', cursor });
    expect(second.body['text']).toContain('/m.b/attempt-1.log ---\n=== stdout ===\nfrom b\n');
    const last = await read({ limit: '1', cursor: String(second.headers['x-next-cursor']) });
    expect([last.status, last.body['text'], last.headers['x-next-cursor']]).toEqual([200, '', undefined]);
    expect((await read()).headers['x-next-cursor']).toBeUndefined();

    expect((await read({ taskKey: 'm.b' })).body['text']).not.toContain('/m.a/');
    expect(await read({ taskKey: 'm.none' })).toMatchObject({ status: 404, body: { code: 'log_not_found' } });
    expect(await read({ taskKey: 'm.b', cursor })).toMatchObject({ body: { code: 'invalid_cursor' } });
  });

  it('come on a page of their own when they are large together', async () => {
    const [other] = (await plane.claim()) as [Claimed];
    const large = '\u0001'.repeat(600_000);
    await plane.report('logs', other, { body: { stdout: large } });
    await plane.report('logs', task, { body: { stdout: large } });
    await compact();
    const first = await read();
    expect(first.body['text']).not.toContain('/m.b/');
    const second = await read({ cursor: String(first.headers['x-next-cursor']) });
    expect(second.body['text']).toContain('/m.b/');
    expect(second.headers['x-next-cursor']).toBeUndefined();
  });

  it('say that a body is missing instead of leaving it out', async () => {
    const pk = runLogsKey({ tenantId: 'acme', workspaceId: 'prod', runId });
    const data = { path: 'p', bodyKey: 'logs/gone' };
    await adaptersOf(plane.stage).views.put({ pk, sk: 'm.a#01', version: 1, data });
    expect(await read()).toMatchObject({ status: 500, body: { code: 'internal' } });
  });
});
