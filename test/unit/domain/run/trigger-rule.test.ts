import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TriggerRule } from '#contracts/runs/plan.ts';
import { TaskStatus } from '#contracts/runs/states.ts';
import { isObstacle, mayRun, obstacleOf } from '#domain/run/trigger-rule.ts';
import { cancel, fail, finish, planOf, succeed, triggered } from '#test/support/run-fixtures.ts';

const statuses = fc.array(fc.constantFrom(...TaskStatus.options), { maxLength: 5 });
const ENDED = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'SKIPPED', 'CANCELLED'];

describe('a rule', () => {
  it.each([
    ['all_success', ['SUCCEEDED', 'SUCCEEDED'], 'runs'],
    ['all_success', ['SUCCEEDED', 'RUNNING'], 'waits'],
    ['all_success', ['RUNNING', 'SKIPPED'], 1],
    ['all_done', ['FAILED', 'SKIPPED'], 'runs'],
    ['all_done', ['FAILED', 'RETRY_WAIT'], 'waits'],
    ['one_success', ['RUNNING', 'SUCCEEDED'], 'runs'],
    ['one_success', ['FAILED', 'RUNNING'], 'waits'],
    ['one_success', ['SKIPPED', 'TIMED_OUT'], 0],
    ['none_failed', ['SKIPPED', 'CANCELLED', 'SUCCEEDED'], 'runs'],
    ['none_failed', ['SKIPPED', 'RUNNING'], 'waits'],
    ['none_failed', ['RUNNING', 'FAILED'], 1],
    ['none_failed', ['TIMED_OUT', 'RUNNING'], 0],
    ['always', ['CANCELLED', 'FAILED'], 'runs'],
    ['always', ['CANCELLED', 'BLOCKED'], 'waits'],
  ] as const)('%s with upstreams %j: %s', (rule, upstreams, verdict) => {
    expect(mayRun(rule, upstreams)).toBe(verdict === 'runs');
    expect(obstacleOf(rule, upstreams)).toBe(typeof verdict === 'number' ? verdict : undefined);
  });

  it.each(TriggerRule.options)('%s lets a task without upstreams run', (rule) => {
    expect(mayRun(rule, [])).toBe(true);
  });

  it('never lets a task run that it also keeps from running, and decides once all have ended', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TriggerRule.options), statuses, (rule, upstreams) => {
        const runs = mayRun(rule, upstreams);
        const isKept = upstreams.length > 0 && obstacleOf(rule, upstreams) !== undefined;
        expect(runs && isKept).toBe(false);
        const obstacle = upstreams[obstacleOf(rule, upstreams) ?? -1];
        expect(obstacle === undefined || isObstacle(rule, obstacle)).toBe(true);
        if (upstreams.every((status) => ENDED.includes(status))) expect(runs || isKept).toBe(true);
      }),
    );
  });
});

describe('a run', () => {
  const two = (rule: TriggerRule) =>
    triggered(planOf({ 'm.a': [], 'm.b': [], 'm.c': ['m.a', 'm.b'] }, { rules: { 'm.c': rule } }));
  const fatal = (key: string) => fail(key, 1, 'DATA_QUALITY');

  it('starts a task of one_success with the first success', () => {
    two('one_success')
      .when(succeed('m.b'))
      .thenRecords({ type: 'TaskCompleted' }, { type: 'TaskDispatched', data: { taskKey: 'm.c' } });
  });

  it('skips a task of one_success when the last upstream ends without any, naming the first', () => {
    two('one_success')
      .after(fatal('m.b'))
      .when(fatal('m.a'))
      .thenRecords(
        { type: 'TaskCompleted' },
        { type: 'TaskSkipped', data: { upstreamTaskKey: 'm.a', upstreamResolution: 'FAILED' } },
        { type: 'RunCompleted', data: { outcome: 'FAILED' } },
      );
  });

  it('skips a task of none_failed with the first failure, and runs it over a cancellation', () => {
    two('none_failed')
      .when(fatal('m.b'))
      .thenRecords(
        { type: 'TaskCompleted' },
        { type: 'TaskSkipped', data: { taskKey: 'm.c', upstreamTaskKey: 'm.b' } },
      );
    two('none_failed')
      .after(...finish('m.b'))
      .when(cancel('m.a'))
      .thenRecords({ type: 'TaskCompleted' }, { type: 'TaskDispatched', data: { taskKey: 'm.c' } });
  });

  it.each(['all_done', 'always'] as const)('runs a task of %s after failures', (rule) => {
    const story = two(rule).after(fatal('m.a'), fatal('m.b'));
    story
      .when(succeed('m.c'))
      .thenRecords(
        { type: 'TaskCompleted' },
        { type: 'RunCompleted', data: { outcome: 'FAILED', outcomeReason: 'task m.a failed' } },
      );
  });
});
