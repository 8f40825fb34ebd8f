import { describe, expect, it } from 'vitest';
import { DISPATCH_WINDOW } from '#contracts/runs/limits.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { given } from '#test/support/decider.ts';
import {
  START_MS,
  beat,
  claim,
  fail,
  idOf,
  planOf,
  retry,
  runId,
  stream,
  succeed,
  sweep,
  triggerOf,
  triggered,
} from '#test/support/run-fixtures.ts';

const ONE = { 'm.a': [] };
const HEARTBEAT_DEADLINE = START_MS + 330_000;
const wide = (count: number, more: Readonly<Record<string, readonly string[]>> = {}) =>
  planOf({ ...Object.fromEntries(Array.from({ length: count }, (_, i) => [`m.t${i}`, []])), ...more });

describe('a silent worker', () => {
  it('keeps its attempt until timeout and grace have passed, and loses it then', () => {
    triggered(planOf(ONE))
      .after(claim('m.a'))
      .at(HEARTBEAT_DEADLINE - 1)
      .when(sweep(HEARTBEAT_DEADLINE - 1))
      .thenRecordsNothing()
      .at(HEARTBEAT_DEADLINE)
      .when(sweep(HEARTBEAT_DEADLINE))
      .thenRecords({
        type: 'TaskCompleted',
        idempotencyKey: `finished:${runId}:m.a:1`,
        data: {
          workerId: 'sweeper',
          outcome: 'FAILED',
          failure: 'heartbeat_timeout',
          error: { category: 'TIMEOUT', retryable: true },
          retryAtMs: HEARTBEAT_DEADLINE + 30_000,
        },
      });
  });

  it('gets a new deadline with each heartbeat', () => {
    triggered(planOf(ONE))
      .after(claim('m.a'))
      .at(START_MS + 100_000)
      .after(beat('m.a'))
      .at(HEARTBEAT_DEADLINE)
      .when(sweep(HEARTBEAT_DEADLINE))
      .thenRecordsNothing();
  });

  it('is refused when it comes back', () => {
    const story = triggered(planOf(ONE))
      .after(claim('m.a'))
      .at(HEARTBEAT_DEADLINE)
      .after(sweep(HEARTBEAT_DEADLINE));
    story.when(succeed('m.a')).thenRefuses({ code: 'attempt_already_completed' });
  });
});

describe('an overdue retry', () => {
  it('is made by the sweep, once', () => {
    triggered(planOf(ONE))
      .after(claim('m.a'), fail('m.a'))
      .at(START_MS + 29_999)
      .when(sweep(START_MS + 29_999))
      .thenRecordsNothing()
      .at(START_MS + 30_000)
      .when(sweep(START_MS + 30_000))
      .thenRecords({ type: 'TaskDispatched', data: { attempt: 2 } })
      .when(retry('m.a'))
      .thenRecordsNothing();
  });
});

describe('a lost offer', () => {
  it('is made again after its interval, which doubles', () => {
    triggered(planOf(ONE))
      .at(START_MS + 59_999)
      .when(sweep(START_MS + 59_999, 'm.a'))
      .thenRecordsNothing()
      .at(START_MS + 60_000)
      .when(sweep(START_MS + 60_000, 'm.a'))
      .thenRecords({
        type: 'TaskRedispatched',
        idempotencyKey: `dispatch_resend:dispatch:${runId}:m.a:1:2`,
        data: { attempt: 1, sendNo: 2 },
      })
      .at(START_MS + 179_999)
      .when(sweep(START_MS + 179_999, 'm.a'))
      .thenRecordsNothing()
      .at(START_MS + 180_000)
      .when(sweep(START_MS + 180_000, 'm.a'))
      .thenRecords({ type: 'TaskRedispatched', data: { sendNo: 3 } });
  });

  it('is left alone while it stands', () => {
    triggered(planOf(ONE))
      .at(START_MS + 600_000)
      .when(sweep(START_MS + 600_000))
      .thenRecordsNothing();
  });

  it('fails its task dispatch_lost after five repeats, without a retry', () => {
    let at = START_MS;
    const story = triggered(planOf(ONE));
    for (let send = 1; send <= 5; send++) {
      at += 60_000 * 2 ** (send - 1);
      story
        .at(at)
        .when(sweep(at, 'm.a'))
        .thenRecords({ type: 'TaskRedispatched', data: { sendNo: send + 1 } });
    }
    at += 60_000 * 2 ** 5;
    story
      .at(at)
      .when(sweep(at, 'm.a'))
      .thenRecords(
        {
          type: 'TaskCompleted',
          data: { outcome: 'FAILED', failure: 'dispatch_lost', error: { category: 'INFRASTRUCTURE' } },
        },
        { type: 'RunCompleted', data: { outcome: 'FAILED' } },
      );
  });

  it('keeps its place in the queue and gets a new name', () => {
    const story = triggered(planOf(ONE));
    const [before] = runAggregate.outstanding(story.state(), START_MS);
    story.at(START_MS + 60_000).after(sweep(START_MS + 60_000, 'm.a'));
    const [after] = runAggregate.outstanding(story.state(), START_MS);
    expect(before?.name).toMatch(/^offer-[a-z2-7]{26}-1$/);
    expect(after).toEqual({ ...before, name: before?.name.replace(/1$/, '2') });
  });
});

describe('a sweep', () => {
  it('does nothing to runs that have ended, have no plan or do not exist', () => {
    const sweepNow = sweep(START_MS + 1e9, 'm.a');
    triggered(planOf(ONE)).after(succeed('m.a')).when(sweepNow).thenRecordsNothing();
    given(runAggregate, { stream, nowMs: START_MS }).when(sweepNow).thenRecordsNothing();
    given(
      runAggregate,
      { stream, nowMs: START_MS },
      { type: 'RunTriggered', idempotencyKey: 'r', data: triggerOf(planOf(ONE)).header },
    )
      .when(sweepNow)
      .thenRecordsNothing();
  });

  it('leaves tasks that have ended or only follow others alone', () => {
    triggered(planOf({ 'm.a': [], 'm.b': ['m.a'], 'm.c': ['m.b'] }))
      .after(claim('m.a'), succeed('m.a'))
      .when(sweep(START_MS, 'm.a'))
      .thenRecordsNothing();
  });

  it('is the command of the aggregate itself', () => {
    expect(runAggregate.sweepCommand(7)).toEqual({ type: 'SweepRun', nowMs: 7, lostOffers: [] });
  });

  it('dispatches what a broken commit left ready', () => {
    const plan = planOf({ 'm.a': [], 'm.b': ['m.a'] });
    const { events } = given(runAggregate, { stream, nowMs: START_MS }).when(triggerOf(plan));
    given(runAggregate, { stream, nowMs: START_MS }, ...events.slice(0, 2))
      .when(sweep(START_MS))
      .thenRecords({ type: 'TaskDispatched', data: { taskKey: 'm.a' } });
  });
});

describe('the dispatch window', () => {
  it('offers at most a hundred tasks at once and lets a claim make room', () => {
    const story = given(runAggregate, { stream, nowMs: START_MS });
    const { events } = story.when(triggerOf(wide(DISPATCH_WINDOW + 2)));
    expect(events.filter(({ type }) => type === 'TaskDispatched')).toHaveLength(DISPATCH_WINDOW);
    story
      .when(claim('m.t0'))
      .thenRecords({ type: 'TaskStarted' }, { type: 'TaskDispatched', data: { taskKey: 'm.t100' } });
  });

  it('records which tasks are ready and wait for it', () => {
    const story = triggered(wide(DISPATCH_WINDOW + 2, { 'm.last': ['m.t0'] })).after(claim('m.t0'));
    story
      .when(succeed('m.t0'))
      .thenRecords(
        { type: 'TaskCompleted' },
        { type: 'TaskReadied', idempotencyKey: `ready:${runId}:m.last:1` },
      );
    story
      .when(claim('m.t1'))
      .thenRecords({ type: 'TaskStarted' }, { type: 'TaskDispatched', data: { taskKey: 'm.t101' } });
    story
      .when(claim('m.t2'))
      .thenRecords({ type: 'TaskStarted' }, { type: 'TaskDispatched', data: { taskKey: 'm.last' } });
  });

  it('holds back a retry too, which keeps the report it follows', () => {
    const story = triggered(wide(DISPATCH_WINDOW + 1)).after(claim('m.t0'), fail('m.t0'));
    story
      .at(START_MS + 30_000)
      .when(retry('m.t0'))
      .thenRecords({ type: 'TaskReadied', data: { attempt: 2 } });
    story.when(fail('m.t0')).thenRecordsNothing();
    story.when(beat('m.t0')).thenRefuses({ code: 'attempt_already_completed' });
    story
      .when(claim('m.t1'))
      .thenRecords(
        { type: 'TaskStarted' },
        { type: 'TaskDispatched', data: { attempt: 2, attemptId: idOf('m.t0', 2) } },
      );
  });
});
