import { describe, expect, it } from 'vitest';
import { DISPATCH_WINDOW } from '#contracts/runs/limits.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { waiting, why } from '#domain/run/waiting.ts';
import { given } from '#test/support/decider.ts';
import {
  START_MS,
  claim,
  fail,
  finish,
  idOf,
  planOf,
  runId,
  stream,
  triggerOf,
  triggered,
} from '#test/support/run-fixtures.ts';

const CHAIN = planOf({ 'm.a': [], 'm.b': ['m.a'] });

describe('outstanding', () => {
  it('owes an offer for each dispatched task', () => {
    expect(runAggregate.outstanding(triggered(CHAIN).state(), START_MS)).toEqual([
      {
        kind: 'offer-task',
        name: expect.stringMatching(/^offer-[a-z2-7]{26}-1$/) as string,
        tenantId: 'acme',
        workspaceId: 'prod',
        queue: 'default-queue',
        priority: 5,
        runId,
        taskKey: 'm.a',
        attempt: 1,
        attemptId: idOf('m.a', 1),
        readyAtMs: START_MS,
      },
    ]);
  });

  it('owes a timer for each task that waits for its retry', () => {
    const story = triggered(CHAIN).after(claim('m.a'), fail('m.a'));
    expect(runAggregate.outstanding(story.state(), START_MS)).toEqual([
      {
        kind: 'start-execution',
        name: expect.stringMatching(/^retry-[a-z2-7]{26}-1$/) as string,
        machine: 'retry-task',
        input: {
          runId,
          tenantId: 'acme',
          workspaceId: 'prod',
          taskKey: 'm.a',
          attempt: 1,
          retryAt: new Date(START_MS + 30_000).toISOString(),
        },
      },
    ]);
  });

  it('answers the same effects for the same state', () => {
    const story = triggered(CHAIN).after(claim('m.a'), fail('m.a'));
    expect(runAggregate.outstanding(story.state(), START_MS)).toEqual(
      runAggregate.outstanding(story.state(), START_MS + 1),
    );
  });

  it('owes nothing for claimed tasks, ended runs and no run', () => {
    expect(runAggregate.outstanding(triggered(CHAIN).after(claim('m.a')).state(), 0)).toEqual([]);
    const ended = triggered(CHAIN).after(...finish('m.a'), ...finish('m.b'));
    expect(runAggregate.outstanding(ended.state(), 0)).toEqual([]);
    expect(runAggregate.outstanding({ status: 'none' }, 0)).toEqual([]);
  });
});

describe('waiting', () => {
  const reasons = (state: Parameters<typeof waiting>[0]) =>
    waiting(state).map(({ reason, subject, deadlineMs }) => [reason, subject, deadlineMs - START_MS]);

  it('names a reason and a deadline for every open task and the run', () => {
    expect(reasons(triggered(CHAIN).state())).toEqual([
      ['tasks', runId, 60_000],
      ['worker', 'm.a', 60_000],
      ['upstream', 'm.b', 60_000],
    ]);
  });

  it('waits for the heartbeat of a claimed task and leaves with its end', () => {
    const story = triggered(CHAIN).after(claim('m.a'));
    expect(reasons(story.state())[1]).toEqual(['heartbeat', 'm.a', 330_000]);
    expect(reasons(story.after(...finish('m.a').slice(1)).state())[1]).toEqual(['worker', 'm.b', 60_000]);
  });

  it('waits for a retry until somewhat after its instant', () => {
    const story = triggered(CHAIN).after(claim('m.a'), fail('m.a'));
    expect(reasons(story.state())[1]).toEqual(['retry', 'm.a', 45_000]);
  });

  it('waits for the dispatch window with the first deadline of the run', () => {
    const names = Array.from({ length: DISPATCH_WINDOW + 1 }, (_, i) => [`m.t${i}`, []] as const);
    const last = reasons(triggered(planOf(Object.fromEntries(names))).state()).at(-1);
    expect(last).toEqual(['dispatch_window', `m.t${DISPATCH_WINDOW}`, 60_000]);
  });

  it('waits for the plan, and for the first dispatch, in the middle of a commit', () => {
    const { events } = given(runAggregate, { stream, nowMs: START_MS }).when(triggerOf(CHAIN));
    const prefix = (length: number) =>
      given(runAggregate, { stream, nowMs: START_MS }, ...events.slice(0, length)).state();
    expect(reasons(prefix(1))).toEqual([['plan', runId, 60_000]]);
    expect(reasons(prefix(2))[0]).toEqual(['tasks', runId, 60_000]);
  });

  it('waits for nothing when the run has ended or does not exist', () => {
    const ended = triggered(CHAIN).after(...finish('m.a'), ...finish('m.b'));
    expect(waiting(ended.state())).toEqual([]);
    expect(waiting({ status: 'none' })).toEqual([]);
  });
});

describe('why', () => {
  it('lists the most urgent first', () => {
    const story = triggered(planOf({ 'm.a': [], 'm.b': [] })).after(claim('m.a'));
    expect(why(story.state())).toEqual({
      runId,
      state: 'RUNNING',
      waiting: [
        { reason: 'tasks', subject: runId, deadlineAt: new Date(START_MS + 60_000).toISOString() },
        { reason: 'worker', subject: 'm.b', deadlineAt: new Date(START_MS + 60_000).toISOString() },
        { reason: 'heartbeat', subject: 'm.a', deadlineAt: new Date(START_MS + 330_000).toISOString() },
      ],
    });
  });

  it('answers for triggered runs and not for unknown ones', () => {
    const { events } = given(runAggregate, { stream, nowMs: START_MS }).when(triggerOf(CHAIN));
    const state = given(runAggregate, { stream, nowMs: START_MS }, ...events.slice(0, 1)).state();
    expect(why(state)).toMatchObject({ state: 'PENDING', waiting: [{ reason: 'plan' }] });
    expect(why({ status: 'none' })).toBeUndefined();
  });
});
