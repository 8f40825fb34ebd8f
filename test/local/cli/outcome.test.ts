/** What the torture compares: the outcome of a job as its stack serves it, and the witness beside it. */
import process from 'node:process';

import { describe, expect, it, vi } from 'vitest';

import { up } from '#cli/up/up.ts';
import { listening, startTestStack } from '#test/support/cli.ts';
import { outcomeOf } from '#tools/torture/outcome.ts';
import { createWitness } from '#tools/torture/witness.ts';

describe('the outcome of a job', () => {
  it('is every record, event, task and row, without what depends on the instant', async () => {
    const stack = await startTestStack();
    const job = {
      ...{ root: process.cwd(), stateDir: stack.stateDir, isEphemeral: false, port: 0, awsPort: 0 },
      ...({
        format: 'jsonl',
        speed: 'max',
        isDemo: true,
        hasWorker: true,
        isExiting: true,
        isJson: true,
      } as const),
      patienceMs: 60_000,
    };
    await listening(() => up(job, () => Promise.resolve({ ...stack, close: () => Promise.resolve() })));

    const { market, events, witnessed, tasks, rows } = await outcomeOf(stack);

    expect([market.length, events.length, witnessed.size]).toEqual([1_701, 78, 0]);
    expect(tasks.find((task) => task.includes('demo.report'))).toMatch(
      /^demo demo.report SUCCEEDED demo.report {2}\[materializationId rowCount byteSize deltaVersion\]$/,
    );
    expect(rows.filter((row) => row.startsWith('engine run '))).toHaveLength(39);
    expect(rows.join('\n')).not.toMatch(/completed_ts_ms|updatedAtMs|"attempts"/);
    expect(rows).toContainEqual(expect.stringMatching(/^run demo SUCCEEDED /));
  }, 60_000);

  it('of a stack that nobody fed is empty', async () => {
    expect(await outcomeOf(await startTestStack())).toEqual({
      market: [],
      events: [],
      witnessed: new Set(),
      tasks: [],
      rows: [],
    });
  });
});

describe('a witness', () => {
  it('writes until its endpoint is gone, goes on at the next one, and loses nothing that was acknowledged', async () => {
    const stack = await startTestStack();
    const witness = createWitness();

    await witness.watch('http://127.0.0.1:9');
    expect(witness.acknowledged).toEqual([]);
    const first = witness.watch(stack.awsUrl);
    await vi.waitFor(() => expect(witness.acknowledged.length).toBeGreaterThan(3));
    // A second watcher finds the stream there.
    const second = witness.watch(stack.awsUrl);
    await vi.waitFor(() => expect(witness.acknowledged.length).toBeGreaterThan(10));
    const acknowledged = [...witness.acknowledged];
    const { witnessed } = await outcomeOf(stack);
    await stack.close();
    await Promise.all([first, second]);

    expect(acknowledged.filter((text) => !witnessed.has(text))).toEqual([]);
  });
});
