import { afterEach, describe, expect, it } from 'vitest';

import type { Cloud } from '#local/boot/cloud.ts';
import { bootStacks } from '#test/local/cloud/stack-fixture.ts';

let cloud: Cloud | undefined;
afterEach(async () => {
  await cloud?.close();
  cloud = undefined;
});

const workspace = '/v1/workspaces/main';
interface Task {
  readonly taskId: string;
  readonly taskKey: string;
  readonly attempt: number;
  readonly attemptId: string;
  readonly taskToken: string;
}

const client = (booted: Cloud) => {
  const token = booted.mintToken({ sub: 'tester', tenant_id: 'local', workspace_id: '*', role: 'admin' });
  const ask = async (method: string, path: string, body?: unknown, bearer = token): Promise<unknown> => {
    const answered = await booted.request(method, path, {
      headers: { authorization: `Bearer ${bearer}` },
      ...(body === undefined ? {} : { body }),
    });
    if (answered.status >= 300) throw new Error(`${method} ${path}: ${answered.status} ${answered.text}`);
    return answered.json();
  };
  const claim = async (): Promise<Task | undefined> => {
    const claimed = await ask('POST', `${workspace}/workers/claim`, { workerId: 'w1' });
    return (claimed as { tasks: Task[] }).tasks[0];
  };
  const report = ({ taskId, attempt, attemptId, taskToken }: Task, body: object) =>
    ask(
      'POST',
      `/v1/callbacks/${taskId}/completed`,
      { attempt, attemptId, workerId: 'w1', ...body },
      taskToken,
    );
  return { ask, claim, report };
};

const asset = (name: string, upstream: readonly string[]) => ({
  key: { namespace: 'demo', name },
  id: `asset-${name}`,
  dependencies: upstream.map((one) => ({ upstreamKey: { namespace: 'demo', name: one } })),
});

describe('the stacks of Sluice on the local cloud', () => {
  it('answer health to anybody and nothing else without a token', async () => {
    cloud = await bootStacks();
    expect(await cloud.request('GET', '/health')).toMatchObject({ status: 200 });
    const refused = await cloud.request('GET', `${workspace}/runs`);
    expect([refused.status, refused.json()]).toMatchObject([401, { code: 'missing_token' }]);
    const unknown = await cloud.request('GET', '/nowhere');
    expect([unknown.status, unknown.json()]).toMatchObject([404, { code: 'route_not_found' }]);
  });

  it('run assets in order, retry a failure by Step Functions, and show the result', async () => {
    cloud = await bootStacks();
    const { ask, claim, report } = client(cloud);
    await ask('POST', `${workspace}/manifests`, {
      manifestVersion: '1',
      codeVersionId: 'c1',
      assets: [asset('first', []), asset('second', ['first'])],
    });
    await cloud.settle();
    const { runId } = (await ask('POST', `${workspace}/runs`, {
      selection: ['demo.first', 'demo.second'],
    })) as { runId: string };
    await cloud.settle();

    const first = await claim();
    if (first === undefined) throw new Error('no task was ready');
    expect([first.taskKey, await claim()]).toEqual(['demo.first', undefined]);
    await report(first, { outcome: 'FAILED', error: { category: 'INFRASTRUCTURE', message: 'disk' } });
    await cloud.settle();
    expect(await claim()).toBeUndefined();

    let retried: Task | undefined;
    await cloud.advanceUntil(async () => (retried = await claim()) !== undefined, 3_600_000);
    if (retried === undefined) throw new Error('the task was never retried');
    expect(retried).toMatchObject({ taskKey: 'demo.first', attempt: 2 });
    await report(retried, { outcome: 'SUCCEEDED' });
    const second = await claim();
    if (second === undefined) throw new Error('the second task never became ready');
    await report(second, { outcome: 'SUCCEEDED' });
    await cloud.settle();

    expect(await ask('GET', `${workspace}/runs/${runId}`)).toMatchObject({ state: 'SUCCEEDED' });
    expect(cloud.counts().requests).toHaveProperty('states.StartExecution', 1);
    expect([...cloud.mappings.values()].every((mapping) => mapping.idle())).toBe(true);
  });
});
