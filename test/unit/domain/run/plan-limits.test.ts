import { describe, expect, it } from 'vitest';
import { TaskKey } from '#contracts/ids.ts';
import { LimitId } from '#contracts/runs/concurrency.ts';
import { TriggerRunRequest } from '#contracts/runs/trigger.ts';
import { planHash } from '#domain/run/plan-hash.ts';
import { planRun } from '#domain/run/plan.ts';
import type { LimitsById } from '#domain/run/plan-limits.ts';
import { slotWaits, standingOf } from '#domain/run/slots.ts';
import { asset, manifest, validated } from '#test/support/manifest-fixtures.ts';
import { grant, triggered } from '#test/support/run-fixtures.ts';

const code = validated(
  manifest([
    asset('m', 'a', [], { execution: { concurrencyKey: 'b' } }),
    asset('m', 'b', ['m.a'], { execution: { queue: 'etl', concurrencyKey: 'a' } }),
    asset('m', 'c', []),
  ]),
);
const limits = (...ids: readonly string[]): LimitsById =>
  new Map(ids.map((id, index) => [id, { limitId: LimitId.parse(id), capacity: 2, changeNo: index + 1 }]));

const planned = (inForce?: LimitsById) => {
  const request = TriggerRunRequest.parse({ selection: ['m.a', 'm.b', 'm.c'] });
  const result = planRun(code, request, { limits: inForce });
  if (result.kind === 'rejected') expect.fail(result.rejection.message);
  return result.plan;
};
const limitsByTask = (inForce: LimitsById) => {
  const plan = planned(inForce);
  return Object.fromEntries(
    plan.tasks.map((task) => [task.key, task.limits?.map((place) => plan.limits?.[place]?.limitId)]),
  );
};

describe('the limits of a plan', () => {
  it('are frozen with it in one order: keys, then queues, then the workspace, each by name', () => {
    const all = limits('key:b', 'queue:etl', 'key:a', 'workspace', 'queue:default-queue');

    expect(planned(all).limits?.map(({ limitId }) => limitId)).toEqual([
      'key:a',
      'key:b',
      'queue:default-queue',
      'queue:etl',
      'workspace',
    ]);
    expect(limitsByTask(all)).toEqual({
      'm.a': ['key:b', 'queue:default-queue', 'workspace'],
      'm.b': ['key:a', 'queue:etl', 'workspace'],
      'm.c': ['queue:default-queue', 'workspace'],
    });
    expect(
      planned(all).tasks.every(({ limits: places = [] }) => places.join() === [...places].sort().join()),
    ).toBe(true);
  });

  it('have who waits for a narrow one hold no slot that all want', () => {
    const one = asset('m', 'a', [], { execution: { concurrencyKey: 'k' } });
    const other = asset('m', 'b', [], { execution: { concurrencyKey: 'k' } });
    const request = TriggerRunRequest.parse({ selection: ['m.a', 'm.b', 'm.c'] });
    const result = planRun(validated(manifest([one, other, asset('m', 'c', [])])), request, {
      limits: limits('workspace', 'key:k'),
    });
    if (result.kind === 'rejected') expect.fail(result.rejection.message);

    const story = triggered(result.plan).after(grant('m.a', 'key:k'), grant('m.a', 'workspace'));

    const waits = [...slotWaits(story.state())].map(([taskKey, { limitId }]) => [taskKey, limitId]);
    expect(waits).toEqual([
      ['m.b', 'key:k'],
      ['m.c', 'workspace'],
    ]);
    const taken = ['m.a', 'm.b', 'm.c'].filter((key) => {
      const slot = { taskKey: TaskKey.parse(key), attempt: 1, limitId: LimitId.parse('workspace') };
      return standingOf(story.state(), slot) === 'taken';
    });
    expect(taken).toEqual(['m.a']);
  });

  it('are only those that hold and that a task needs', () => {
    expect(limitsByTask(limits('key:a', 'key:other'))).toEqual({
      'm.a': undefined,
      'm.b': ['key:a'],
      'm.c': undefined,
    });
  });

  it('leave a plan that needs none as it is', () => {
    expect(planHash(planned(limits('key:other')))).toBe(planHash(planned()));
    expect(planned()).not.toHaveProperty('limits');
  });
});
