import { describe, expect, it } from 'vitest';
import { manifestProjection, manifestListKey, manifestRowKey } from '#domain/manifest/manifest-projection.ts';
import { noLimits } from '#domain/manifest/configured-limits.ts';
import { noLocations } from '#domain/manifest/locations.ts';
import { deployManifest, manifestsAggregate } from '#domain/manifest/manifests.ts';
import { given, recorded } from '#test/support/decider.ts';
import { asset, manifest, validated } from '#test/support/manifest-fixtures.ts';

const scope = { tenantId: 'acme', workspaceId: 'prod', userId: 'dev@acme.example' };
const stream = 'manifests#acme/prod';
const first = validated(manifest([asset('m', 'a', [])]));
const second = validated(
  manifest([asset('m', 'a', []), asset('m', 'b', ['m.a'])], {
    deployedBy: 'ci',
    git: { branch: 'main', commitSha: '4f1c2ab' },
    schedules: [{ id: 's', cron: '0 1 * * *', assets: ['m.a'] }],
  }),
);
const idOf = (input: typeof first) => deployManifest(scope, input).command.deployment.manifestId;
/** A deploy that follows another manifest, or none. */
const deploy = (input: typeof first, before?: typeof first) =>
  deployManifest(scope, input, before && { manifestId: idOf(before), manifest: before }).command;
const fresh = () => given(manifestsAggregate, { stream, nowMs: 1_000 });

describe('manifests', () => {
  it('record a deploy under a derived id, with the body by reference', () => {
    const { command, document } = deployManifest(scope, second);
    fresh()
      .when(command)
      .thenRecords({
        type: 'ManifestDeployed',
        idempotencyKey: `manifest:${command.deployment.manifestId}:1`,
        data: {
          deployNumber: 1,
          assetCount: 2,
          scheduleCount: 1,
          gitBranch: 'main',
          gitCommit: '4f1c2ab',
          deployedBy: 'ci',
          documentKey: document.key,
        },
      });
    expect(JSON.parse(document.text)).toEqual(second);
    expect(document.key).toMatch(/^manifests\/acme\/prod\/[0-9a-f]{64}\.json$/);
    expect(command.deployment.deployedBy).toBe('ci');
    expect(deploy(first).deployment.deployedBy).toBe('dev@acme.example');
  });

  it('answer the current content again without a fact', () => {
    fresh().after(deploy(first)).when(deploy(first)).thenRecordsNothing();
  });

  it('make an older content current again under its own id', () => {
    const story = fresh().after(deploy(first), deploy(second, first));
    story.when(deploy(first, second)).thenRecords({
      data: { deployNumber: 3, manifestId: deploy(first).deployment.manifestId },
      type: 'ManifestDeployed',
    });
  });

  it('tell what a deploy removes', () => {
    const story = fresh().after(deploy(second));

    story.when(deploy(first, second)).thenRecords({
      type: 'ManifestDeployed',
      data: { removedAssets: ['m.b'], removedSchedules: ['s'] },
    });
    const [added] = fresh().after(deploy(first)).when(deploy(second, first)).events;
    expect(added?.data).not.toHaveProperty('removedAssets');
    expect(added?.data).not.toHaveProperty('removedSchedules');
  });

  it('tell nothing of a key that is none, which only a manifest from elsewhere could have', () => {
    const [one] = first.assets;
    const foreign = { ...first, assets: one ? [{ ...one, key: { namespace: 'Bad', name: 'a' } }] : [] };
    const { command } = deployManifest(scope, second, { manifestId: idOf(first), manifest: foreign });

    expect(command.deployment).not.toHaveProperty('removedAssets');
  });

  it('refuse a deploy that was compared with another manifest than it would follow', () => {
    const story = fresh().after(deploy(first));

    expect(story.when(deploy(second)).thenRefuses({ code: 'contention' }).state()).toMatchObject({
      manifestId: idOf(first),
    });
    fresh().when(deploy(second, first)).thenRefuses({ code: 'contention' });
  });

  it('wait for nothing and owe nothing', () => {
    const story = fresh().after(deploy(first));
    story.when(manifestsAggregate.sweepCommand(9)).thenRecordsNothing();
    expect(manifestsAggregate.waiting(story.state())).toEqual([]);
    expect(manifestsAggregate.outstanding(story.state(), 9)).toEqual([]);
    expect(manifestsAggregate.isTerminal(story.state())).toBe(false);
  });

  it('ignore facts they do not know', () => {
    const [event] = recorded([{ type: 'Other', idempotencyKey: 'o', data: {} }], {
      stream,
      version: 0,
      nowMs: 0,
    });
    const none = { status: 'none', limits: noLimits, locations: noLocations } as const;
    expect(event && manifestsAggregate.evolve(none, event)).toBe(none);
    expect(event && manifestProjection.details(event)).toEqual([]);
    expect(
      event && manifestProjection.apply(undefined, manifestRowKey(stream, 'man_x'), event),
    ).toBeUndefined();
  });
});

describe('the rows of manifests', () => {
  it('hold a tombstone for what a deploy removed', () => {
    const [, event] = fresh().after(deploy(second)).at(2_000).after(deploy(first, second)).history();
    if (!event) expect.fail('two deploys');
    const end = { removedAt: '1970-01-01T00:00:02.000Z', removedByManifestId: idOf(first) };

    const rows = manifestProjection
      .details(event)
      .slice(1)
      .map((key) => [key, manifestProjection.apply(undefined, key, event)]);

    expect(rows).toEqual([
      [{ pk: 'removed-asset#acme/prod', sk: 'm.b' }, { data: { name: 'm.b', ...end } }],
      [{ pk: 'removed-schedule#acme/prod', sk: 's' }, { data: { name: 's', ...end } }],
    ]);
  });

  it('hold the current one and one row each, newest first', () => {
    const story = fresh().after(deploy(first)).at(2_000).after(deploy(second, first));
    const [older, newer] = story.history();
    if (!older || !newer) expect.fail('two deploys');
    const rowOf = (event: typeof newer) => {
      const [key] = manifestProjection.details(event);
      return key && manifestProjection.apply(undefined, key, event);
    };
    const { manifestId } = deploy(second).deployment;
    expect(manifestProjection.details(newer)).toEqual([manifestRowKey(stream, manifestId)]);
    expect(rowOf(newer)).toMatchObject({
      data: {
        manifestId,
        assetCount: 2,
        gitBranch: 'main',
        gitCommit: '4f1c2ab',
        deployedAt: '1970-01-01T00:00:02.000Z',
      },
      listKey: manifestListKey(stream),
    });
    expect(rowOf(older)?.data).not.toHaveProperty('gitBranch');
    expect(String(rowOf(newer)?.listSort) < String(rowOf(older)?.listSort)).toBe(true);
    expect(manifestProjection.apply(undefined, manifestProjection.cursor(stream), newer)).toEqual({
      data: { currentManifestId: manifestId, deployNumber: 2 },
    });
  });
});
