import { describe, expect, it } from 'vitest';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { given } from '#test/support/decider.ts';
import {
  START_MS,
  beat,
  cancel,
  claim,
  completion,
  fail,
  finish,
  idOf,
  planOf,
  retry,
  runId,
  start,
  stream,
  succeed,
  triggerOf,
  triggered,
} from '#test/support/run-fixtures.ts';
import { TaskKey } from '#contracts/ids.ts';

const CHAIN = { 'm.a': [], 'm.b': ['m.a'], 'm.c': ['m.b'] };
const fresh = () => given(runAggregate, { stream, nowMs: START_MS });

describe('TriggerRun', () => {
  it('records trigger, plan and the first dispatches in one commit', () => {
    fresh()
      .when(triggerOf(planOf(CHAIN), { runKey: 'eod' }))
      .thenRecords(
        { type: 'RunTriggered', idempotencyKey: 'run:eod' },
        { type: 'PlanCreated', idempotencyKey: `plan:${runId}` },
        {
          type: 'TaskDispatched',
          idempotencyKey: `dispatch_req:dispatch:${runId}:m.a:1`,
          data: {
            taskIndex: 0,
            taskKey: 'm.a',
            attempt: 1,
            attemptId: idOf('m.a', 1),
            queue: 'default-queue',
          },
        },
      );
  });

  it('names its event after the run id when there is no run key', () => {
    const { events } = fresh().when(triggerOf(planOf(CHAIN)));
    expect(events[0]?.idempotencyKey).toBe(`run:${runId}`);
  });

  it('answers the same request on the same run again without a fact', () => {
    triggered(planOf(CHAIN))
      .when(triggerOf(planOf(CHAIN)))
      .thenRecordsNothing();
  });

  it('refuses another request under the same run key and names both', () => {
    fresh()
      .after(triggerOf(planOf(CHAIN), { runKey: 'eod' }))
      .when(triggerOf(planOf(CHAIN), { runKey: 'eod', fingerprint: 'f2' }))
      .thenRefuses({
        code: 'run_key_conflict',
        details: {
          conflictType: 'RUN_KEY_FINGERPRINT_MISMATCH',
          runKey: 'eod',
          existingRunId: runId,
          existingPlanId: `plan_${runId}`,
          existingFingerprint: 'f1',
          requestedFingerprint: 'f2',
          existingCreatedAt: new Date(START_MS).toISOString(),
        },
      });
  });

  it('compares fingerprints even while only the trigger is folded', () => {
    const trigger = triggerOf(planOf(CHAIN));
    const story = given(
      runAggregate,
      { stream, nowMs: START_MS },
      { type: 'RunTriggered', idempotencyKey: 'run:x', data: trigger.header },
    );
    story.when(trigger).thenRecordsNothing();
    story.when(triggerOf(planOf(CHAIN), { fingerprint: 'f2' })).thenRefuses({ code: 'run_key_conflict' });
  });

  it('dispatches by priority, then in plan order', () => {
    const plan = planOf({ 'm.a': [], 'm.b': [], 'm.c': [] });
    const tasks = plan.tasks.map((task) =>
      task.key === 'm.c' ? { ...task, policy: { priority: 0 } } : task,
    );
    const { events } = fresh().when(triggerOf({ ...plan, tasks }));
    const order = events.flatMap((event) => (event.type === 'TaskDispatched' ? event.data.taskKey : []));
    expect(order).toEqual(['m.c', 'm.a', 'm.b']);
  });
});

describe('ClaimTask and StartTask', () => {
  it('starts the attempt with the claim', () => {
    triggered(planOf(CHAIN))
      .when(claim('m.a'))
      .thenRecords({
        type: 'TaskStarted',
        idempotencyKey: `started:${runId}:m.a:1`,
        data: { taskKey: 'm.a', attempt: 1, attemptId: idOf('m.a', 1), workerId: 'wk-1' },
      });
  });

  it('acknowledges the same worker again and refuses another', () => {
    const story = triggered(planOf(CHAIN)).after(claim('m.a'));
    story.when(claim('m.a')).thenRecordsNothing();
    story.when(start('m.a')).thenRecordsNothing();
    story
      .when(start('m.a', 'wk-2'))
      .thenRefuses({ code: 'attempt_already_started', details: { owner: 'wk-1' } });
    story.when(claim('m.a', 'wk-2')).thenRefuses({ code: 'attempt_already_started' });
  });

  it('starts an attempt that came without a claim', () => {
    triggered(planOf(CHAIN)).when(start('m.a')).thenRecords({ type: 'TaskStarted' });
  });

  it('refuses tasks and attempts that are not there', () => {
    const story = triggered(planOf(CHAIN));
    story.when(start('m.zzz')).thenRefuses({ code: 'task_not_found' });
    story.when(claim('m.a', 'wk-1', 2)).thenRefuses({
      code: 'attempt_mismatch',
      details: { expectedAttempt: 1, receivedAttempt: 2 },
    });
    story.when(claim('m.b', 'wk-1', 1)).thenRefuses({ code: 'attempt_mismatch' });
    fresh().when(start('m.a')).thenRefuses({ code: 'task_not_found' });
  });

  it('refuses an attempt id that is not of this attempt', () => {
    triggered(planOf(CHAIN))
      .when({
        type: 'StartTask',
        taskKey: TaskKey.parse('m.a'),
        report: {
          attempt: 1,
          attemptId: idOf('m.a', 2),
          workerId: completion('m.a', { outcome: 'FAILED' }).workerId,
        },
      })
      .thenRefuses({
        code: 'attempt_id_mismatch',
        details: { expectedAttemptId: idOf('m.a', 1), receivedAttemptId: idOf('m.a', 2) },
      });
  });
});

describe('HeartbeatTask', () => {
  it('records progress under the time the worker gives, without secrets', () => {
    triggered(planOf(CHAIN))
      .after(claim('m.a'))
      .at(START_MS + 1_000)
      .when(
        beat('m.a', {
          heartbeatAt: '2026-01-02T21:01:41Z',
          progressPct: 40,
          message: 'using token=abc123secret on day 2',
        }),
      )
      .thenRecords({
        type: 'TaskHeartbeatRecorded',
        idempotencyKey: `heartbeat:${runId}:m.a:1:${idOf('m.a', 1)}:1767387701000`,
        data: { progressPct: 40, message: 'using token=[redacted] on day 2' },
      });
  });

  it('takes server time when the worker gives none', () => {
    triggered(planOf(CHAIN))
      .after(claim('m.a'))
      .at(START_MS + 5)
      .when(beat('m.a'))
      .thenRecords({ type: 'TaskHeartbeatRecorded', data: { heartbeatAtMs: START_MS + 5 } });
  });

  it('counts as a start when the worker never said so', () => {
    triggered(planOf(CHAIN))
      .when(beat('m.a'))
      .thenRecords({ type: 'TaskStarted' }, { type: 'TaskHeartbeatRecorded' });
  });

  it('expires with the task and ends with the attempt', () => {
    const story = triggered(planOf({ 'm.a': [], 'm.b': [] })).after(...finish('m.a'));
    story.when(beat('m.a')).thenRefuses({ code: 'task_expired', details: { state: 'SUCCEEDED' } });
    story.after(claim('m.b'), fail('m.b'));
    story.when(beat('m.b')).thenRefuses({ code: 'attempt_already_completed', details: { state: 'PENDING' } });
  });
});

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

describe('RetryTask', () => {
  const waiting = () => triggered(planOf(CHAIN)).after(claim('m.a'), fail('m.a'));

  it('is refused a millisecond before its instant and dispatches at it', () => {
    waiting()
      .at(START_MS + 29_999)
      .when(retry('m.a'))
      .thenRefuses({
        code: 'retry_not_due',
        details: { retryAt: new Date(START_MS + 30_000).toISOString() },
      })
      .at(START_MS + 30_000)
      .when(retry('m.a'))
      .thenRecords({ type: 'TaskDispatched', data: { attempt: 2, attemptId: idOf('m.a', 2) } });
  });

  it('happens once', () => {
    waiting()
      .at(START_MS + 30_000)
      .after(retry('m.a'))
      .when(retry('m.a'))
      .thenRecordsNothing();
  });

  it('is nothing for another attempt, and refused for an unknown task', () => {
    const story = waiting().at(START_MS + 30_000);
    story.when(retry('m.a', 2)).thenRecordsNothing();
    story.when(retry('m.zzz')).thenRefuses({ code: 'task_not_found' });
  });

  it('doubles its wait and gives up after the last attempt', () => {
    const story = waiting()
      .at(START_MS + 30_000)
      .after(retry('m.a'), claim('m.a', 'wk-1', 2));
    story.when(fail('m.a', 2)).thenRecords({ type: 'TaskCompleted', data: { retryAtMs: START_MS + 90_000 } });
    const [last] = story
      .at(START_MS + 90_000)
      .after(retry('m.a', 2), claim('m.a', 'wk-1', 3))
      .when(fail('m.a', 3)).events;
    expect(last?.data).not.toHaveProperty('retryAtMs');
    expect(story.state().status).toBe('FAILED');
  });
});
