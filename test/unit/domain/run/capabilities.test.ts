import { describe, expect, it } from 'vitest';
import { runTiming, taskDefaults } from '#contracts/runs/limits.ts';
import type { ExecutionLocation, LocationCapabilities } from '#contracts/runs/locations.ts';
import type { TaskPolicy } from '#contracts/runs/plan.ts';
import { isCapable } from '#domain/run/capabilities.ts';
import { waiting } from '#domain/run/waiting.ts';
import { cancelRun, planOf, start, START_MS, succeed, sweep, triggered } from '#test/support/run-fixtures.ts';

const common = {
  executionLocationId: 'there',
  workerQueue: 'default-queue',
  callbackBaseUrl: 'https://sluice.example.com',
};
const queue: ExecutionLocation = { ...common, kind: 'managed_queue', queueName: 'q' };
const lambda: ExecutionLocation = { ...common, kind: 'lambda', functionName: 'f' };
const planAt = (location: ExecutionLocation, policy: Partial<TaskPolicy> = {}) => ({
  ...planOf({ 'm.a': [] }, { policy }),
  locations: [location],
});
const storyAt = (capabilities: LocationCapabilities, policy: Partial<TaskPolicy> = {}) =>
  triggered(planAt({ ...queue, capabilities }, policy)).after(start('m.a'));

describe('what attempts at a location can do', () => {
  it('is everything for workers, and as the kind has it unless the location says otherwise', () => {
    const able = (location: ExecutionLocation) =>
      (['cancel', 'heartbeat', 'logs', 'artifacts'] as const).filter((capability) =>
        isCapable(planAt(location), 0, capability),
      );

    expect(isCapable(planOf({ 'm.a': [] }), 0, 'cancel')).toBe(true);
    expect(able(queue)).toEqual(['cancel', 'heartbeat', 'logs', 'artifacts']);
    expect(able(lambda)).toEqual(['heartbeat', 'artifacts']);
    expect(able({ ...lambda, capabilities: { cancel: true, heartbeat: false } })).toEqual([
      'cancel',
      'artifacts',
    ]);
  });

  it('without heartbeats is given up by the timeout of the attempt alone', () => {
    const story = storyAt({ heartbeat: false }, { attemptTimeoutSec: 3_600 });
    const deadlineMs = START_MS + 3_600_000;
    expect(waiting(story.state())).toMatchObject([{ deadlineMs }, { subject: 'm.a', deadlineMs }]);
    story.when(sweep(START_MS + 3_599_999)).thenRecords();
    story
      .when(sweep(START_MS + 3_600_000))
      .thenRecords({ type: 'TaskCompleted', data: { outcome: 'TIMED_OUT', failure: 'attempt_timeout' } });
  });

  it('without heartbeats and without a timeout is given up when its token has ended', () => {
    const endMs = START_MS + taskDefaults.silentAttemptSec * 1_000;
    const story = storyAt({ heartbeat: false });
    story.when(sweep(endMs - 1)).thenRecords();
    story.when(sweep(endMs)).thenRecords({ type: 'TaskCompleted', data: { failure: 'attempt_timeout' } });
  });

  it('with heartbeats is given up when none come', () => {
    const story = storyAt({ cancel: false });
    const silentMs = taskDefaults.heartbeatTimeoutSec * 1_000 + runTiming.heartbeatGraceMs;
    story
      .when(sweep(START_MS + silentMs))
      .thenRecords({ type: 'TaskCompleted', data: { failure: 'heartbeat_timeout' } });
  });

  it('ends with the cancel of its run where nobody hears of it, and what comes later is refused', () => {
    const story = storyAt({ cancel: false });
    story.when(cancelRun()).thenRecords(
      { type: 'RunCancelRequested' },
      {
        type: 'TaskCompleted',
        data: {
          outcome: 'CANCELLED',
          error: { message: expect.stringContaining('cannot be told') as string },
        },
      },
      { type: 'RunCompleted' },
    );
    story.when(succeed('m.a')).thenRefuses({ code: 'task_already_terminal' });
  });

  it('goes on for its grace where a cancel is heard of', () => {
    storyAt({}).when(cancelRun()).thenRecords({ type: 'RunCancelRequested' });
  });
});
