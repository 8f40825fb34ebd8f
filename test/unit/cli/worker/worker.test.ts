import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import type { Client, RequestOptions } from '#cli/client.ts';
import { runWorker } from '#cli/worker/worker.ts';
import { inProject } from '#test/support/tracked-files.ts';

const [sample] = ClaimResponse.parse(
  JSON.parse(readFileSync(inProject('events/answers/ClaimResponse.v1.json'), 'utf8')),
).tasks;

it('reports to the address its task names, with the token of the task', async () => {
  const task = { ...sample, callbackBaseUrl: 'https://callbacks.test/dev', taskToken: 'task-token' };
  const stop = new AbortController();
  const asked: (readonly [string, RequestOptions['token']])[] = [];
  const client: Client = {
    workspace: 'main',
    request: (_, path, { token } = {}) => {
      asked.push([path, token]);
      if (path.endsWith('/claim')) return Promise.resolve({ tasks: [task] });
      if (path.endsWith('/completed')) stop.abort();
      return Promise.resolve({});
    },
  };

  await runWorker({
    ...{ client, workerId: 'wk-1', queue: 'default-queue', concurrency: 1, signal: stop.signal },
    execute: () => Promise.resolve({}),
    onEvent: () => undefined,
  });

  expect(asked).toEqual([
    ['{ws}/workers/claim', undefined],
    [`https://callbacks.test/dev/v1/callbacks/${sample?.taskId}/started`, 'task-token'],
    [`https://callbacks.test/dev/v1/callbacks/${sample?.taskId}/completed`, 'task-token'],
  ]);
});
