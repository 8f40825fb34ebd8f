import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import { CliError } from '#cli/cli-error.ts';
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

const refusal = (code: string) => new CliError(code, 'no');

describe('a claim', () => {
  /** Claims until the third answer has come, each request answered or failed in turn. */
  const claims = async (...answers: readonly (Error | 'nothing')[]) => {
    const stop = new AbortController();
    const asked: RequestOptions[] = [];
    const waits: number[] = [];
    const client: Client = {
      workspace: 'main',
      request: (_method, _path, options = {}) => {
        const answer = answers[asked.length];
        asked.push(options);
        if (asked.length >= answers.length) stop.abort();
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve({ tasks: [] });
      },
    };
    await runWorker({
      ...{ client, workerId: 'wk-1', queue: 'default-queue', concurrency: 3, signal: stop.signal },
      execute: () => Promise.resolve({}),
      onEvent: () => undefined,
      pause: (waitMs) => Promise.resolve(void waits.push(waitMs)),
    });
    return { asked, keys: asked.map(({ idempotencyKey }) => idempotencyKey), waits };
  };

  it('has a key of its own', async () => {
    const { keys } = await claims('nothing', 'nothing');

    expect(new Set(keys).size).toBe(2);
    expect(keys).not.toContain(undefined);
  });

  it.each([
    ['the connection broke', refusal('unavailable')],
    ['the server had a fault', refusal('internal')],
    ['the limit was reached', refusal('rate_limited')],
    ['the answer was nonsense', new Error('not what the contract says')],
  ])('is repeated as it was when %s', async (_, error) => {
    const { asked, keys, waits } = await claims(error, error, 'nothing', 'nothing');

    expect(new Set(keys.slice(0, 3)).size).toBe(1);
    expect(asked[2]?.body).toEqual(asked[0]?.body);
    expect(keys[3]).not.toBe(keys[0]);
    expect(waits).toEqual([1_000, 1_000]);
  });

  it('is not repeated when it was refused', async () => {
    const { keys } = await claims(refusal('idempotency_key_reused'), 'nothing');

    expect(new Set(keys).size).toBe(2);
  });

  it('is given up after twenty tries', async () => {
    const { keys } = await claims(...Array.from({ length: 20 }, () => refusal('unavailable')), 'nothing');

    expect(new Set(keys.slice(0, 20)).size).toBe(1);
    expect(keys[20]).not.toBe(keys[0]);
  });
});
