/** The retry machine as it is shipped: valid ASL, and on the local engine exact to the instant. */
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';

import { describe, expect, it } from 'vitest';

import type { Json } from '#local/kernel/engine.ts';
import { startAtMs, startBench } from '#test/unit/local/stepfunctions/states-bench.ts';

type Validate = (definition: Json) => {
  readonly isValid: boolean;
  readonly errorsText: (by?: string) => string;
};

const validate = createRequire(import.meta.url)('asl-validator') as Validate;
const folder = new URL('../../statemachines/', import.meta.url);
const read = (file: string): Json => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Json;

describe('every state machine', () => {
  it.each(readdirSync(folder))('%s is valid and in JSONata', (file) => {
    const { isValid, errorsText } = validate(read(file));

    expect(isValid, errorsText()).toBe(true);
    expect(read(file)['QueryLanguage']).toBe('JSONata');
  });
});

describe('retry-task', () => {
  const order = { tenantId: 'local', workspaceId: 'main', runId: 'run_1', taskKey: 'a.b', attempt: 1 };
  const at = (afterMs: number) => ({ ...order, retryAt: new Date(startAtMs + afterMs).toISOString() });

  it('calls the function at the instant and not before', async () => {
    const calls: unknown[] = [];
    const bench = startBench({
      runTask: (_resource, given) => {
        calls.push(given);
        return Promise.resolve({ StatusCode: 200, Payload: { outcome: 'offered' } });
      },
    });
    await bench.start(read('retry-task.asl.json'), at(5_000));

    await bench.advance(4_999);
    const before = calls.length;
    await bench.advance(1);

    expect(before).toBe(0);
    expect(calls).toEqual([expect.objectContaining({ Payload: at(5_000) })]);
    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: { outcome: 'offered' } });
  });

  it('calls at once when the instant has passed', async () => {
    const bench = startBench({ runTask: () => Promise.resolve({ StatusCode: 200, Payload: null }) });

    await bench.start(read('retry-task.asl.json'), at(-1));

    expect((await bench.finish()).status).toBe('SUCCEEDED');
    expect(bench.clock.nowMs()).toBe(startAtMs);
  });

  it('tries again when the function fails, and gives up after its bound', async () => {
    let calls = 0;
    const bench = startBench({
      runTask: () => {
        calls++;
        return Promise.reject(new Error('no answer'));
      },
    });

    await bench.start(read('retry-task.asl.json'), at(0));

    expect((await bench.finish()).status).toBe('FAILED');
    expect(calls).toBe(9);
  });
});
