import { describe, expect, it } from 'vitest';
import { runTiming, taskDefaults } from '#contracts/runs/limits.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import { cancellation } from '#domain/run/callback.ts';
import { runDetail } from '#domain/run/run-detail.ts';
import { runRowAfter } from '#domain/run/run-rows.ts';
import type { RunRow } from '#domain/run/run-rows.ts';
import { waiting, why } from '#domain/run/waiting.ts';
import {
  beat,
  cancelRun,
  claim,
  fail,
  finish,
  planOf,
  retry,
  START_MS,
  start,
  succeed,
  sweep,
  triggered,
} from '#test/support/run-fixtures.ts';

const GRACE_MS = taskDefaults.cancelGraceSec * 1_000;
const fork = (options: Parameters<typeof planOf>[1] = {}): Plan =>
  planOf({ 'm.a': [], 'm.b': [], 'm.c': ['m.a'] }, options);
const stateOf = (story: ReturnType<typeof triggered>, key: string): string | undefined =>
  runDetail(story.history())?.tasks.find(({ taskKey }) => taskKey === key)?.state;
const rowOf = (story: ReturnType<typeof triggered>): RunRow | undefined =>
  story.history().reduce<RunRow | undefined>(runRowAfter, undefined);

describe('a request to cancel', () => {
  it('stops what no worker has started, and nothing else', () => {
    triggered(fork())
      .after(claim('m.a'))
      .when(cancelRun('wrong day'))
      .thenRecords(
        { type: 'RunCancelRequested', data: { requestedBy: 'ops@acme.example', reason: 'wrong day' } },
        { type: 'TaskStopped', data: { taskKey: 'm.b' } },
        { type: 'TaskStopped', data: { taskKey: 'm.c' } },
      );
  });

  it('ends a run at once that nobody works on', () => {
    triggered(fork())
      .when(cancelRun())
      .thenRecords(
        { type: 'RunCancelRequested', data: {} },
        ...['m.a', 'm.b', 'm.c'].map((taskKey) => ({ type: 'TaskStopped', data: { taskKey } })),
        {
          type: 'RunCompleted',
          data: {
            outcome: 'CANCELLED',
            outcomeReason: 'cancellation was requested; task m.a was cancelled',
          },
        },
      );
  });

  it('that comes again records nothing, before and after the end', () => {
    const story = triggered(fork()).after(claim('m.a'), cancelRun());
    story.when(cancelRun('again')).thenRecordsNothing();
    story.after(succeed('m.a')).when(cancelRun()).thenRecordsNothing();
  });

  it('is refused for a run that is not there, and for one that has ended without it', () => {
    const story = triggered(planOf({ 'm.a': [] })).after(...finish('m.a'));
    story.when(cancelRun()).thenRefuses({ code: 'run_already_terminal', details: { state: 'SUCCEEDED' } });
  });

  it('takes a retry away that waits, and its timer comes too late', () => {
    const story = triggered(fork()).after(claim('m.a'), fail('m.a'), cancelRun());
    expect(stateOf(story, 'm.a')).toBe('CANCELLED');
    story
      .at(START_MS + 3_600_000)
      .when(retry('m.a'))
      .thenRecordsNothing();
  });

  it('is shown as CANCELLING with who asked and why, until the run is CANCELLED', () => {
    const story = triggered(fork()).after(claim('m.a'), cancelRun('wrong day'));
    const asked = {
      cancelRequestedAt: new Date(START_MS).toISOString(),
      cancelRequestedBy: 'ops@acme.example',
      cancelReason: 'wrong day',
    };
    expect(runDetail(story.history())).toMatchObject({ state: 'CANCELLING', ...asked });
    expect(rowOf(story)).toMatchObject({ state: 'CANCELLING', ...asked });
    expect(why(story.state())?.state).toBe('CANCELLING');
    story.after(succeed('m.a'));
    expect(runDetail(story.history())).toMatchObject({ state: 'CANCELLED', ...asked });
  });
});

describe('a running attempt of a run that is being stopped', () => {
  const stopping = () => triggered(fork()).after(claim('m.a'), cancelRun());

  it('is told by its heartbeat', () => {
    const story = triggered(fork()).after(claim('m.a'));
    expect(cancellation(story.state(), 'm.a')).toBeUndefined();
    expect(cancellation(story.after(cancelRun()).state(), 'm.a')).toBe('user_requested');
    expect(cancellation(story.state(), 'm.unknown')).toBeUndefined();
    story.when(beat('m.a')).thenRecords({ type: 'TaskHeartbeatRecorded' });
  });

  it('may still succeed, and the run is cancelled all the same', () => {
    stopping()
      .when(succeed('m.a'))
      .thenRecords(
        { type: 'TaskCompleted', data: { outcome: 'SUCCEEDED' } },
        { type: 'RunCompleted', data: { outcome: 'CANCELLED' } },
      );
  });

  it('that fails has stopped: no retry follows, and its repeat is known', () => {
    const story = stopping();
    story
      .when(fail('m.a'))
      .thenRecords(
        { type: 'TaskCompleted', data: { outcome: 'CANCELLED', error: { category: 'USER_CODE' } } },
        { type: 'RunCompleted', data: { outcome: 'CANCELLED' } },
      );
    story.when(fail('m.a')).thenRecordsNothing();
  });

  it('is given up after its grace, and not before', () => {
    const story = stopping();
    expect(waiting(story.state())).toContainEqual({
      reason: 'cancel',
      subject: 'm.a',
      deadlineMs: START_MS + GRACE_MS,
    });
    story
      .at(START_MS + GRACE_MS - 1)
      .when(sweep(START_MS + GRACE_MS - 1))
      .thenRecordsNothing();
    story
      .at(START_MS + GRACE_MS)
      .when(sweep(START_MS + GRACE_MS))
      .thenRecords(
        { type: 'TaskCompleted', data: { outcome: 'CANCELLED', failure: 'cancel_grace' } },
        { type: 'RunCompleted', data: { outcome: 'CANCELLED' } },
      );
    story
      .when(succeed('m.a'))
      .thenRefuses({ code: 'task_already_terminal', details: { state: 'CANCELLED' } });
  });

  it('is given up at once where its asset grants no grace', () => {
    const story = triggered(fork({ policy: { cancelGraceSec: 0 } })).after(claim('m.a'));
    story
      .when(cancelRun())
      .thenRecords(
        { type: 'RunCancelRequested' },
        { type: 'TaskCompleted', data: { failure: 'cancel_grace' } },
        { type: 'TaskStopped' },
        { type: 'TaskStopped' },
        { type: 'RunCompleted' },
      );
  });

  it('cannot be started any more where it was only offered', () => {
    const story = triggered(fork()).after(claim('m.a'), cancelRun());
    story.when(start('m.b')).thenRefuses({ code: 'task_already_terminal', details: { state: 'CANCELLED' } });
  });
});

describe('a task of the rule always', () => {
  const cleanup = () =>
    triggered(planOf({ 'm.a': [], 'm.z': ['m.a'] }, { rules: { 'm.z': 'always' } })).after(
      claim('m.a'),
      cancelRun(),
    );

  it('runs after the others, with retries, and is not told to stop', () => {
    const story = cleanup();
    story
      .when(succeed('m.a'))
      .thenRecords({ type: 'TaskCompleted' }, { type: 'TaskDispatched', data: { taskKey: 'm.z' } });
    story.after(claim('m.z'));
    expect(cancellation(story.state(), 'm.z')).toBeUndefined();
    story.when(fail('m.z')).thenRecords({ type: 'TaskCompleted', data: { retryAtMs: START_MS + 30_000 } });
    story
      .at(START_MS + 30_000)
      .after(retry('m.z'))
      .after(claim('m.z', 'wk-1', 2));
    story
      .when(succeed('m.z', 2))
      .thenRecords({ type: 'TaskCompleted' }, { type: 'RunCompleted', data: { outcome: 'CANCELLED' } });
  });

  it('may begin when what it cleans up behind has taken the whole of a long grace to stop', () => {
    const story = triggered(
      planOf(
        { 'm.a': [], 'm.z': ['m.a'] },
        { rules: { 'm.z': 'always' }, policy: { cancelGraceSec: 3_600 } },
      ),
    ).after(claim('m.a'), cancelRun());
    const lastMs = START_MS + 3_600_000 - 1;
    story.at(lastMs).after(beat('m.a'), sweep(lastMs));
    story
      .when(succeed('m.a'))
      .thenRecords({ type: 'TaskCompleted' }, { type: 'TaskDispatched', data: { taskKey: 'm.z' } });
  });

  it.each(['nobody takes it', 'it runs'])('is ended with its run after a while when %s', (what) => {
    const story = cleanup().after(succeed('m.a'), ...(what === 'it runs' ? [claim('m.z')] : []));
    const endMs = START_MS + taskDefaults.cancelGraceSec * 1_000 + runTiming.cleanupGraceMs;
    story
      .at(endMs - 1)
      .after(...(what === 'it runs' ? [beat('m.z')] : []))
      .after(sweep(endMs - 1));
    expect(story.state().status).toBe('RUNNING');
    story.at(endMs).after(sweep(endMs));
    expect(story.state().status).toBe('CANCELLED');
  });
});

describe("a run's deadline", () => {
  const timed = () => triggered(fork(), { timeoutSec: 60 });

  it('decides over what ends behind it, whether or not a sweep came between', () => {
    const one = () => triggered(planOf({ 'm.a': [] }), { timeoutSec: 10 }).after(claim('m.a'));
    expect(
      one()
        .at(START_MS + 9_999)
        .after(succeed('m.a'))
        .state().status,
    ).toBe('SUCCEEDED');
    expect(
      one()
        .at(START_MS + 10_000)
        .after(succeed('m.a'))
        .state().status,
    ).toBe('TIMED_OUT');
  });

  it('stops it like a cancellation, says so, and ends it TIMED_OUT', () => {
    const story = timed().after(claim('m.a'));
    expect(waiting(story.state())).toContainEqual({
      reason: 'deadline',
      subject: expect.stringMatching(/^run_/),
      deadlineMs: START_MS + 60_000,
    });
    story
      .at(START_MS + 59_999)
      .when(sweep(START_MS + 59_999))
      .thenRecordsNothing();
    story
      .at(START_MS + 60_000)
      .when(sweep(START_MS + 60_000))
      .thenRecords(
        { type: 'RunDeadlinePassed', data: { deadlineMs: START_MS + 60_000 } },
        { type: 'TaskStopped' },
        { type: 'TaskStopped' },
      );
    expect(cancellation(story.state(), 'm.a')).toBe('run_timed_out');
    expect(waiting(story.state()).map(({ reason }) => reason)).not.toContain('deadline');
    expect(rowOf(story)).toMatchObject({
      state: 'CANCELLING',
      deadlineAt: new Date(START_MS + 60_000).toISOString(),
    });
    story.when(succeed('m.a')).thenRecords(
      { type: 'TaskCompleted' },
      {
        type: 'RunCompleted',
        data: {
          outcome: 'TIMED_OUT',
          outcomeReason: "the run's deadline passed; task m.b was cancelled",
        },
      },
    );
    expect(runDetail(story.history())?.state).toBe('TIMED_OUT');
  });

  it('that passes while it is being cancelled decides', () => {
    const story = timed().after(claim('m.a'), cancelRun());
    story
      .at(START_MS + 60_000)
      .after(sweep(START_MS + 60_000))
      .after(succeed('m.a'));
    expect(story.state()).toMatchObject({ status: 'TIMED_OUT' });
    story.when(cancelRun()).thenRecordsNothing();
  });

  it('names no task when all that was left succeeded', () => {
    const story = triggered(planOf({ 'm.a': [] }), { timeoutSec: 1 }).after(claim('m.a'));
    story
      .at(START_MS + 1_000)
      .after(sweep(START_MS + 1_000))
      .after(succeed('m.a'));
    expect(runDetail(story.history())?.outcomeReason).toBe("the run's deadline passed");
  });
});

describe('an attempt that runs too long', () => {
  const limited = () => triggered(planOf({ 'm.a': [] }, { policy: { attemptTimeoutSec: 60 } }));

  it('ends TIMED_OUT however lively its worker is, and is tried again', () => {
    const story = limited().after(claim('m.a'));
    story.at(START_MS + 59_999).after(beat('m.a'));
    story.when(sweep(START_MS + 59_999)).thenRecordsNothing();
    story
      .at(START_MS + 60_000)
      .when(sweep(START_MS + 60_000))
      .thenRecords({
        type: 'TaskCompleted',
        data: { outcome: 'TIMED_OUT', failure: 'attempt_timeout', retryAtMs: START_MS + 90_000 },
      });
  });

  it('ends its task and fails the run when it was the last', () => {
    const story = triggered(
      planOf(
        { 'm.a': [], 'm.b': ['m.a'] },
        {
          policy: {
            attemptTimeoutSec: 60,
            retry: { maxAttempts: 1, baseMs: 0, factor: 1, maxMs: 0, jitterMs: 0 },
          },
        },
      ),
    ).after(claim('m.a'));
    story
      .at(START_MS + 60_000)
      .when(sweep(START_MS + 60_000))
      .thenRecords(
        { type: 'TaskCompleted', data: { outcome: 'TIMED_OUT' } },
        { type: 'TaskSkipped', data: { upstreamResolution: 'TIMED_OUT' } },
        { type: 'RunCompleted', data: { outcome: 'FAILED', outcomeReason: 'task m.a timed out' } },
      );
    expect(stateOf(story, 'm.a')).toBe('TIMED_OUT');
    expect(runDetail(story.history())?.taskCounts).toMatchObject({ timedOut: 1, skipped: 1 });
  });
});
