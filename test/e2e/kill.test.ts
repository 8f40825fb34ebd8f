import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { AssetExecution } from '#contracts/runs/manifest.ts';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { RunEventPage, RunRead } from '#contracts/runs/read.ts';
import { serve, temporaryFolder } from '#test/support/process.ts';
import type { Serving } from '#test/support/process.ts';
import { barsTape } from '#tools/torture/bars-tape.ts';
import { torture } from '#tools/torture/torture.ts';

const folder = temporaryFolder();
const open = new Set<Serving>();
const start = async (stateDir: string): Promise<Serving> => {
  const serving = await serve(['--state', stateDir]);
  open.add(serving);
  return serving;
};
afterAll(async () => {
  for (const { stop } of open) await stop();
});

const execution: AssetExecution = { retry: { baseMs: 2_000, maxAttempts: 5 } };
const manifest = {
  manifestVersion: '1.0',
  codeVersionId: 'kill-1',
  assets: [{ key: { namespace: 'kill', name: 'only' }, id: 'only', execution }],
};

const claim = async ({ client }: Serving, waitMs: number): Promise<readonly DispatchEnvelope[]> => {
  const answer = await client.request('POST', '{ws}/workers/claim', {
    body: { workerId: 'w', maxTasks: 10, waitMs },
  });
  return ClaimResponse.parse(answer).tasks;
};

/** The first task that comes; a claim may well come back empty before. */
const claimOne = async (serving: Serving): Promise<DispatchEnvelope> => {
  for (;;) {
    const [task] = await claim(serving, 20_000);
    if (task) return task;
  }
};

const report = ({ client }: Serving, task: DispatchEnvelope, body: Readonly<Record<string, unknown>>) =>
  client.request('POST', `/v1/callbacks/${task.taskId}/completed`, {
    token: task.taskToken,
    body: { attempt: task.attempt, attemptId: task.attemptId, workerId: 'w', ...body },
  });

const failed = { outcome: 'FAILED', error: { category: 'INFRASTRUCTURE', message: 'gone' } };
const succeeded = { outcome: 'SUCCEEDED', output: { deltaTable: 'kill.only', deltaVersion: 7 } };

describe('kill -9', () => {
  it('loses no acknowledged report: the retry it owes is made once, by the next process', async () => {
    const stateDir = path.join(folder, 'retry');
    const before = await start(stateDir);
    await before.client.request('POST', '{ws}/manifests', { body: manifest });
    const { runId } = (await before.client.request('POST', '{ws}/runs', {
      body: { selection: ['kill.only'] },
    })) as { runId: string };
    const first = await claimOne(before);
    await report(before, first, failed);

    before.sluice.signal('SIGKILL');
    expect(await before.sluice.ended).toEqual({ code: null, signal: 'SIGKILL' });
    const after = await start(stateDir);

    // Whether the retry has been made yet or not, what contradicts the report is refused.
    await expect(report(after, first, succeeded)).rejects.toMatchObject({
      code: expect.stringMatching(/^(attempt_already_completed|stale_attempt)$/),
    });
    const second = await claimOne(after);
    expect([second.attempt, second.taskKey]).toEqual([2, 'kill.only']);
    expect(await claim(after, 0)).toEqual([]);
    expect(await report(after, second, succeeded)).toMatchObject({ finalState: 'SUCCEEDED' });

    const run = RunRead.parse(await after.client.request('GET', `{ws}/runs/${runId}`));
    expect(run).toMatchObject({
      state: 'SUCCEEDED',
      tasks: [{ state: 'SUCCEEDED', attempt: 2, deltaTable: 'kill.only', deltaVersion: 7 }],
    });
    const page = RunEventPage.parse(
      await after.client.request('GET', `{ws}/runs/${runId}/events`, { query: { limit: 200 } }),
    );
    const started = page.events.filter(({ type }) => type === 'TaskStarted');
    expect(started.map(({ data }) => data['attempt'])).toEqual([1, 2]);
  });

  it(
    'changes neither records nor events nor outcomes of the main job, wherever it strikes',
    // A kill that hits a worker at work is noticed by its silence, which takes up to two minutes.
    { timeout: 600_000 },
    async () => {
      const tape = path.join(folder, 'bars.csv');
      writeFileSync(tape, barsTape(2_000, 16));
      const { kills, differences, events } = await torture({
        kills: 2,
        // At the very end of the job, when no worker is at work any more, then while the next process boots; the heavy
        // suite strikes everywhere.
        seed: 91,
        tapeArguments: ['--tape', tape, '--format', 'bars-csv', '--symbol', 'TORTURE'],
        folder: path.join(folder, 'torture'),
        say: () => undefined,
      });

      expect({ kills, differences }).toEqual({ kills: 2, differences: [] });
      expect(events).toBe(2 * Math.floor(2_000 / 3));
    },
  );
});
