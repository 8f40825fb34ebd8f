import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#contracts/event.ts';
import type { Projection, RowContent, RowKey } from '#domain/kernel/projection.ts';
import type { RunRow } from '#domain/run/run-rows.ts';
import { countTasks } from '#domain/run/run-rows.ts';
import { statusAfter } from '#domain/run/task-rows.ts';
import { runDetail, runItem } from '#domain/run/run-detail.ts';
import { runListKeys, runProjection, runRowKey } from '#domain/run/run-projection.ts';
import { recorded } from '#test/support/decider.ts';
import {
  START_MS,
  beat,
  claim,
  fail,
  planOf,
  publish,
  retry,
  runId,
  stream,
  succeed,
  triggered,
} from '#test/support/run-fixtures.ts';

const rowsOf = (
  projection: Projection,
  events: readonly RecordedEvent[],
): ReadonlyMap<string, RowContent> => {
  const rows = new Map<string, RowContent>();
  const apply = (key: RowKey, event: RecordedEvent): void => {
    const next = projection.apply(rows.get(key.sk), key, event);
    if (next) rows.set(key.sk, next);
  };
  for (const event of events) {
    for (const key of projection.details(event)) apply(key, event);
    apply(projection.cursor(event.stream), event);
  }
  return rows;
};

const iso = (ms: number): string => new Date(START_MS + ms).toISOString();
const DAY = 'date=d:2026-01-02';

const story = () =>
  triggered(planOf({ 'm.z': [], 'm.b': ['m.z'], 'm.c': ['m.b'], 'm.d': [] }, { partitionKey: DAY }))
    .at(START_MS + 1_000)
    .after(claim('m.z'), fail('m.z'))
    .at(START_MS + 31_000)
    .after(
      retry('m.z'),
      claim('m.z', 'wk-2', 2),
      beat('m.z', { attempt: 2, progressPct: 40, message: 'day 2' }),
    )
    .at(START_MS + 40_000)
    .after(
      succeed('m.z', 2, { materializationId: 'mat-1', rowCount: 390, deltaTable: 'm.z', deltaVersion: 42 }),
    );

describe('the rows of a run', () => {
  it('hold the same as the read of it', () => {
    const events = story().history();
    const rows = rowsOf(runProjection, events);
    const read = runDetail(events);
    const row = rows.get('run');
    expect(row?.listKey).toMatch(/^runs#acme\/prod#[0-3]$/);
    expect(runListKeys({ tenantId: 'acme', workspaceId: 'prod' })).toContain(row?.listKey);
    expect(row?.listSort).toMatch(new RegExp(`^[0-9]{13}#${runId}$`));
    expect(row?.data).toMatchObject({ state: read?.state, tasksSucceeded: 1, taskCount: 4 });
    expect(rows.size).toBe(1);
  });

  it('list a run with and without its end', () => {
    const open = rowsOf(runProjection, story().history()).get('run')?.data as unknown as RunRow;
    expect(runItem(open)).toEqual({
      runId,
      state: 'RUNNING',
      createdAt: iso(0),
      taskCount: 4,
      tasksSucceeded: 1,
      tasksFailed: 0,
    });
    const failed = triggered(planOf({ 'm.a': [] })).after(fail('m.a', 1, 'DATA_QUALITY'));
    const ended = rowsOf(runProjection, failed.history()).get('run')?.data as unknown as RunRow;
    expect(runItem(ended)).toMatchObject({ state: 'FAILED', completedAt: iso(0), tasksFailed: 1 });
  });

  it('may go 90 days after the run has ended, and not before there is an end', () => {
    const keptSec = 90 * 86_400;
    const expiryOf = (events: readonly RecordedEvent[]) =>
      rowsOf(runProjection, events).get('run')?.expiresAtSec;
    const failing = () => triggered(planOf({ 'm.a': [], 'm.b': ['m.a'] })).at(START_MS + 1);

    expect(expiryOf(failing().after(fail('m.a')).history())).toBeUndefined();
    expect(
      expiryOf(
        failing()
          .after(fail('m.a', 1, 'DATA_QUALITY'))
          .history(),
      ),
    ).toBe(START_MS / 1000 + 1 + keptSec);
    expect(runProjection.rowsKeptMs).toBe(keptSec * 1000);
  });

  it('stay as long after a word on the outputs of a run that ended long before', () => {
    const keptMs = runProjection.rowsKeptMs ?? 0;
    const lateMs = START_MS + keptMs / 2;
    const story = triggered(planOf({ 'm.a': [] }))
      .after(claim('m.a'), succeed('m.a'))
      .at(lateMs)
      .after(publish('m.a', 'FAILED'));

    expect(rowsOf(runProjection, story.history()).get('run')).toMatchObject({
      data: { state: 'FAILED', completedAt: iso(0) },
      expiresAtSec: (lateMs + keptMs) / 1000,
    });
  });

  it('stay as they are under events that do not concern them', () => {
    const events = story().history();
    const rows = rowsOf(runProjection, events);
    const [unknown] = recorded([{ type: 'Newer', idempotencyKey: 'n', data: {} }], {
      stream,
      version: 99,
      nowMs: 0,
    });
    if (!unknown) expect.fail('an event');
    expect(runProjection.details(unknown)).toEqual([]);
    expect(runProjection.apply(rows.get('run'), runRowKey(stream), unknown)).toEqual(rows.get('run'));
    expect(runProjection.apply(undefined, runRowKey(stream), unknown)).toBeUndefined();
  });

  it('have the status of no task from what is said of the run', () => {
    const ofTheRun = story()
      .history()
      .filter(({ type }) => type === 'RunTriggered' || type === 'PlanCreated');
    expect(ofTheRun.map(statusAfter)).toEqual([undefined, undefined]);
  });

  it('show a task that waits for the window as queued', () => {
    const names = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`m.t${i}`, []]));
    const full = triggered(planOf({ ...names, 'm.z': ['m.t0'] })).after(claim('m.t0'), succeed('m.t0'));
    expect(full.history().at(-1)?.type).toBe('TaskReadied');
    const rows = rowsOf(runProjection, full.history());
    expect(runDetail(full.history())?.tasks.find(({ taskKey }) => taskKey === 'm.z')).toMatchObject({
      state: 'QUEUED',
      attempt: 0,
    });
    expect(countTasks((rows.get('run')?.data as unknown as RunRow).statuses)).toMatchObject({
      queued: 101,
      succeeded: 1,
    });
  });
});
