import { expect, it } from 'vitest';
import { AttemptList } from '#contracts/runs/read.ts';
import { attemptsOf } from '#domain/run/attempts.ts';
import { runDetail } from '#domain/run/run-detail.ts';
import { hasAsset } from '#domain/run/run-rows.ts';
import { runRowAfter } from '#domain/run/run-rows.ts';
import type { RunRow } from '#domain/run/run-rows.ts';
import { recorded } from '#test/support/decider.ts';
import {
  beat,
  claim,
  completion,
  fail,
  idOf,
  planOf,
  retry,
  START_MS,
  stream,
  succeed,
  sweep,
  triggered,
} from '#test/support/run-fixtures.ts';
import { TaskKey } from '#contracts/ids.ts';

const iso = (ms: number): string => new Date(START_MS + ms).toISOString();

it('tells every attempt with its worker, its last word, what it cost and what became of it', () => {
  const story = triggered(planOf({ 'm.a': [], 'm.b': [] }))
    .at(START_MS + 1_000)
    .after(claim('m.a'), beat('m.a', { progressPct: 40, message: 'day 2' }), claim('m.b'))
    .at(START_MS + 2_000)
    .after(fail('m.a'))
    .at(START_MS + 32_000)
    .after(retry('m.a'))
    .at(START_MS + 33_000)
    .after(claim('m.a', 'wk-2', 2))
    .at(START_MS + 34_000)
    .after({
      type: 'CompleteTask',
      taskKey: TaskKey.parse('m.a'),
      report: completion('m.a', {
        attempt: 2,
        outcome: 'CANCELLED',
        metrics: { cpuTimeMs: 7 },
        cancelledDuringPhase: 'load',
        partialProgress: { rows: 3 },
      }),
    });

  const attempts = attemptsOf(story.history(), 'm.a');

  expect(AttemptList.safeParse({ attempts }).success).toBe(true);
  expect(attempts).toEqual([
    {
      attempt: 1,
      attemptId: idOf('m.a', 1),
      state: 'FAILED',
      queue: 'default-queue',
      dispatchedAt: iso(0),
      sends: 1,
      workerId: 'wk-1',
      startedAt: iso(1_000),
      lastHeartbeatAt: iso(1_000),
      progressPct: 40,
      progressMessage: 'day 2',
      completedAt: iso(2_000),
      error: { category: 'USER_CODE', message: 'it broke', retryable: true },
      retryAt: iso(32_000),
    },
    {
      attempt: 2,
      attemptId: idOf('m.a', 2),
      state: 'CANCELLED',
      queue: 'default-queue',
      dispatchedAt: iso(32_000),
      sends: 1,
      workerId: 'wk-2',
      startedAt: iso(33_000),
      completedAt: iso(34_000),
      metrics: { cpuTimeMs: 7 },
      cancelledDuringPhase: 'load',
      partialProgress: { rows: 3 },
    },
  ]);
});

it('counts the sends of an offer that was lost, and names what Sluice itself ended', () => {
  const story = triggered(planOf({ 'm.a': [] }))
    .at(START_MS + 60_000)
    .after(sweep(START_MS + 60_000, 'm.a'));
  expect(attemptsOf(story.history(), 'm.a')).toMatchObject([{ state: 'QUEUED', sends: 2 }]);
  story
    .after(claim('m.a'), beat('m.a'))
    .at(START_MS + 1_000_000)
    .after(sweep(START_MS + 1_000_000));
  expect(attemptsOf(story.history(), 'm.a')).toMatchObject([
    { state: 'FAILED', failure: 'heartbeat_timeout', error: { category: 'TIMEOUT' } },
  ]);
});

it('tells of a success what it wrote, and keeps the last progress until a heartbeat says more', () => {
  const story = triggered(planOf({ 'm.a': [] }))
    .after(claim('m.a'), beat('m.a', { progressPct: 10 }))
    .at(START_MS + 5_000)
    .after(beat('m.a', { message: 'still here' }), succeed('m.a', 1, { rowCount: 3, deltaTable: 'm.a' }));
  expect(attemptsOf(story.history(), 'm.a')).toMatchObject([
    {
      state: 'SUCCEEDED',
      progressPct: 10,
      progressMessage: 'still here',
      output: { rowCount: 3, deltaTable: 'm.a' },
    },
  ]);
});

it('knows nothing of an attempt whose dispatch it has not seen', () => {
  const story = triggered(planOf({ 'm.a': [] })).after(claim('m.a'));
  expect(attemptsOf(story.history().slice(3), 'm.a')).toEqual([]);
  expect(attemptsOf(story.history(), 'm.unknown')).toEqual([]);
  const late = recorded(
    [{ type: 'TaskReadied', idempotencyKey: 'r', data: { taskIndex: 0, taskKey: 'm.a', attempt: 1 } }],
    { stream, version: story.history().length, nowMs: START_MS },
  );
  expect(attemptsOf([...story.history(), ...late], 'm.a')).toEqual(attemptsOf(story.history(), 'm.a'));
});

it('follows a skip through skipped tasks to its root', () => {
  const story = triggered(
    planOf({ 'm.a': [], 'm.b': [], 'm.c': ['m.a', 'm.b'], 'm.d': ['m.c'], 'm.e': ['m.d', 'm.b'] }),
  )
    .after(fail('m.b', 1, 'DATA_QUALITY'))
    .at(START_MS + 1)
    .after(fail('m.a', 1, 'DATA_QUALITY'));
  const tasks = new Map(runDetail(story.history())?.tasks.map((task) => [task.taskKey, task]));

  expect(tasks.get('m.c')?.skipAttribution).toMatchObject({
    upstreamTaskKey: 'm.b',
    path: ['m.b'],
    allCauses: [
      { upstreamTaskKey: 'm.b', upstreamResolution: 'FAILED' },
      { upstreamTaskKey: 'm.a', upstreamResolution: 'FAILED' },
    ],
  });
  expect(tasks.get('m.d')?.skipAttribution).toEqual({
    upstreamTaskKey: 'm.c',
    upstreamResolution: 'SKIPPED',
    rootCause: { taskKey: 'm.b', resolution: 'FAILED' },
    path: ['m.c', 'm.b'],
    allCauses: [{ upstreamTaskKey: 'm.c', upstreamResolution: 'SKIPPED' }],
  });
  expect(tasks.get('m.e')?.skipAttribution).toMatchObject({
    upstreamTaskKey: 'm.b',
    rootCause: { taskKey: 'm.b' },
    path: ['m.b'],
  });
});

it('marks a run with its assets, at the places of marks alone', () => {
  const rowOf = (...names: readonly string[]): RunRow | undefined =>
    triggered(planOf(Object.fromEntries(names.map((name) => [name, []]))))
      .history()
      .reduce<RunRow | undefined>(runRowAfter, undefined);
  const row = rowOf('m.a', 'm.b');
  expect(row && [hasAsset(row, 'm.a'), hasAsset(row, 'm.b'), hasAsset(row, 'm.c')]).toEqual([
    true,
    true,
    false,
  ]);
  const mark = rowOf('m.c')?.assetMarks ?? '';
  expect(hasAsset({ assetMarks: `x${mark}yyyyy` }, 'm.c')).toBe(false);
  expect(hasAsset({ assetMarks: `x${mark}yyyyy${mark}` }, 'm.c')).toBe(true);
  expect(hasAsset({}, 'm.c')).toBe(false);
});
