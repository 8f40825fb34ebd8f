/**
 * The three Delta fields on their way from a worker to readers, present, absent and malformed, at each seam: the
 * callback's type and handler; the body to the command, which is what the ledger has; the callback to the reads.
 */
import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { CompletedRequest } from '#contracts/runs/callbacks.ts';
import { PartitionPage } from '#contracts/runs/partitions.ts';
import { ledgerEvent, streamedCommits } from '#test/support/ledger.ts';
import { asset, manifest } from '#test/support/manifest-fixtures.ts';
import { assetPlane } from '#test/support/ports-assets.ts';
import type { Answer, AssetPlane, Claimed } from '#test/support/ports-assets.ts';

const KEY = 'date=d:2026-01-02';
const DAY = { partitioning: { dimensions: [{ name: 'date', kind: 'time', granularity: 'day' }] } };
const delta = { deltaTable: 'lake.bars', deltaVersion: 42, deltaPartition: 'date=2026-01-02' };
const members = ['deltaTable', 'deltaVersion', 'deltaPartition'] as const;

const malformed = [
  { deltaTable: '' },
  { deltaTable: null },
  { deltaTable: 'x'.repeat(513) },
  { deltaVersion: -1 },
  { deltaVersion: 1.5 },
  { deltaVersion: '42' },
  { deltaPartition: '' },
  { deltaPartition: 7 },
  { deltaPartition: 'x'.repeat(1_025) },
  { delta_version: 42 },
];

let plane: AssetPlane;
let task: Claimed;
let runId: string;

beforeEach(async () => {
  plane = await assetPlane();
  await plane.call(
    plane.handlers.runs,
    plane.inWorkspace('/manifests', { method: 'POST', body: manifest([asset('m', 'bars', [], DAY)]) }),
  );
  runId = String((await plane.trigger(['m.bars'], { partitionKey: KEY })).body['runId']);
  [task] = (await plane.claim()) as [Claimed];
});

const complete = (output: object): Promise<Answer> =>
  plane.report('completed', task, { body: { outcome: 'SUCCEEDED', output } });

/** The completions in the ledger. */
const recorded = () =>
  streamedCommits(plane.stage)
    .flatMap(({ events }) => events)
    .filter(({ type }) => type === 'TaskCompleted')
    .map(({ data }) => data);

describe('the callback', () => {
  const body = { attempt: 1, attemptId: `att_${'0'.repeat(24)}`, workerId: 'w', outcome: 'SUCCEEDED' };

  it('has all three fields in its type, and in its value where the worker leaves them out', () => {
    type Output = NonNullable<CompletedRequest['output']>;
    expectTypeOf<Output>().toHaveProperty('deltaTable');
    expectTypeOf<Output>().toHaveProperty('deltaVersion');
    expectTypeOf<Output>().toHaveProperty('deltaPartition');

    expect(CompletedRequest.parse({ ...body, output: delta }).output).toEqual(delta);
    expect(Object.keys(CompletedRequest.parse({ ...body, output: {} }).output ?? {})).toEqual(members);
  });

  it.each(malformed)('refuses %j, and so does its handler, which records nothing', async (output) => {
    expect(CompletedRequest.safeParse({ ...body, output }).success).toBe(false);

    expect(await complete(output)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });

    expect(recorded()).toEqual([]);
    expect((await complete(delta)).status).toBe(200);
  });
});

describe('the body', () => {
  it('becomes a command, and that an event, with all three fields', async () => {
    await complete({ materializationId: 'mat-1', ...delta });

    expect(recorded()).toMatchObject([{ materializationId: 'mat-1', output: delta, partitionKey: KEY }]);
  });

  it('without them becomes an event without them, and `result` is another name of `output`', async () => {
    await plane.report('completed', task, { body: { outcome: 'SUCCEEDED', result: { rowCount: 1 } } });

    const [{ output } = {}] = recorded();
    expect(output).toEqual({ rowCount: 1 });
  });
});

describe('the reads', () => {
  const reads = async () => {
    await plane.handlers.compact(ledgerEvent(plane.stage));
    const get = async (path: string, parameters: Readonly<Record<string, string>> = {}) =>
      (await plane.call(plane.handlers.runs, plane.inWorkspace(path, { parameters }))).body;
    const { tasks } = (await plane.getRun(runId)) as { tasks: readonly Record<string, unknown>[] };
    const { partitions } = PartitionPage.parse(await get('/partitions'));
    return {
      ofRun: tasks[0] ?? {},
      ofTask: await get('/runs/{runId}/tasks/{taskKey}', { runId, taskKey: 'm.bars' }),
      ofPartition: (partitions[0] ?? {}) as Record<string, unknown>,
    };
  };

  const refOf = (lineage: object): string =>
    JSON.stringify({ runId, taskKey: 'm.bars', attempt: 1, ...lineage });

  it.each([
    ['all three', { materializationId: 'mat-1', ...delta }, { materializationId: 'mat-1', ...delta }],
    ['a version alone', { deltaVersion: 0 }, { deltaVersion: 0, deltaPartition: KEY }],
    ['none, but the partition of the task', { rowCount: 3 }, { deltaPartition: KEY }],
  ])('of run, task and partition have %s, and one reference byte for byte', async (_, output, lineage) => {
    await complete(output);

    const { ofRun, ofTask, ofPartition } = await reads();

    for (const read of [ofRun, ofTask, ofPartition]) {
      expect(read['executionLineageRef']).toBe(refOf(lineage));
      for (const member of members) expect(read[member]).toBe((lineage as Record<string, unknown>)[member]);
    }
  });

  it('have none of an attempt that failed', async () => {
    await plane.fail(task);
    const { ofRun, ofPartition } = await reads();

    for (const read of [ofRun, ofPartition])
      for (const member of [...members, 'executionLineageRef']) expect(read).not.toHaveProperty(member);
    expect(ofPartition).toMatchObject({ state: 'NEVER_MATERIALIZED', lastAttemptOutcome: 'failed' });
  });
});
