/** The gates of milestone 3 that concern runs, by the ids of docs/parity/matrix.md. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runDetail } from '#domain/run/run-detail.ts';
import { runRowAfter } from '#domain/run/run-rows.ts';
import type { RunRow } from '#domain/run/run-rows.ts';
import type { Json } from '#local/kernel/engine.ts';
import { folded } from '#test/support/decider.ts';
import { ledgerEvent } from '#test/support/ledger.ts';
import { asset, manifest } from '#test/support/manifest-fixtures.ts';
import { assetPlane } from '#test/support/ports-assets.ts';
import type { AssetPlane } from '#test/support/ports-assets.ts';
import { claim, fail, finish, planOf, retry, START_MS, triggered } from '#test/support/run-fixtures.ts';

const history = () =>
  triggered(planOf({ 'm.a': [], 'm.b': ['m.a'], 'm.c': ['m.b'] }))
    .after(...finish('m.a'), claim('m.b'), fail('m.b'))
    .at(START_MS + 30_000)
    .after(retry('m.b'), claim('m.b', 'wk-2', 2), fail('m.b', 2, 'DATA_QUALITY'))
    .history();

describe('the folds of a run', () => {
  it('m3.duplicate-once: take every event once, however often it comes', () => {
    const events = history();
    const doubled = events.flatMap((event) => [event, event]);

    expect(folded(runAggregate, doubled)).toEqual(folded(runAggregate, events));
    expect(runDetail(doubled)).toEqual(runDetail(events));
  });

  it('m3.fold-batch-split-property: end alike however the events are cut into batches', () => {
    const events = history();
    const whole = events.reduce<RunRow | undefined>(runRowAfter, undefined);
    fc.assert(
      fc.property(fc.array(fc.nat(events.length), { maxLength: 6 }), (cuts) => {
        const places = [0, ...cuts.sort((one, other) => one - other), events.length];
        let row: RunRow | undefined;
        for (const [index, place] of places.entries())
          for (const event of events.slice(place, places[index + 1])) row = runRowAfter(row, event);
        expect(row).toEqual(whole);
      }),
    );
  });
});

describe('lineage', () => {
  let plane: AssetPlane;
  beforeEach(async () => {
    plane = await assetPlane();
    await plane.deploy({ a: [] });
  });

  const succeeded = async (output: object): Promise<Json | undefined> => {
    const { body } = await plane.trigger(['m.a']);
    for (const task of await plane.claim(1))
      await plane.report('completed', task, { body: { outcome: 'SUCCEEDED', output } });
    const { tasks } = (await plane.getRun(String(body['runId']))) as { tasks: readonly Json[] };
    return tasks[0];
  };

  it('m3.lineage-callback-to-run: a success carries its Delta coordinates from the callback to the read', async () => {
    const task = await succeeded({
      materializationId: 'mat-1',
      rowCount: 10,
      deltaTable: 'analytics.extract',
      deltaVersion: 42,
      deltaPartition: 'date=2025-01-15',
    });

    expect(task).toMatchObject({
      state: 'SUCCEEDED',
      deltaTable: 'analytics.extract',
      deltaVersion: 42,
      deltaPartition: 'date=2025-01-15',
    });
    expect(task?.['executionLineageRef']).toMatch(/"deltaVersion":42,"deltaPartition":"date=2025-01-15"\}$/);
  });

  it('m3.lineage-absent: a success without them has none, and says so nowhere', async () => {
    const task = await succeeded({ rowCount: 10 });
    for (const member of ['deltaTable', 'deltaVersion', 'deltaPartition'])
      expect(task).not.toHaveProperty(member);
  });

  it.each([{ deltaVersion: -1 }, { deltaVersion: '42' }, { deltaTable: '' }, { deltaPartition: 7 }])(
    'm3.lineage-malformed: %j is refused and nothing is recorded',
    async (output) => {
      await plane.trigger(['m.a']);
      const [task] = await plane.claim(1);
      if (!task) throw new Error('no task came');

      expect(await plane.report('completed', task, { body: { outcome: 'SUCCEEDED', output } })).toMatchObject(
        {
          status: 400,
          body: { code: 'invalid_request' },
        },
      );
      expect(await plane.getRun(task.runId)).toMatchObject({ state: 'RUNNING' });
    },
  );
});

describe('partitions', () => {
  let plane: AssetPlane;
  beforeEach(async () => {
    plane = await assetPlane();
    await plane.deploy({ a: [], b: ['a'] });
  });

  const run = async (taskKey: string, body: object): Promise<string> => {
    plane.pass(1_000);
    const { body: started } = await plane.trigger([taskKey]);
    for (const task of await plane.claim(1)) await plane.report('completed', task, { body });
    await plane.handlers.compact(ledgerEvent(plane.stage));
    return String(started['runId']);
  };
  const success = {
    outcome: 'SUCCEEDED',
    output: { deltaTable: 'lake.a', deltaVersion: 42, deltaPartition: 'd=1' },
  };
  const failure = { outcome: 'FAILED', error: { category: 'DATA_QUALITY', message: 'gap in tape' } };
  const partition = async (assetKey: string): Promise<Json | undefined> => {
    const request = plane.inWorkspace('/partitions', { query: { assetKey } });
    const { partitions } = (await plane.call(plane.handlers.runs, request)).body as {
      partitions: readonly Json[];
    };
    return partitions[0];
  };

  it('m3.lineage-task-partition: task and partition carry the identical reference, with version and partition', async () => {
    const runId = await run('m.a', success);

    const { tasks } = (await plane.getRun(runId)) as { tasks: readonly Json[] };
    const reference = (await partition('m.a'))?.['executionLineageRef'];
    expect(reference).toBe(tasks[0]?.['executionLineageRef']);
    expect(reference).toContain('"deltaVersion":42,"deltaPartition":"d=1"');
  });

  it('m3.stale-never: what never succeeded is stale, since no instant', async () => {
    await run('m.a', failure);

    const item = await partition('m.a');
    expect(item).toMatchObject({ isStale: true, staleReason: 'NEVER_MATERIALIZED' });
    expect(item).not.toHaveProperty('staleSince');
  });

  it('m3.stale-code: what other code made is stale since now', async () => {
    await run('m.a', success);
    const body = manifest([asset('m', 'a', [])], { codeVersionId: 'git-2' });
    await plane.call(plane.handlers.runs, plane.inWorkspace('/manifests', { method: 'POST', body }));

    expect(await partition('m.a')).toMatchObject({
      staleReason: 'CODE_CHANGED',
      staleSince: new Date(plane.stage.clock.nowMs()).toISOString(),
    });
  });

  it('m3.stale-upstream: what is older than its upstream is stale since that one was made', async () => {
    await run('m.a', success);
    await run('m.b', success);
    expect(await partition('m.b')).toMatchObject({ isStale: false });
    await run('m.a', success);

    expect(await partition('m.b')).toMatchObject({
      staleReason: 'UPSTREAM_CHANGED',
      staleSince: (await partition('m.a'))?.['lastMaterializationAt'],
    });
  });
});
