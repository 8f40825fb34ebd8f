import { describe, expect, it } from 'vitest';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { given } from '#test/support/decider.ts';
import {
  START_MS,
  beat,
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
