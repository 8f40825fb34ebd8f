import { describe, expect, it } from 'vitest';
import {
  START_MS,
  cancel,
  claim,
  completion,
  fail,
  finish,
  planOf,
  retry,
  runId,
  start,
  succeed,
  triggered,
} from '#test/support/run-fixtures.ts';
import { TaskKey } from '#contracts/ids.ts';

const CHAIN = { 'm.a': [], 'm.b': ['m.a'], 'm.c': ['m.b'] };

describe('CompleteTask', () => {
  it('completes the task and dispatches the next in the same commit', () => {
    triggered(planOf(CHAIN, { partitionKey: 'date=d:2026-01-02' }))
      .after(claim('m.a'))
      .when(succeed('m.a', 1, { materializationId: 'mat-1', deltaTable: 'm.a', deltaVersion: 42 }))
      .thenRecords(
        {
          type: 'TaskCompleted',
          idempotencyKey: `finished:${runId}:m.a:1`,
          data: {
            outcome: 'SUCCEEDED',
            materializationId: 'mat-1',
            output: { deltaTable: 'm.a', deltaVersion: 42 },
            assetKey: 'm.a',
            partitionKey: 'date=d:2026-01-02',
            codeVersion: 'git-1',
          },
        },
        { type: 'TaskDispatched', data: { taskKey: 'm.b' } },
      );
  });

  it('ends the run with its last task', () => {
    triggered(planOf({ 'm.a': [] }))
      .after(claim('m.a'))
      .when(succeed('m.a'))
      .thenRecords(
        { type: 'TaskCompleted' },
        {
          type: 'RunCompleted',
          idempotencyKey: `completed:${runId}`,
          data: { outcome: 'SUCCEEDED', outcomeReason: 'every task succeeded' },
        },
      );
  });

  it('takes a completion of an attempt that was never started', () => {
    triggered(planOf(CHAIN))
      .when(succeed('m.a'))
      .thenRecords({ type: 'TaskCompleted' }, { type: 'TaskDispatched' });
  });

  it('waits for a retry after a retryable failure, at the exact instant', () => {
    triggered(planOf(CHAIN))
      .after(claim('m.a'))
      .when(fail('m.a'))
      .thenRecords({
        type: 'TaskCompleted',
        data: { outcome: 'FAILED', retryAtMs: START_MS + 30_000, error: { retryable: true } },
      });
  });

  it('skips every descendant of a failure that is not worth a retry', () => {
    triggered(planOf({ 'm.a': [], 'm.b': ['m.a'], 'm.c': ['m.b'], 'm.d': [] }))
      .after(claim('m.a'))
      .when(fail('m.a', 1, 'DATA_QUALITY'))
      .thenRecords(
        { type: 'TaskCompleted', data: { error: { retryable: false } } },
        {
          type: 'TaskSkipped',
          idempotencyKey: `skipped:${runId}:m.b`,
          data: { taskKey: 'm.b', upstreamTaskKey: 'm.a', upstreamResolution: 'FAILED' },
        },
        {
          type: 'TaskSkipped',
          data: { taskKey: 'm.c', upstreamTaskKey: 'm.b', upstreamResolution: 'SKIPPED' },
        },
      );
  });

  it('fails the run when a task has failed, and names it', () => {
    triggered(planOf({ 'm.a': [], 'm.b': ['m.a'] }))
      .after(claim('m.a'))
      .when(fail('m.a', 1, 'CONFIGURATION'))
      .thenRecords(
        { type: 'TaskCompleted' },
        { type: 'TaskSkipped' },
        { type: 'RunCompleted', data: { outcome: 'FAILED', outcomeReason: 'task m.a failed' } },
      );
  });

  it('cancels every descendant of a cancelled task, and the run with them', () => {
    triggered(planOf({ 'm.a': [], 'm.b': ['m.a'], 'm.c': ['m.b'] }))
      .after(claim('m.a'))
      .when(cancel('m.a'))
      .thenRecords(
        { type: 'TaskCompleted', data: { outcome: 'CANCELLED' } },
        { type: 'TaskCancelled', idempotencyKey: `cancelled:${runId}:m.b`, data: { taskKey: 'm.b' } },
        { type: 'TaskCancelled', data: { taskKey: 'm.c', upstreamTaskKey: 'm.b' } },
        { type: 'RunCompleted', data: { outcome: 'CANCELLED', outcomeReason: 'task m.a was cancelled' } },
      );
  });

  it('joins only when every upstream has succeeded', () => {
    const story = triggered(planOf({ 'm.a': [], 'm.b': [], 'm.c': ['m.a', 'm.b'] })).after(...finish('m.a'));
    story
      .after(claim('m.b'))
      .when(succeed('m.b'))
      .thenRecords({ type: 'TaskCompleted' }, { type: 'TaskDispatched', data: { taskKey: 'm.c' } });
  });

  it('answers the identical report again, whatever its clock and trace, and refuses another', () => {
    const story = triggered(planOf(CHAIN)).after(...finish('m.a'));
    const report = completion('m.a', { outcome: 'SUCCEEDED' });
    const taskKey = TaskKey.parse('m.a');
    story.when(succeed('m.a')).thenRecordsNothing();
    story
      .when({
        type: 'CompleteTask',
        taskKey,
        report: { ...report, completedAt: '2026-01-02T21:03:10Z', traceparent: '00-1' },
      })
      .thenRecordsNothing();
    story
      .when(succeed('m.a', 1, { rowCount: 1 }))
      .thenRefuses({ code: 'task_already_terminal', details: { state: 'SUCCEEDED' } });
    story.when(start('m.a')).thenRefuses({ code: 'task_already_terminal' });
  });

  it('refuses reports on a skipped task', () => {
    const story = triggered(planOf({ 'm.a': [], 'm.b': ['m.a'] })).after(
      claim('m.a'),
      fail('m.a', 1, 'CANCELLED'),
    );
    story
      .when({ ...succeed('m.b'), type: 'CompleteTask' } as never)
      .thenRefuses({ code: 'attempt_mismatch' });
  });

  it('knows the report of an attempt that waits for its retry', () => {
    const story = triggered(planOf(CHAIN)).after(claim('m.a'), fail('m.a'));
    story.when(fail('m.a')).thenRecordsNothing();
    story.when(succeed('m.a')).thenRefuses({ code: 'attempt_already_completed' });
    story.when(start('m.a')).thenRefuses({ code: 'attempt_already_completed' });
  });

  it('refuses a late report of a superseded attempt', () => {
    triggered(planOf(CHAIN))
      .after(claim('m.a'), fail('m.a'))
      .at(START_MS + 30_000)
      .after(retry('m.a'))
      .when(succeed('m.a', 1))
      .thenRefuses({ code: 'stale_attempt', details: { expectedAttempt: 2, receivedAttempt: 1 } });
  });

  it('keeps what a report says, without secrets and within bounds', () => {
    const story = triggered(planOf({ 'm.a': [] })).after(claim('m.a'));
    const report = completion('m.a', {
      outcome: 'FAILED',
      error: {
        category: 'DATA_QUALITY',
        message: `password=hunter2 ${'x'.repeat(5000)}`,
        stackTrace: 'at load (Bearer abcdefghijkl)',
      },
      metrics: { cpuTimeMs: 812 },
      output: { outputPath: 's3://user:pw@lake/x', publishError: 'token=zzz' },
      cancelledDuringPhase: 'load',
      partialProgress: { rows: 1200, apiKey: 'sk-1', note: ['secret: aaa'] },
    });
    const [event] = story.when({ type: 'CompleteTask', taskKey: TaskKey.parse('m.a'), report }).events;
    const text = JSON.stringify(event);
    expect(text).not.toMatch(/hunter2|abcdefghijkl|user:pw|zzz|sk-1|aaa/);
    expect(event).toMatchObject({
      data: {
        metrics: { cpuTimeMs: 812 },
        cancelledDuringPhase: 'load',
        partialProgress: { rows: 1200 },
      },
    });
    expect(event?.type === 'TaskCompleted' && event.data.error?.message).toHaveLength(4096);
  });

  it('leaves partial progress out when it is too large, and says so', () => {
    const [event] = triggered(planOf({ 'm.a': [] })).when({
      type: 'CompleteTask',
      taskKey: TaskKey.parse('m.a'),
      report: completion('m.a', { outcome: 'CANCELLED', partialProgress: 'y'.repeat(9_000) }),
    }).events;
    expect(event).toMatchObject({ data: { partialProgress: { omittedBytes: 9_002 } } });
  });
});
