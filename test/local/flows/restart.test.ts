import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { virtualClock } from '#local/kernel/clock.ts';
import { apiOf, bootTestCloud, START_MS } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import { claim, deploy, fail, listedRun, succeed, trigger, workOff } from '#test/support/cloud-assets.ts';
import { readFeed } from '#test/support/cloud-market.ts';
import type { Put } from '#test/support/cloud-market.ts';
import { commitsIn, numberingFaults, rowsOf } from '#test/support/cloud-stores.ts';
import { demoRecords, marketOutcome, play, startDemoFeed } from '#test/support/demo-market.ts';
import type { MarketOutcome } from '#test/support/demo-market.ts';
import { runOutcome } from '#test/support/settled-runs.ts';

const MINUTE_MS = 60_000;

const newDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-restart-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

/** The directory as a kill leaves it: copied while the cloud that writes it goes on, without its lock. */
const killed = (directory: string): string => {
  const copy = newDirectory();
  cpSync(directory, copy, { recursive: true, filter: (path) => !path.endsWith('lock') });
  return copy;
};

const bootFrom = async (stateDir: string, atMs = START_MS): Promise<Api> =>
  apiOf(await bootTestCloud({ stateDir, clock: virtualClock(atMs) }));

/** The first half: two runs, one task retried, one still at work, one offered. */
const firstHalf = async (api: Api): Promise<readonly string[]> => {
  await deploy(api, { a: { execution: { retry: { baseMs: 1_000 } } }, b: ['a'], c: ['b'] });
  const runIds = [
    await trigger(api, ['a', 'b', 'c'], { runKey: 'one' }),
    await trigger(api, ['a'], { runKey: 'two' }),
  ];
  // Tasks of one age are offered by id, which is by chance here.
  const claimed = await claim(api);
  const [one, two] = runIds.map((runId) => claimed.find((task) => task.runId === runId));
  if (!one || !two) throw new Error('two tasks were expected');
  await fail(api, one);
  await succeed(api, two, { deltaTable: 't', deltaVersion: 4 });
  return runIds;
};

const secondHalf = async (api: Api): Promise<void> => {
  await api.cloud.advance(2 * MINUTE_MS);
  for (let more = await workOff(api); more > 0; more = await workOff(api)) await api.cloud.settle();
};

describe('a cloud that is stopped in the middle of asset runs', () => {
  it.each(['closed', 'killed'])('and was %s finishes them like one that was not', async (how) => {
    const undisturbed = await bootFrom(newDirectory());
    const expectedIds = await firstHalf(undisturbed);
    await secondHalf(undisturbed);

    const directory = newDirectory();
    const before = await bootFrom(directory);
    const runIds = await firstHalf(before);
    if (how === 'closed') await before.cloud.close();
    const after = await bootFrom(how === 'killed' ? killed(directory) : directory, START_MS + 5_000);
    await secondHalf(after);

    // Each stage has a secret of its own, and so other ids for the same run keys.
    for (const [index, runId] of runIds.entries()) {
      const expected = await runOutcome(undisturbed, expectedIds[index] ?? '');
      expect(await runOutcome(after, runId)).toEqual(expected);
      expect(await listedRun(after, runId)).toMatchObject({ state: 'SUCCEEDED' });
    }
    expect(numberingFaults(await commitsIn(after.cloud))).toEqual([]);
    expect(after.cloud.faultLines()).toEqual([]);
  });

  it('keeps the tokens it has issued and the tasks workers hold', async () => {
    const directory = newDirectory();
    const before = await bootFrom(directory);
    await deploy(before, { a: [] });
    const runId = await trigger(before, ['a']);
    const [task] = await claim(before);
    if (!task) throw new Error('a task was expected');
    const after = await bootFrom(killed(directory), START_MS + MINUTE_MS);
    expect(await after.ask('GET', '/v1/workspaces/main/runs', { bearer: before.token })).toMatchObject({
      status: 200,
    });
    expect(await succeed(after, task)).toMatchObject({ status: 200 });
    await after.cloud.settle();
    expect(await listedRun(after, runId)).toMatchObject({ state: 'SUCCEEDED' });
  });
});

let undisturbedOutcome: MarketOutcome | undefined;

/** What comes of the records when nothing stops; played once for all tests. */
const undisturbedTape = async (records: readonly Put[]): Promise<MarketOutcome> => {
  if (undisturbedOutcome) return undisturbedOutcome;
  const api = apiOf(await bootTestCloud());
  await startDemoFeed(api);
  await play(api, records);
  undisturbedOutcome = await marketOutcome(api.cloud);
  return undisturbedOutcome;
};

describe('a cloud that is killed while a tape plays', () => {
  it.each([1, 2, 3, 5, 8, 13])(
    'at any instant leads to the same events and rows, kill after %i turns',
    async (turns) => {
      const records = (await demoRecords()).slice(0, 500);
      const expected = await undisturbedTape(records);
      const directory = newDirectory();
      const before = await bootFrom(directory);
      await startDemoFeed(before);
      // Everything is acknowledged, and the work it causes is cut off in the middle.
      const playing = play(before, records, 500);
      for (let turn = 0; turn < turns * 12; turn++) await new Promise((resolve) => setImmediate(resolve));
      const copy = killed(directory);
      await playing;
      const { recordCount } = await readFeed(await bootFrom(killed(directory)), 'demo');
      expect(recordCount).toBe(records.length);

      const after = await bootFrom(copy, START_MS + MINUTE_MS);
      await after.cloud.settle();
      if ((await readFeed(after, 'demo')).recordCount === 0) await play(after, records);
      await after.cloud.advance(4 * MINUTE_MS);
      expect(await marketOutcome(after.cloud)).toEqual(expected);
      expect(numberingFaults(await commitsIn(after.cloud))).toEqual([]);
    },
  );

  it('continues from a snapshot and the journal behind it', async () => {
    const records = (await demoRecords()).slice(0, 500);
    const expected = await undisturbedTape(records);
    const directory = newDirectory();
    const before = await bootFrom(directory);
    await startDemoFeed(before);
    await play(before, records.slice(0, 200));
    await before.cloud.snapshot();
    await play(before, records.slice(200, 330));
    const after = await bootFrom(killed(directory));
    expect(await rowsOf(after.cloud)).toEqual(await rowsOf(before.cloud));
    await play(after, records.slice(330));
    expect(await marketOutcome(after.cloud)).toEqual(expected);
  });
});
