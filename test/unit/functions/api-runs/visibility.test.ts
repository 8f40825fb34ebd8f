import { beforeEach, describe, expect, it } from 'vitest';
import { assetPlane } from '#test/support/ports-assets.ts';
import type { Answer, AssetPlane, Claimed } from '#test/support/ports-assets.ts';

describe('the visibility of outputs', () => {
  let plane: AssetPlane;
  let runId: string;
  let task: Claimed;

  const report = (body: object, parameters: object = {}): Promise<Answer> =>
    plane.call(
      plane.handlers.runs,
      plane.inWorkspace('/runs/{runId}/tasks/{taskKey}/visibility', {
        method: 'POST',
        parameters: { runId, taskKey: 'm.a', ...parameters },
        body: { attempt: 1, ...body },
      }),
    );
  const state = async (): Promise<unknown> => (await plane.getRun(runId))['state'];

  beforeEach(async () => {
    plane = await assetPlane();
    await plane.deploy({ a: [] });
    runId = String((await plane.trigger(['m.a'])).body['runId']);
    [task] = (await plane.claim()) as [Claimed];
  });

  const succeedPending = () =>
    plane.report('completed', task, {
      body: { outcome: 'SUCCEEDED', output: { outputVisibilityState: 'PENDING' } },
    });

  it('is reported by the worker with its token after the run has ended', async () => {
    await succeedPending();
    expect(await state()).toBe('RUNNING');
    const visible = { body: { visibilityState: 'VISIBLE', traceparent: 't' } };
    const answer = {
      status: 200,
      body: { taskKey: 'm.a', attempt: 1, outputVisibilityState: 'VISIBLE', runState: 'SUCCEEDED' },
    };
    expect(await plane.report('visibility', task, visible)).toMatchObject(answer);
    expect(await plane.report('visibility', task, visible)).toMatchObject(answer);
    expect(await state()).toBe('SUCCEEDED');
    expect(await plane.report('visibility', task, { body: { visibilityState: 'FAILED' } })).toMatchObject({
      status: 409,
      body: { error: 'visibility_already_decided', state: 'VISIBLE' },
    });
  });

  it('is refused to a token of another task, and before there is an output', async () => {
    const visible = { body: { visibilityState: 'VISIBLE' } };
    expect(await plane.report('visibility', { ...task, taskId: 'ct1_bm9ib2R5' }, visible)).toMatchObject({
      status: 401,
    });
    expect(await plane.report('visibility', task, visible)).toMatchObject({
      status: 409,
      body: { error: 'task_not_succeeded', state: 'RUNNING' },
    });
  });

  it('is reported by an operator, and refused for what there is not', async () => {
    await succeedPending();
    const visibilityState = 'FAILED';
    const code = async (parameters: object): Promise<unknown> =>
      (await report({ visibilityState }, parameters)).body['code'];
    expect(await code({ taskKey: 'm.none' })).toBe('task_not_found');
    expect(await code({ taskKey: 'NO' })).toBe('task_not_found');
    expect(await code({ runId: `run_${'0'.repeat(26)}` })).toBe('run_not_found');
    expect(await report({ visibilityState, publishError: 'no space' })).toMatchObject({
      status: 200,
      body: { runState: 'FAILED' },
    });
    expect(await state()).toBe('FAILED');
  });
});
