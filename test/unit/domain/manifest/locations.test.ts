import { describe, expect, it } from 'vitest';
import { locationLimits } from '#contracts/runs/locations.ts';
import type { ExecutionLocation } from '#contracts/runs/locations.ts';
import { TriggerRunRequest } from '#contracts/runs/trigger.ts';
import { inForce } from '#domain/manifest/in-force.ts';
import { manifestsAggregate } from '#domain/manifest/manifests.ts';
import { planHash } from '#domain/run/plan-hash.ts';
import { planRun } from '#domain/run/plan.ts';
import { locationOf } from '#domain/run/plan-locations.ts';
import { given } from '#test/support/decider.ts';
import { asset, manifest, validated } from '#test/support/manifest-fixtures.ts';

const fresh = () => given(manifestsAggregate, { stream: 'manifests#acme/prod', nowMs: 1_000 });
const locationNamed = (executionLocationId: string, workerQueue: string): ExecutionLocation => ({
  executionLocationId,
  kind: 'managed_queue',
  workerQueue,
  queueName: 'sluice-dev-worker-gpu',
  callbackBaseUrl: 'https://sluice.example.com',
});
const gpu = locationNamed('gpu-pool', 'gpu');
const set = (location: ExecutionLocation) => ({ type: 'SetLocation', location }) as const;
const remove = (executionLocationId: string) => ({ type: 'RemoveLocation', executionLocationId }) as const;

describe('execution locations', () => {
  it('are registered once, changed, and removed', () => {
    const story = fresh();
    story.when(set(gpu)).thenRecords({ type: 'LocationSet', data: { ...gpu, changeNo: 1 } });
    story.when(set(gpu)).thenRecords();
    const other = { ...gpu, queueName: 'sluice-dev-worker-gpu2' };
    story.when(set(other)).thenRecords({ type: 'LocationSet', data: { changeNo: 2 } });
    expect(inForce(story.state()).locations).toEqual([other]);
    story
      .when(remove('gpu-pool'))
      .thenRecords({ type: 'LocationRemoved', data: { executionLocationId: 'gpu-pool', changeNo: 3 } });
    expect(inForce(story.state()).locations).toEqual([]);
    story.when(remove('gpu-pool')).thenRefuses({ code: 'location_not_found' });
  });

  it('serve a worker queue alone', () => {
    const story = fresh();
    story.when(set(gpu)).thenRecords({ type: 'LocationSet' });
    story
      .when(set(locationNamed('rival', 'gpu')))
      .thenRefuses({ code: 'location_conflict', details: { executionLocationId: 'gpu-pool' } });
  });

  it('are bounded, and those that are registered can still be changed', () => {
    const story = fresh();
    for (let index = 0; index < locationLimits.locationsMax; index++)
      story.when(set(locationNamed(`l${index}`, `q${index}`))).thenRecords({ type: 'LocationSet' });
    story.when(set(gpu)).thenRefuses({ code: 'too_many_locations' });
    story.when(set(locationNamed('l0', 'gpu'))).thenRecords({ type: 'LocationSet' });
  });
});

describe('the lifecycle of a location', () => {
  it.each(['active', 'draining', 'disabled', 'archived'] as const)(
    'leads from %s wherever it may',
    (from) => {
      const at = (lifecycle: string) =>
        ({ ...gpu, ...(lifecycle === 'active' ? {} : { lifecycle }) }) as ExecutionLocation;
      for (const to of ['active', 'draining', 'disabled', 'archived']) {
        const story = fresh();
        story.when(set(gpu)).thenRecords({ type: 'LocationSet' });
        if (from !== 'active')
          story.when(set(at(from))).thenRecords({ type: 'LocationSet', data: { lifecycle: from } });
        if (from === to) story.when(set(at(to))).thenRecords();
        else if (from === 'archived' && to !== 'active')
          story.when(set(at(to))).thenRefuses({ code: 'location_archived' });
        else story.when(set(at(to))).thenRecords({ type: 'LocationSet', data: at(to) });
      }
    },
  );

  it('frees the worker queue with the archive, and ends there only while nobody else serves it', () => {
    const story = fresh();
    story.when(set({ ...gpu, lifecycle: 'archived' })).thenRecords({ type: 'LocationSet' });
    expect(inForce(story.state()).locations).toEqual([]);
    story.when(set(locationNamed('rival', 'gpu'))).thenRecords({ type: 'LocationSet' });
    story
      .when(set(gpu))
      .thenRefuses({ code: 'location_conflict', details: { executionLocationId: 'rival' } });
    story.when(remove('rival')).thenRecords({ type: 'LocationRemoved' });
    story.when(set(gpu)).thenRecords({ type: 'LocationSet' });
  });
});

describe('the locations of a plan', () => {
  const code = validated(
    manifest([
      asset('m', 'a', [], { execution: { queue: 'gpu' } }),
      asset('m', 'b', []),
      asset('m', 'c', [], { execution: { queue: 'gpu', runner: 'noop' } }),
    ]),
  );
  const planned = (selection: readonly string[], ...locations: readonly ExecutionLocation[]) => {
    const result = planRun(code, TriggerRunRequest.parse({ selection }), { locations });
    if (result.kind === 'rejected') expect.fail(result.rejection.message);
    return result.plan;
  };

  it('are those of its queues, and take no task of another queue or of an in-process runner', () => {
    const plan = planned(['m.a', 'm.b', 'm.c'], locationNamed('etl', 'etl'), gpu);

    expect(plan.locations).toEqual([gpu]);
    expect(plan.tasks.map((_, index) => locationOf(plan, index)?.executionLocationId)).toEqual([
      'gpu-pool',
      undefined,
      undefined,
    ]);
  });

  it.each(['draining', 'disabled'] as const)('refuse the plan that needs one that is %s', (lifecycle) => {
    const idle = { ...gpu, lifecycle };
    const result = planRun(code, TriggerRunRequest.parse({ selection: ['m.a'] }), { locations: [idle] });

    expect(result).toMatchObject({
      kind: 'rejected',
      rejection: {
        code: 'location_not_active',
        details: { executionLocationId: 'gpu-pool', workerQueue: 'gpu', lifecycle },
      },
    });
    expect(planned(['m.b', 'm.c'], idle)).not.toHaveProperty('locations');
  });

  it('leave a plan that needs none as it was', () => {
    expect(planHash(planned(['m.b', 'm.c'], gpu))).toBe(planHash(planned(['m.b', 'm.c'])));
    expect(locationOf(planned(['m.b']), 0)).toBeUndefined();
  });
});
