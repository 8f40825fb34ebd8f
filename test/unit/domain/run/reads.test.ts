import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#contracts/event.ts';
import { RunRead } from '#contracts/runs/read.ts';
import { TaskKey } from '#contracts/ids.ts';
import { runDetail } from '#domain/run/run-detail.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { given, recorded } from '#test/support/decider.ts';
import {
  START_MS,
  beat,
  cancel,
  claim,
  completion,
  fail,
  finish,
  planOf,
  retry,
  runId,
  stream,
  succeed,
  sweep,
  triggerOf,
  triggered,
} from '#test/support/run-fixtures.ts';

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

describe('the read of a run', () => {
  it('shows tasks by key with lineage, attributions and counts', () => {
    const read = runDetail(
      story()
        .at(START_MS + 50_000)
        .after(claim('m.b'), fail('m.b', 1, 'DATA_QUALITY'))
        .history(),
    );
    expect(RunRead.parse(read)).toEqual(read);
    expect(read).toMatchObject({
      runId,
      workspaceId: 'prod',
      planId: `plan_${runId}`,
      state: 'RUNNING',
      codeVersion: 'git-1',
      createdAt: iso(0),
      startedAt: iso(1_000),
      labels: {},
      taskCounts: {
        total: 4,
        pending: 0,
        queued: 1,
        running: 0,
        succeeded: 1,
        failed: 1,
        skipped: 1,
        cancelled: 0,
      },
    });
    expect(read?.tasks).toEqual([
      {
        taskKey: 'm.b',
        assetKey: 'm.b',
        partitionKey: DAY,
        state: 'FAILED',
        attempt: 1,
        startedAt: iso(50_000),
        completedAt: iso(50_000),
        workerId: 'wk-1',
        errorMessage: 'it broke',
        errorCategory: 'DATA_QUALITY',
      },
      {
        taskKey: 'm.c',
        assetKey: 'm.c',
        partitionKey: DAY,
        state: 'SKIPPED',
        attempt: 0,
        completedAt: iso(50_000),
        skipAttribution: {
          upstreamTaskKey: 'm.b',
          upstreamResolution: 'FAILED',
          rootCause: { taskKey: 'm.b', resolution: 'FAILED' },
          path: ['m.b'],
          allCauses: [{ upstreamTaskKey: 'm.b', upstreamResolution: 'FAILED' }],
        },
      },
      { taskKey: 'm.d', assetKey: 'm.d', partitionKey: DAY, state: 'QUEUED', attempt: 1 },
      {
        taskKey: 'm.z',
        assetKey: 'm.z',
        partitionKey: DAY,
        state: 'SUCCEEDED',
        attempt: 2,
        startedAt: iso(31_000),
        completedAt: iso(40_000),
        lastHeartbeatAt: iso(31_000),
        workerId: 'wk-2',
        progressPct: 40,
        progressMessage: 'day 2',
        materializationId: 'mat-1',
        rowCount: 390,
        deltaTable: 'm.z',
        deltaVersion: 42,
        deltaPartition: DAY,
        executionLineageRef: `{"runId":"${runId}","taskKey":"m.z","attempt":2,"materializationId":"mat-1","deltaTable":"m.z","deltaVersion":42,"deltaPartition":"${DAY}"}`,
        retryAttribution: { retries: 1, reason: 'prior_attempt_failed' },
      },
    ]);
  });

  it('shows when a retry is due, and forgets the last attempt with the next', () => {
    const waiting = triggered(planOf({ 'm.a': [] })).after(
      claim('m.a'),
      beat('m.a', { progressPct: 9 }),
      fail('m.a'),
    );
    expect(runDetail(waiting.history())?.tasks[0]).toMatchObject({ state: 'PENDING', retryAt: iso(30_000) });
    const again = waiting.at(START_MS + 30_000).after(sweep(START_MS + 30_000));
    expect(runDetail(again.history())?.tasks[0]).toEqual({
      taskKey: 'm.a',
      assetKey: 'm.a',
      state: 'QUEUED',
      attempt: 2,
      errorMessage: 'it broke',
      errorCategory: 'USER_CODE',
      retryAttribution: { retries: 1, reason: 'prior_attempt_failed' },
    });
  });

  it('shows outcome, end and every member of an output', () => {
    const output = {
      byteSize: 100,
      outputPath: 's3://lake/x',
      deltaPartition: 'date=2025-01-15',
      outputVisibilityState: 'VISIBLE',
      publishedAt: '2026-01-02T21:03:09Z',
      publishError: 'late',
    };
    const report = completion('m.a', { outcome: 'SUCCEEDED', output, metrics: { cpuTimeMs: 1 } });
    const ended = triggered(planOf({ 'm.a': [] })).after({
      type: 'CompleteTask',
      taskKey: TaskKey.parse('m.a'),
      report,
    });
    expect(runDetail(ended.history())).toMatchObject({
      state: 'SUCCEEDED',
      outcomeReason: 'every task succeeded',
      completedAt: iso(0),
      tasks: [{ ...output, metrics: { cpuTimeMs: 1 } }],
    });
  });

  it('names the least of several causes by instant, then key, whatever came first', () => {
    const joined = () =>
      triggered(planOf({ 'm.a': [], 'm.b': [], 'm.c': ['m.a', 'm.b'] })).after(claim('m.a'), claim('m.b'));
    const causeOf = (events: readonly RecordedEvent[]) =>
      runDetail(events)?.tasks[2]?.skipAttribution?.upstreamTaskKey;
    const tie = joined().after(fail('m.b', 1, 'DATA_QUALITY'), fail('m.a', 1, 'DATA_QUALITY'));
    expect(causeOf(tie.history())).toBe('m.a');
    const later = joined()
      .after(fail('m.b', 1, 'DATA_QUALITY'))
      .at(START_MS + 1)
      .after(fail('m.a', 1, 'DATA_QUALITY'));
    expect(causeOf(later.history())).toBe('m.b');
  });

  it('gives a task that was skipped without an upstream no cause', () => {
    const history = triggered(planOf({ 'm.a': [] })).history();
    const data = { taskIndex: 0, taskKey: 'm.a', upstreamTaskKey: 'm.x', upstreamResolution: 'FAILED' };
    const skip = recorded([{ type: 'TaskSkipped', idempotencyKey: 's', data }], {
      stream,
      version: history.length,
      nowMs: START_MS,
    });
    const read = runDetail([...history, ...skip]);
    expect(read?.tasks[0]).toMatchObject({ state: 'SKIPPED' });
    expect(read?.tasks[0]).not.toHaveProperty('skipAttribution');
  });

  it('keeps the last progress until a heartbeat says more', () => {
    const story = triggered(planOf({ 'm.a': [] }))
      .after(claim('m.a'), beat('m.a', { progressPct: 10 }))
      .at(START_MS + 5_000)
      .after(beat('m.a', { message: 'still here' }));
    expect(runDetail(story.history())?.tasks[0]).toMatchObject({
      progressPct: 10,
      progressMessage: 'still here',
    });
  });

  it('looks past upstreams that succeeded', () => {
    const story = triggered(planOf({ 'm.a': [], 'm.b': [], 'm.c': ['m.a', 'm.b'] })).after(
      ...finish('m.a'),
      fail('m.b', 1, 'DATA_QUALITY'),
    );
    expect(runDetail(story.history())?.tasks[2]?.skipAttribution?.upstreamTaskKey).toBe('m.b');
  });

  it('names for none_failed what failed, as the event does, and no skipped task, however early it ended', () => {
    const plan = planOf(
      { 'm.a': [], 'm.b': ['m.a'], 'm.c': [], 'm.d': ['m.b', 'm.c'] },
      { rules: { 'm.d': 'none_failed' } },
    );
    const story = triggered(plan)
      .after(fail('m.a', 1, 'DATA_QUALITY'))
      .at(START_MS + 1_000)
      .after(fail('m.c', 1, 'DATA_QUALITY'));
    const cause = { upstreamTaskKey: 'm.c', upstreamResolution: 'FAILED' };

    expect(story.history()).toContainEqual(
      expect.objectContaining({ type: 'TaskSkipped', data: { taskIndex: 3, taskKey: 'm.d', ...cause } }),
    );
    const read = runDetail(story.history());
    expect(read?.tasks.find(({ taskKey }) => taskKey === 'm.d')?.skipAttribution).toEqual({
      ...cause,
      rootCause: { taskKey: 'm.c', resolution: 'FAILED' },
      path: ['m.c'],
      allCauses: [cause],
    });
  });

  it('gives cancelled tasks no cause', () => {
    const read = runDetail(
      triggered(planOf({ 'm.a': [], 'm.b': ['m.a'] }))
        .after(cancel('m.a'))
        .history(),
    );
    expect(read).toMatchObject({ state: 'CANCELLED', taskCounts: { cancelled: 2 } });
    expect(read?.tasks[1]).not.toHaveProperty('skipAttribution');
    expect(read?.tasks[0]).not.toHaveProperty('errorMessage');
  });

  it('is there from the first event on', () => {
    const events = triggered(planOf({ 'm.a': [] })).history();
    expect(runDetail([])).toBeUndefined();
    expect(runDetail(events.slice(0, 1))).toMatchObject({
      state: 'PENDING',
      tasks: [],
      taskCounts: { total: 0 },
    });
    expect(runDetail(events.slice(0, 2))).toMatchObject({
      state: 'RUNNING',
      tasks: [{ state: 'QUEUED', attempt: 0 }],
    });
  });

  it('leaves out what a run does not have', () => {
    const { header, ...command } = triggerOf({
      ...planOf({ 'm.a': [] }),
      tasks: [{ key: TaskKey.parse('m.a') }],
    });
    const { codeVersion: _, ...bare } = header;
    const events = given(runAggregate, { stream, nowMs: START_MS })
      .after({ ...command, header: bare }, ...finish('m.a'))
      .history();
    const read = runDetail(events);
    expect(read).not.toHaveProperty('codeVersion');
    expect(read?.tasks[0]).not.toHaveProperty('assetKey');
    expect(read?.tasks[0]?.executionLineageRef).toBe(`{"runId":"${runId}","taskKey":"m.a","attempt":1}`);
    const keyed = given(runAggregate, { stream, nowMs: START_MS }).after(
      triggerOf(planOf({ 'm.a': [] }), { runKey: 'k' }),
    );
    expect(runDetail(keyed.history())?.runKey).toBe('k');
  });
});
