/**
 * What earlier versions left in the ledger goes on under this one: `events/histories` has commits as those versions
 * wrote them, with the states of their folds, which no loader understands any more.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { verifyStage } from '#cli/offline/views.ts';
import { LimitRead } from '#contracts/runs/concurrency.ts';
import { RunWhy } from '#contracts/runs/read.ts';
import { RerunResponse } from '#contracts/runs/rerun.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import { apiOf, bootTestCloud, inMain } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import {
  claim,
  claimOne,
  manifestOf,
  readRun,
  runEvents,
  succeed,
  taskStates,
  trigger,
} from '#test/support/cloud-assets.ts';
import type { AssetPlan } from '#test/support/cloud-assets.ts';
import { storesOfCloud } from '#test/support/busy-stacks.ts';
import { commitsIn, ledgerOf, numberingFaults } from '#test/support/cloud-stores.ts';
import { inProject } from '#test/support/tracked-files.ts';

const MINUTE_MS = 60_000;

/** Has the commits of a recorded history, and answers the id of its run. */
const tell = async (api: Api, history: string): Promise<string> => {
  const lines = readFileSync(inProject(`events/histories/${history}.jsonl`), 'utf8')
    .trim()
    .split('\n');
  const commits = lines.map((line) => JSON.parse(line) as StoredCommit);
  for (const commit of commits)
    expect(await ledgerOf(api.cloud).append(commit)).toEqual({ kind: 'appended' });
  await api.cloud.advance(5_000);
  return String(commits[0]?.events[0]?.data['runId']);
};

const deployWith = (api: Api, assets: AssetPlan, limits: readonly object[]): Promise<unknown> =>
  api.must('POST', inMain('/manifests'), { ...manifestOf(assets), limits });

const limitOf = async (api: Api, limitId: string): Promise<LimitRead> =>
  LimitRead.parse(await api.must('GET', inMain(`/limits/${limitId}`)));

const awaitedBy = async (api: Api, runId: string): Promise<readonly (string | undefined)[]> =>
  RunWhy.parse(await api.must('GET', inMain(`/runs/${runId}/why`))).waiting.flatMap(({ limit }) =>
    limit ? [limit.limitId] : [],
  );

const expectSound = async (api: Api): Promise<void> => {
  expect(await verifyStage(storesOfCloud(api.cloud))).toMatchObject({ isEqual: true, differences: [] });
  expect(numberingFaults(await commitsIn(api.cloud))).toEqual([]);
  expect(api.cloud.faultLines()).toEqual([]);
};

it('a run of the first version, whose plan knows no limits and no rules, is read, ends, and is run again under limits', async () => {
  const api = apiOf(await bootTestCloud());
  const runId = await tell(api, 'run-of-the-first-version');
  await deployWith(api, { a: [], b: ['a'], c: ['b'] }, [{ limit: 'queue:default-queue', capacity: 1 }]);
  const before = await readRun(api, runId);
  expect(before).toMatchObject({ state: 'RUNNING' });
  expect(taskStates(before)).toEqual({ a: 'SUCCEEDED', b: 'QUEUED', c: 'PENDING' });
  expect(await api.must('GET', inMain('/runs'))).toMatchObject({ runs: [{ runId, state: 'RUNNING' }] });

  const early = await api.must('GET', inMain(`/runs/${runId}?atSequence=3`));
  expect(early).toMatchObject({ state: 'RUNNING', taskCounts: { queued: 1, pending: 2 } });

  await api.cloud.advance(3 * MINUTE_MS);
  for (const taskKey of ['demo.b', 'demo.c']) {
    const task = await claimOne(api);
    expect(task).toMatchObject({ runId, taskKey });
    await succeed(api, task);
  }
  expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
  expect(await limitOf(api, 'queue:default-queue')).toMatchObject({ held: 0, waiting: 0 });

  const rerun = RerunResponse.parse(
    await api.must('POST', inMain(`/runs/${runId}/rerun`), { mode: 'subset', selection: ['demo.b'] }),
  );
  await api.cloud.settle();
  const task = await claimOne(api);
  expect(task).toMatchObject({ runId: rerun.runId, taskKey: 'demo.b' });
  expect(await limitOf(api, 'queue:default-queue')).toMatchObject({ held: 1 });
  await succeed(api, task);
  await api.cloud.settle();
  await expectSound(api);
});

it('a run that was refused a slot, and was to ask again after a minute, does so', async () => {
  const api = apiOf(await bootTestCloud());
  const runId = await tell(api, 'run-that-was-refused-a-slot');
  await deployWith(api, { a: { execution: { concurrencyKey: 'warehouse' } } }, []);
  await api.cloud.settle();
  expect(await awaitedBy(api, runId)).toEqual(['key:warehouse']);
  expect(await claim(api)).toEqual([]);

  await api.cloud.advance(3 * MINUTE_MS);
  await succeed(api, await claimOne(api));
  await api.cloud.settle();
  expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
  await expectSound(api);
});

it('a run that asks its widest limit first and one that asks its narrowest first both end', async () => {
  const api = apiOf(await bootTestCloud());
  const keyed = { execution: { concurrencyKey: 'warehouse', heartbeatTimeoutSec: 3_600 } };
  const older = await tell(api, 'run-that-asks-its-widest-limit-first');
  await deployWith(api, { a: keyed }, [
    { limit: 'key:warehouse', capacity: 1 },
    { limit: 'workspace', capacity: 1 },
  ]);
  const newer = await trigger(api, ['a']);
  await api.cloud.settle();
  expect(await limitOf(api, 'workspace')).toMatchObject({ holders: [{ runId: older }], waiting: 1 });
  expect(await limitOf(api, 'key:warehouse')).toMatchObject({ holders: [{ runId: newer }] });
  expect([await awaitedBy(api, older), await awaitedBy(api, newer)]).toEqual([
    ['key:warehouse'],
    ['workspace'],
  ]);
  expect(await claim(api)).toEqual([]);

  // The slot of the workspace is looked at after a minute: who holds it waits for a narrower one, and loses it.
  await api.cloud.advance(3 * MINUTE_MS);
  for (const runId of [newer, older]) {
    const task = await claimOne(api);
    expect(task).toMatchObject({ runId, taskKey: 'demo.a' });
    await succeed(api, task);
    await api.cloud.settle();
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
  }

  const asked = (await runEvents(api, older))
    .filter(({ type }) => type === 'TaskSlotRequested')
    .map(({ data }) => data['limitId']);
  expect([...new Set(asked)]).toEqual(['workspace', 'key:warehouse']);
  for (const limitId of ['workspace', 'key:warehouse'])
    expect(await limitOf(api, limitId)).toMatchObject({ held: 0, waiting: 0 });
  await expectSound(api);
});
