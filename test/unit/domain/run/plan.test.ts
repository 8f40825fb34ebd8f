import { describe, expect, it } from 'vitest';
import type { ManifestId } from '#contracts/ids.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { TriggerRunRequest } from '#contracts/runs/trigger.ts';
import { planHash } from '#domain/run/plan-hash.ts';
import { defaultPolicy, planRun, triggerRun } from '#domain/run/plan.ts';
import { asset, manifest, validated } from '#test/support/manifest-fixtures.ts';
import { runId, scope } from '#test/support/run-fixtures.ts';

const DAY = { partitioning: { dimensions: [{ name: 'date', kind: 'time', granularity: 'day' }] } };
const GRAPH = validated(
  manifest([
    asset('m', 'report', ['m.features', 'm.bars']),
    asset('m', 'features', ['m.bars'], { ...DAY, execution: { retry: { maxAttempts: 5, jitterMs: 100 } } }),
    asset('m', 'bars', [], { ...DAY, execution: { queue: 'gpu', priority: 1 } }),
    asset('m', 'lone', []),
  ]),
);
const ask = (body: object) => planRun(GRAPH, TriggerRunRequest.parse(body));
const keysOf = (body: object) => {
  const result = ask(body);
  return result.kind === 'planned'
    ? result.plan.tasks.map(({ key }) => key as string)
    : result.rejection.code;
};

describe('planRun', () => {
  it('takes exactly the selected assets and keeps edges among them', () => {
    const result = ask({ selection: ['m/report', 'm.bars', 'm.bars'] });
    expect(result).toMatchObject({
      kind: 'planned',
      rootAssets: ['m.bars', 'm.report'],
      plan: {
        defaults: defaultPolicy,
        requiresVisibleOutput: true,
        tasks: [
          { key: 'm.bars', assetKey: 'm.bars', policy: { queue: 'gpu', priority: 1 } },
          { key: 'm.report', dependsOn: [0] },
        ],
      },
    });
    if (result.kind === 'planned') expect(result.plan).not.toHaveProperty('partitionKey');
  });

  it('closes over upstreams and downstreams on request only', () => {
    expect(keysOf({ selection: ['m.features'] })).toEqual(['m.features']);
    expect(keysOf({ selection: ['m.features'], includeUpstream: true })).toEqual(['m.bars', 'm.features']);
    expect(keysOf({ selection: ['m.features'], includeDownstream: true })).toEqual([
      'm.features',
      'm.report',
    ]);
    expect(keysOf({ selection: ['m.features'], includeUpstream: true, includeDownstream: true })).toEqual([
      'm.bars',
      'm.features',
      'm.report',
    ]);
  });

  it('names runner and rule only where they are not the default, so that other plans keep their hash', () => {
    const hashOf = (execution?: object): string => {
      const assets = [asset('m', 'a', [], execution === undefined ? {} : { execution })];
      const request = TriggerRunRequest.parse({ selection: ['m.a'] });
      const result = planRun(validated(manifest(assets)), request);
      if (result.kind !== 'planned') throw new Error(result.rejection.message);
      return `${JSON.stringify(result.plan.tasks)} ${planHash(result.plan)}`;
    };
    const plain = '[{"key":"m.a","assetKey":"m.a"}]';
    expect(hashOf()).toBe(`${plain} 73497e28b45b1a29b0d52b80d4f8231bb9a7836f24505abecfa69b990ffdf6b3`);
    expect(hashOf({ runner: 'worker' })).toBe(hashOf());
    expect(hashOf({ triggerRule: 'all_success' })).toBe(hashOf());
    expect(hashOf({ triggerRule: 'always' })).toContain('"triggerRule":"always"');
    expect(hashOf({ retry: { retryOn: ['TIMEOUT'] }, attemptTimeoutSec: 60 })).toContain(
      '"retryOn":["TIMEOUT"]',
    );
    expect(hashOf({})).toBe(hashOf());
    expect(hashOf({ runner: 'noop' })).toContain('[{"key":"m.a","assetKey":"m.a","runner":"noop"}]');
    expect(hashOf({ runner: 'noop', priority: 1 })).toContain('"policy":{"priority":1},"runner":"noop"');
  });

  it('completes a partial retry policy with the defaults', () => {
    const full = { maxAttempts: 2, baseMs: 1, factor: 3, maxMs: 4, jitterMs: 5 };
    const graph = validated(manifest([asset('m', 'a', [], { execution: { retry: full } })]));
    expect(planRun(graph, TriggerRunRequest.parse({ selection: ['m.a'] }))).toMatchObject({
      plan: { tasks: [{ policy: { retry: full } }] },
    });
    const little = validated(manifest([asset('m', 'a', [], { execution: { retry: { baseMs: 1 } } })]));
    expect(planRun(little, TriggerRunRequest.parse({ selection: ['m.a'] }))).toMatchObject({
      plan: { tasks: [{ policy: { retry: { ...defaultPolicy.retry, baseMs: 1 } } }] },
    });
    expect(ask({ selection: ['m.features'] })).toMatchObject({
      plan: { tasks: [{ policy: { retry: { ...defaultPolicy.retry, maxAttempts: 5, jitterMs: 100 } } }] },
    });
  });

  it('puts the canonical partition on the plan, from either spelling, into one fingerprint', () => {
    const plain = ask({ selection: ['m.bars'], partitions: [{ key: 'date', value: '2026-01-02' }] });
    const canonical = ask({ selection: ['m/bars'], partitionKey: 'date=d:2026-01-02' });
    expect(plain).toEqual(canonical);
    expect(plain).toMatchObject({ plan: { partitionKey: 'date=d:2026-01-02' } });
  });

  it('gives reordered requests the same plan and fingerprint', () => {
    expect(ask({ selection: ['m.report', 'm.bars'] })).toEqual(ask({ selection: ['m.bars', 'm.report'] }));
  });

  it('names all malformed and all unknown assets', () => {
    expect(ask({ selection: ['m..x', 'M', 'm.none', 'm.bars'] })).toMatchObject({
      kind: 'rejected',
      rejection: {
        code: 'invalid_selection',
        message:
          'not in the manifest: m.none; ' +
          'malformed: m..x, M; a key is namespace.name in lower case, for example markets.bars_1m',
        details: { malformed: ['m..x', 'M'], unknown: ['m.none'] },
      },
    });
    expect(ask({ selection: ['m.none'] })).toMatchObject({
      rejection: { message: 'not in the manifest: m.none' },
    });
    expect(ask({ selection: ['?', ''] })).toMatchObject({
      rejection: { message: expect.stringMatching(/^malformed: \?, \(blank\); a key is/) as string },
    });
  });

  it('names ten of many, and has all of them in its details', () => {
    const unknown = Array.from({ length: 11 }, (_, index) => `m.none${index}`);
    expect(ask({ selection: unknown })).toMatchObject({
      rejection: {
        message: `not in the manifest: ${unknown.slice(0, 10).join(', ')} and 1 more`,
        details: { unknown },
      },
    });
    expect(ask({ selection: unknown.slice(1) })).toMatchObject({
      rejection: { message: `not in the manifest: ${unknown.slice(1).join(', ')}` },
    });
  });

  it('refuses labels that only Sluice sets', () => {
    expect(ask({ selection: ['m.bars'], labels: { 'arco.rerun.kind': 'x' } })).toMatchObject({
      rejection: { code: 'invalid_request', message: expect.stringContaining('arco.rerun.kind') as string },
    });
  });

  it.each([
    ['on assets without partitions', { selection: ['m.lone'], partitionKey: 'date=d:2026-01-02' }],
    [
      'on assets partitioned differently',
      { selection: ['m.lone', 'm.bars'], partitionKey: 'date=d:2026-01-02' },
    ],
    ['that is not canonical', { selection: ['m.bars'], partitionKey: 'date=2026-01-02' }],
  ])('refuses a partition %s', (_, body) => {
    expect(ask(body)).toMatchObject({ rejection: { code: 'invalid_partition' } });
  });

  it('refuses a plan of too many tasks and takes one at the limit', () => {
    const graph = (count: number) =>
      validated(manifest(Array.from({ length: count }, (_, i) => asset('m', `t${i}`, []))));
    const plan = (count: number) =>
      planRun(
        graph(count),
        TriggerRunRequest.parse({ selection: Array.from({ length: count }, (_, i) => `m.t${i}`) }),
      );
    expect(plan(runLimits.planTasksMax).kind).toBe('planned');
    expect(plan(runLimits.planTasksMax + 1)).toMatchObject({ rejection: { code: 'plan_too_large' } });
  });

  it('refuses a plan of too many bytes', () => {
    const names = Array.from({ length: 2_000 }, (_, i) => `t${i}_${'x'.repeat(248)}`);
    const graph = validated(manifest(names.map((name, i) => asset('m', name, [], { id: `t${i}` }))));
    const request = TriggerRunRequest.parse({ selection: names.map((name) => `m.${name}`) });
    expect(planRun(graph, request)).toMatchObject({
      rejection: { code: 'plan_too_large', message: expect.stringContaining('bytes') as string },
    });
  });

  it('ignores assets whose key the manifest check would have refused', () => {
    const loose = { ...GRAPH, assets: [...GRAPH.assets, { key: { namespace: 'M', name: 'x' }, id: 'x' }] };
    expect(planRun(loose, TriggerRunRequest.parse({ selection: ['m.lone'] })).kind).toBe('planned');
    const dangling = { ...GRAPH, assets: [asset('m', 'odd', ['Bad.key'])] };
    const result = planRun(dangling, TriggerRunRequest.parse({ selection: ['m.odd'] }));
    expect(result.kind === 'planned' && result.plan.tasks[0]).not.toHaveProperty('dependsOn');
  });
});

describe('triggerRun', () => {
  it('carries the plan and says who asked', () => {
    const request = TriggerRunRequest.parse({
      selection: ['m.bars'],
      runKey: 'eod',
      labels: { desk: 'rates' },
    });
    const planned = planRun(GRAPH, request);
    if (planned.kind !== 'planned') expect.fail('planned');
    const context = {
      ...scope,
      runId,
      manifestId: 'man_00000000000000000000000000' as ManifestId,
      codeVersion: 'git-1',
      trigger: { type: 'manual', userId: 'ops' },
    } as const;
    const command = triggerRun(context, planned, request);
    expect(command).toMatchObject({
      header: { planId: `plan_${runId}`, runKey: 'eod', labels: { desk: 'rates' }, rootAssets: ['m.bars'] },
      plan: planned.plan,
    });
    const { runKey: _, ...keyless } = request;
    expect(triggerRun(context, planned, keyless).header).not.toHaveProperty('runKey');
  });

  it('hashes equal plans alike', () => {
    const planned = ask({ selection: ['m.bars'] });
    if (planned.kind !== 'planned') expect.fail('planned');
    expect(planHash(planned.plan)).toBe(planHash(structuredClone(planned.plan)));
  });
});
