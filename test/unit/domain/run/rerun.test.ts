import { describe, expect, it } from 'vitest';
import type { ManifestId } from '#contracts/ids.ts';
import { LimitId } from '#contracts/runs/concurrency.ts';
import type { PlannedLimit } from '#contracts/runs/concurrency.ts';
import { ExecutionLocation } from '#contracts/runs/locations.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import { RerunRequest } from '#contracts/runs/rerun.ts';
import type { TaskState } from '#contracts/runs/states.ts';
import { rerunFingerprint, rerunKey } from '#domain/kernel/rerun-ids.ts';
import { askRerun } from '#domain/run/rerun.ts';
import type { ParentRun } from '#domain/run/rerun.ts';
import { planRerun } from '#domain/run/rerun-plan.ts';
import type { LatestCode, RerunContext } from '#domain/run/rerun-plan.ts';
import { asset, manifest, validated } from '#test/support/manifest-fixtures.ts';
import { claim, fail, planOf, runId, succeed, triggered, triggerOf } from '#test/support/run-fixtures.ts';

const MANIFEST_ID = 'man_00000000000000000000000001' as ManifestId;
const PARTITION = 'date=d:2026-01-02';

/** `m.a → m.b → m.c` and `m.a → m.d`, ended as given. */
const parentOf = (
  states: Readonly<Record<string, TaskState>>,
  state: ParentRun['state'] = 'FAILED',
): ParentRun => {
  const plan = planOf(
    { 'm.a': [], 'm.b': ['m.a'], 'm.c': ['m.b'], 'm.d': ['m.a'] },
    { partitionKey: PARTITION, rules: { 'm.d': 'none_failed' } },
  );
  return {
    header: triggerOf(plan).header,
    plan,
    state,
    tasks: plan.tasks.map(({ key }) => ({ taskKey: key, state: states[key] ?? 'SUCCEEDED' })),
  };
};
const failed = parentOf({ 'm.b': 'FAILED', 'm.c': 'SKIPPED' });
const request = (body: object): RerunRequest => RerunRequest.parse(body);
const fromFailure = (more: object = {}) => request({ mode: 'fromFailure', ...more });
const subset = (selection: readonly string[], more: object = {}) =>
  request({ mode: 'subset', selection, ...more });
const askedOf = (parent: ParentRun, body: RerunRequest) => {
  const asked = askRerun(parent, body);
  if (asked.kind === 'rejected') expect.fail(asked.rejection.message);
  return asked;
};
const plannedOf = (parent: ParentRun, body: RerunRequest, context: RerunContext = {}) => {
  const asked = askedOf(parent, body);
  const result = planRerun(parent, asked, context);
  if (result.kind === 'rejected') expect.fail(result.rejection.message);
  return { ...asked, plan: result.plan };
};

describe('names of reruns', () => {
  const named = {
    parentRunId: '01JQ8Z3T5N6M7P8Q9R0S1T2V3W',
    rerunKind: 'FROM_FAILURE',
    selectedTasks: ['markets.regime', 'markets.features'],
    partitionKeys: [PARTITION],
  } as const;

  it('are those of the reference', () => {
    expect(rerunKey(named, 1)).toBe('rerun:01JQ8Z3T5N6M7P8Q9R0S1T2V3W:from_failure:3b806e59b3abc018');
    expect(
      rerunFingerprint({
        ...named,
        roots: named.selectedTasks,
        includeUpstream: false,
        includeDownstream: false,
        labels: { 'arco.rerun.kind': 'FROM_FAILURE', 'arco.parent_run_id': named.parentRunId },
        isLatest: false,
      }),
    ).toBe('2d490963983b36d8b4b2520dfa59b293da96e260d2101f07a85f329775449eae');
  });

  it('tell generations, kinds and codes apart', () => {
    expect(rerunKey(named, 2)).toBe('rerun:01JQ8Z3T5N6M7P8Q9R0S1T2V3W:from_failure:3b806e59b3abc018:2');
    expect(rerunKey({ ...named, rerunKind: 'SUBSET' }, 1)).toMatch(/:subset:[0-9a-f]{16}$/);
    expect(plannedOf(failed, fromFailure()).fingerprint).not.toBe(
      plannedOf(failed, fromFailure({ labels: { ticket: 'OPS-9' } })).fingerprint,
    );
  });
});

describe('a rerun from failure', () => {
  it('takes every task that did not succeed, as it was, with the edges among them', () => {
    const { plan, rerunKind, labels } = plannedOf(failed, fromFailure({ labels: { ticket: 'OPS-9' } }));

    expect(plan).toMatchObject({
      partitionKey: PARTITION,
      tasks: [{ key: 'm.b' }, { key: 'm.c', dependsOn: [0] }],
    });
    expect(plan.tasks[0]).not.toHaveProperty('dependsOn');
    expect(rerunKind).toBe('FROM_FAILURE');
    expect(labels).toEqual({
      ticket: 'OPS-9',
      'arco.parent_run_id': runId,
      'arco.rerun.kind': 'FROM_FAILURE',
    });
  });

  it('takes a success whose output could not be made visible', () => {
    const parent = parentOf({});
    const tasks = parent.tasks.map((task) =>
      task.taskKey === 'm.d' ? { ...task, outputVisibilityState: 'FAILED' as const } : task,
    );
    const { plan } = plannedOf({ ...parent, tasks }, fromFailure());
    expect(plan.tasks).toMatchObject([{ key: 'm.d', triggerRule: 'none_failed' }]);
  });

  it.each(['FAILED', 'CANCELLED', 'TIMED_OUT'] as const)('is made of a run that is %s', (state) => {
    const parent = parentOf({ 'm.c': 'CANCELLED' }, state);
    expect(plannedOf(parent, fromFailure()).plan.tasks).toMatchObject([{ key: 'm.c' }]);
  });

  it.each(['SUCCEEDED', 'RUNNING', 'CANCELLING', 'PENDING'] as const)(
    'is refused for one that is %s',
    (state) => {
      expect(askRerun(parentOf({}, state), fromFailure())).toMatchObject({
        kind: 'rejected',
        rejection: { code: 'rerun_not_allowed', details: { state } },
      });
    },
  );

  it.each(['CANCELLED', 'TIMED_OUT'] as const)(
    'is refused for one that is %s with all its tasks done',
    (state) => {
      expect(askRerun(parentOf({}, state), fromFailure())).toMatchObject({
        rejection: {
          code: 'rerun_not_allowed',
          message: `the run is ${state}, and all of its tasks have succeeded; rerun a subset of it`,
          details: { state },
        },
      });
    },
  );

  it('ignores selection and closure flags', () => {
    const plain = plannedOf(failed, fromFailure());
    const odd = plannedOf(failed, fromFailure({ selection: ['m.d'], includeDownstream: true }));
    expect([odd.plan, odd.fingerprint, odd.keyOf(1)]).toEqual([
      plain.plan,
      plain.fingerprint,
      plain.keyOf(1),
    ]);
  });
});

describe('a rerun of a subset', () => {
  it.each([
    [{}, ['m.b']],
    [{ includeUpstream: true }, ['m.a', 'm.b']],
    [{ includeDownstream: true }, ['m.b', 'm.c']],
    [{ includeUpstream: true, includeDownstream: true }, ['m.a', 'm.b', 'm.c']],
  ])('with %j takes %j', (flags, keys) => {
    const { plan, rerunKind } = plannedOf(parentOf({}, 'SUCCEEDED'), subset(['m/b'], flags));
    expect(plan.tasks.map(({ key }) => key)).toEqual(keys);
    expect(rerunKind).toBe('SUBSET');
  });

  it('is the same in any order and with repeats', () => {
    const one = plannedOf(failed, subset(['m.b', 'm.d']));
    const other = plannedOf(failed, subset(['m.d', 'm.b', 'm/d']));
    expect([other.fingerprint, other.keyOf(3)]).toEqual([one.fingerprint, one.keyOf(3)]);
  });

  it('names all that is malformed or not in the run', () => {
    expect(askRerun(failed, subset(['m.b', 'm.z', '..']))).toMatchObject({
      rejection: {
        code: 'invalid_selection',
        message: expect.stringMatching(/^not in the run: m\.z; malformed: \.\.; /) as string,
        details: { malformed: ['..'], unknown: ['m.z'] },
      },
    });
  });

  it('that names nothing is refused', () => {
    const { selection: _selection, ...body } = subset(['m.b']);
    expect(askRerun(failed, body)).toMatchObject({ rejection: { code: 'invalid_selection' } });
  });

  it('has to name something', () => {
    for (const body of [{ mode: 'subset' }, { mode: 'subset', selection: [] }])
      expect(RerunRequest.safeParse(body).success).toBe(false);
  });
});

it('of a run without a partition has none', () => {
  const plan = planOf({ 'm.a': [] });
  const parent: ParentRun = {
    header: triggerOf(plan).header,
    plan,
    state: 'FAILED',
    tasks: [{ taskKey: 'm.a', state: 'FAILED' }],
  };
  const planned = plannedOf(parent, fromFailure());
  expect(planned.plan).not.toHaveProperty('partitionKey');
  expect(planned.keyOf(1)).toBe(
    rerunKey({ parentRunId: runId, rerunKind: 'FROM_FAILURE', selectedTasks: ['m.a'], partitionKeys: [] }, 1),
  );
});

it('refuses labels that only Sluice sets', () => {
  expect(askRerun(failed, fromFailure({ labels: { 'arco.rerun.kind': 'x' } }))).toMatchObject({
    rejection: { code: 'invalid_request', details: { reserved: ['arco.rerun.kind'] } },
  });
});

describe('a task of one_success in a rerun', () => {
  const graph = { 'm.a': [], 'm.b': [], 'm.t': ['m.a', 'm.b'] };
  const policy = { retry: { maxAttempts: 1, baseMs: 0, factor: 1, maxMs: 0, jitterMs: 0 } };
  const parentWith = (states: Readonly<Record<string, TaskState>>): ParentRun => {
    const plan = planOf(graph, { rules: { 'm.t': 'one_success' }, policy });
    const tasks = plan.tasks.map(({ key }) => ({ taskKey: key, state: states[key] ?? ('FAILED' as const) }));
    return { header: triggerOf(plan).header, plan, state: 'FAILED', tasks };
  };
  const satisfied = parentWith({ 'm.a': 'SUCCEEDED' });
  const latest: LatestCode = {
    manifest: validated(
      manifest([
        asset('m', 'a', []),
        asset('m', 'b', []),
        asset('m', 't', ['m.a', 'm.b'], { execution: { triggerRule: 'one_success' } }),
      ]),
    ),
    manifestId: MANIFEST_ID,
    codeVersion: 'git-2',
  };
  const codes: readonly (readonly [string, RerunContext])[] = [
    ['parent', {}],
    ['latest', { latest }],
  ];

  it.each(codes)(
    'has the success of its parent with the code %s, and waits for nothing',
    (_code, context) => {
      const { plan } = plannedOf(satisfied, fromFailure(), context);

      expect(plan.tasks).toMatchObject([{ key: 'm.b' }, { key: 'm.t', triggerRule: 'one_success' }]);
      expect(plan.tasks[1]).not.toHaveProperty('dependsOn');
    },
  );

  it('runs although what failed in the parent fails again', () => {
    const { plan } = plannedOf(satisfied, fromFailure());

    triggered(plan)
      .after(claim('m.b'), fail('m.b'))
      .when(succeed('m.t'))
      .thenRecords({ type: 'TaskCompleted' }, { type: 'RunCompleted', data: { outcome: 'FAILED' } });
  });

  it.each(codes)(
    'waits with the code %s for what is taken while nothing else succeeded',
    (_code, context) => {
      const nothing = plannedOf(parentWith({}), fromFailure(), context).plan;
      expect(nothing.tasks).toMatchObject([{ key: 'm.a' }, { key: 'm.b' }, { dependsOn: [0, 1] }]);
      const again = plannedOf(satisfied, subset(['m.a', 'm.t']), context).plan;
      expect(again.tasks).toMatchObject([{ key: 'm.a' }, { dependsOn: [0] }]);
    },
  );

  it('of another rule waits for all that is taken', () => {
    const plan = planOf(graph, { rules: { 'm.t': 'all_done' } });
    const rerun = plannedOf({ ...satisfied, plan }, fromFailure()).plan;
    expect(rerun.tasks).toMatchObject([{ key: 'm.b' }, { key: 'm.t', dependsOn: [0] }]);
  });
});

describe('a rerun asks what holds now', () => {
  const limits = (...ids: readonly string[]): ReadonlyMap<string, PlannedLimit> =>
    new Map(ids.map((id) => [id, { limitId: LimitId.parse(id), capacity: 2, changeNo: 7 }]));
  const location = (executionLocationId: string, workerQueue: string): ExecutionLocation =>
    ExecutionLocation.parse({
      ...{ executionLocationId, workerQueue, kind: 'managed_queue' },
      ...{ queueName: `sluice-dev-worker-${executionLocationId}`, callbackBaseUrl: 'https://api.example' },
    });
  /** `m.a` and `m.b` failed under the limits and locations of their time. */
  const plan = planOf(
    { 'm.a': [], 'm.b': ['m.a'], 'm.c': [] },
    { limited: { 'm.a': ['workspace', 'key:db'], 'm.b': ['queue:default-queue', 'key:old'] } },
  );
  const parent: ParentRun = {
    header: triggerOf(plan).header,
    plan: { ...plan, locations: [location('gone', 'default-queue')] },
    state: 'FAILED',
    tasks: [
      { taskKey: 'm.a', state: 'FAILED' },
      { taskKey: 'm.b', state: 'SKIPPED' },
      { taskKey: 'm.c', state: 'SUCCEEDED' },
    ],
  };
  const limitsOf = ({ tasks, limits: planned = [] }: Plan) =>
    tasks.map(({ limits: places = [] }) => places.map((place) => planned[place]?.limitId).sort());

  it('when it has the code of its parent', () => {
    const locations = [location('here', 'default-queue'), location('elsewhere', 'etl')];
    const now = { limits: limits('queue:default-queue', 'key:db', 'key:new'), locations };

    const rerun = plannedOf(parent, fromFailure(), now).plan;

    expect(rerun.locations).toEqual([locations[0]]);
    expect(rerun.limits).toHaveLength(2);
    expect(rerun.limits).toContainEqual({ limitId: 'key:db', capacity: 2, changeNo: 7 });
    expect(limitsOf(rerun)).toEqual([['key:db', 'queue:default-queue'], ['queue:default-queue']]);
  });

  it('and none of what held for its parent alone', () => {
    const rerun = plannedOf(parent, fromFailure()).plan;

    expect(rerun).not.toHaveProperty('limits');
    expect(rerun).not.toHaveProperty('locations');
    expect(limitsOf(rerun)).toEqual([[], []]);
  });

  it('also of a key that had no limit when its parent was triggered, once it has one', () => {
    const first = plannedOf(parent, fromFailure(), { limits: limits('key:db') }).plan;
    expect(limitsOf(first)).toEqual([['key:db'], []]);
    expect(first.tasks).toMatchObject([{ key: 'm.a' }, { key: 'm.b', concurrencyKey: 'old' }]);
    expect(first.tasks[0]).not.toHaveProperty('concurrencyKey');

    const second = plannedOf({ ...parent, plan: first }, fromFailure(), { limits: limits('key:old') }).plan;

    expect(limitsOf(second)).toEqual([[], ['key:old']]);
    expect(second.tasks[0]).toHaveProperty('concurrencyKey', 'db');
    expect(second.tasks[1]).not.toHaveProperty('concurrencyKey');
  });

  it('when it has the latest code, with the keys of that', () => {
    const manifestNow = validated(
      manifest([
        asset('m', 'a', [], { execution: { concurrencyKey: 'new' } }),
        asset('m', 'b', ['m.a'], { execution: { queue: 'etl' } }),
      ]),
    );
    const latest = { manifest: manifestNow, manifestId: MANIFEST_ID, codeVersion: 'git-2' };
    const locations = [location('elsewhere', 'etl')];
    const now = { latest, locations, limits: limits('workspace', 'key:db', 'key:new') };

    const rerun = plannedOf(parent, fromFailure(), now).plan;

    expect(rerun.locations).toEqual(locations);
    expect(limitsOf(rerun)).toEqual([['key:new', 'workspace'], ['workspace']]);
  });
});

describe('a rerun with the latest code', () => {
  const latest = (names: readonly string[]): LatestCode => ({
    manifest: validated(
      manifest(
        names.map((name) => asset('m', name, name === 'c' ? ['m.b'] : [], { execution: { priority: 1 } })),
      ),
    ),
    manifestId: MANIFEST_ID,
    codeVersion: 'git-2',
  });

  it('takes edges and policies from what is deployed now, and is another request', () => {
    const planned = plannedOf(failed, fromFailure(), { latest: latest(['b', 'c']) });
    expect(planned.plan).toMatchObject({
      partitionKey: PARTITION,
      tasks: [
        { key: 'm.b', policy: { priority: 1 } },
        { key: 'm.c', dependsOn: [0] },
      ],
    });
    const latestToo = askedOf(failed, fromFailure({ codeVersion: 'latest' }));
    expect(latestToo.fingerprint).not.toBe(planned.fingerprint);
    expect(latestToo.keyOf(1)).toBe(planned.keyOf(1));
  });

  it('is refused for assets that are gone', () => {
    expect(planRerun(failed, askedOf(failed, fromFailure()), { latest: latest(['b']) })).toMatchObject({
      rejection: {
        code: 'invalid_selection',
        message: "the current manifest does not have m.c; rerun with the parent's code",
        details: { unknown: ['m.c'] },
      },
    });
  });

  it('is refused when its plan has more bytes than one may have', () => {
    const names = Array.from({ length: 2_000 }, (_, index) => `t${index}_${'x'.repeat(200)}`);
    const plan = planOf(Object.fromEntries(names.map((name) => [`m.${name}`, []])));
    const tasks = plan.tasks.map(({ key }) => ({ taskKey: key, state: 'FAILED' as const }));
    const parent: ParentRun = { header: triggerOf(plan).header, plan, state: 'FAILED', tasks };
    const wordy = { execution: { retry: { maxAttempts: 9, jitterMs: 100, retryOn: ['TIMEOUT'] } } };
    const code = (execution: object): LatestCode => ({
      ...latest(['a']),
      manifest: { ...latest(['a']).manifest, assets: names.map((name) => asset('m', name, [], execution)) },
    });

    expect(planRerun(parent, askedOf(parent, fromFailure()), { latest: code({}) }).kind).toBe('planned');
    expect(planRerun(parent, askedOf(parent, fromFailure()), { latest: code(wordy) })).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'plan_too_large', message: expect.stringContaining('bytes') },
    });
  });
});
