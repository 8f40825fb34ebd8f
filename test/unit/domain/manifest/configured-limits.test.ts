import { describe, expect, it } from 'vitest';
import { LimitId } from '#contracts/runs/concurrency.ts';
import { concurrency, runTiming } from '#contracts/runs/limits.ts';
import { limitsInForce } from '#domain/manifest/configured-limits.ts';
import type { LimitConfigCommand } from '#domain/manifest/configured-limits.ts';
import { manifestFingerprint } from '#domain/manifest/fingerprint.ts';
import { manifestProjection } from '#domain/manifest/manifest-projection.ts';
import { deployManifest, manifestsAggregate } from '#domain/manifest/manifests.ts';
import { validateManifest } from '#domain/manifest/validate.ts';
import { given, recorded } from '#test/support/decider.ts';
import { asset, manifest, validated } from '#test/support/manifest-fixtures.ts';

const stream = 'manifests#acme/prod';
const scope = { tenantId: 'acme', workspaceId: 'prod', userId: 'dev@acme.example' };
const KEY = LimitId.parse('key:warehouse');
const QUEUE = LimitId.parse('queue:etl');

const fresh = () => given(manifestsAggregate, { stream, nowMs: 1_000 });
const limited = (limits: readonly object[], keys: readonly string[] = []) =>
  validated(
    manifest(
      [
        asset('m', 'plain', []),
        ...keys.map((key, index) => asset('m', `k${index}`, [], { execution: { concurrencyKey: key } })),
      ],
      { limits },
    ),
  );
const deploy = (...given: Parameters<typeof limited>) => deployManifest(scope, limited(...given)).command;
const set = (limitId: LimitId, capacity: number): LimitConfigCommand => ({
  type: 'SetLimit',
  limitId,
  capacity,
});
const remove = (limitId: LimitId): LimitConfigCommand => ({ type: 'RemoveLimit', limitId });
const confirm = (limitId: LimitId, changeNo: number): LimitConfigCommand => ({
  type: 'ConfirmLimit',
  limitId,
  changeNo,
});
const inForce = (story: ReturnType<typeof fresh>) =>
  Object.fromEntries([...limitsInForce(story.state().limits)].map(([id, { capacity }]) => [id, capacity]));

describe('limits of a manifest', () => {
  it('are set with its deploy, those of its keys to 1 unless it says more', () => {
    fresh()
      .when(
        deploy(
          [
            { limit: QUEUE, capacity: 4 },
            { limit: 'key:big', capacity: 9 },
          ],
          ['warehouse', 'big'],
        ),
      )
      .thenRecords(
        { type: 'ManifestDeployed' },
        { type: 'LimitSet', data: { limitId: QUEUE, capacity: 4, source: 'manifest', changeNo: 1 } },
        { type: 'LimitSet', data: { limitId: 'key:big', capacity: 9, changeNo: 2 } },
        { type: 'LimitSet', data: { limitId: KEY, capacity: concurrency.keyCapacity, changeNo: 3 } },
      );
  });

  it('change with the next deploy, and go with one that declares them no more', () => {
    const first = deploy([{ limit: QUEUE, capacity: 4 }], ['warehouse']);
    const story = fresh().after(first);

    story
      .when({
        ...deploy([{ limit: KEY, capacity: 2 }], ['warehouse']),
        follows: first.deployment.manifestId,
      })
      .thenRecords(
        { type: 'ManifestDeployed' },
        { type: 'LimitSet', data: { limitId: KEY, capacity: 2, changeNo: 3 } },
        { type: 'LimitRemoved', data: { limitId: QUEUE, changeNo: 4 } },
      );
    expect(inForce(story)).toEqual({ [KEY]: 2 });
  });

  it('leave alone what was set over the API', () => {
    const story = fresh().after(set(KEY, 5), set(QUEUE, 6));

    story.when(deploy([{ limit: KEY, capacity: 2 }])).thenRecords({ type: 'ManifestDeployed' });
    expect(inForce(story)).toEqual({ [KEY]: 5, [QUEUE]: 6 });
  });

  it('are part of what makes two manifests the same, in whatever order they stand', () => {
    const [one, other] = [
      { limit: KEY, capacity: 1 },
      { limit: QUEUE, capacity: 2 },
    ];
    expect(manifestFingerprint(limited([one, other]))).toBe(manifestFingerprint(limited([other, one])));
    expect(manifestFingerprint(limited([one]))).not.toBe(manifestFingerprint(limited([])));
    const { limits: _limits, ...without } = limited([]);
    expect(manifestFingerprint(limited([]))).toBe(manifestFingerprint(without));
  });

  it('are refused when one is declared twice, and when they are too many with those of the keys', () => {
    const faultsOf = (limits: readonly object[], keys: readonly string[] = []) => {
      const assets = keys.map((key, index) =>
        asset('m', `k${index}`, [], { execution: { concurrencyKey: key } }),
      );
      const check = validateManifest(manifest([asset('m', 'plain', []), ...assets], { limits }));
      return check.kind === 'valid' ? [] : check.faults.map(({ path, code }) => `${path} ${code}`);
    };
    const one = { limit: KEY, capacity: 1 };
    const names = Array.from({ length: concurrency.limitsMax }, (_, index) => `k${index}`);

    expect(faultsOf([one, one])).toEqual(['limits[1].limit duplicate_limit']);
    expect(faultsOf([{ limit: 'key:k0', capacity: 1 }], names)).toEqual([]);
    expect(faultsOf([one], names)).toEqual(['limits too_many_limits']);
    expect(faultsOf([{ limit: 'rate:x', capacity: 1 }])).toEqual(['limits[0].limit invalid_shape']);
    expect(faultsOf([{ limit: KEY, capacity: concurrency.capacityMax + 1 }])).toHaveLength(1);
  });
});

describe('limits over the API', () => {
  it('are set before anything is deployed, once for the same word', () => {
    const story = fresh()
      .when(set(KEY, 3))
      .thenRecords({ type: 'LimitSet', data: { limitId: KEY, capacity: 3, source: 'api', changeNo: 1 } });

    story.when(set(KEY, 3)).thenRecordsNothing();
    story.when(set(KEY, 0)).thenRecords({ type: 'LimitSet', data: { capacity: 0, changeNo: 2 } });
    expect(story.state()).toMatchObject({ status: 'none' });
  });

  it('take over what a manifest declared, with the same capacity too', () => {
    const story = fresh().after(deploy([{ limit: KEY, capacity: 3 }]));

    story.when(set(KEY, 3)).thenRecords({ type: 'LimitSet', data: { source: 'api' } });
  });

  it('are removed once, and may be set again', () => {
    const story = fresh().after(set(KEY, 3));

    story.when(remove(KEY)).thenRecords({ type: 'LimitRemoved', data: { limitId: KEY, changeNo: 2 } });
    story.when(remove(KEY)).thenRefuses({ code: 'limit_not_found' });
    story.when(remove(QUEUE)).thenRefuses({ code: 'limit_not_found' });
    story.when(set(KEY, 3)).thenRecords({ type: 'LimitSet', data: { changeNo: 3 } });
  });

  it('give way to what the manifest declares, or its key implies, when they are removed', () => {
    const story = fresh().after(deploy([{ limit: QUEUE, capacity: 5 }], ['warehouse']));
    story.after(set(QUEUE, 10), set(KEY, 3), set(KEY, 4));

    story.when(remove(QUEUE)).thenRecords({
      type: 'LimitSet',
      data: { limitId: QUEUE, capacity: 5, source: 'manifest', changeNo: 6 },
    });
    story.when(remove(KEY)).thenRecords({ type: 'LimitSet', data: { capacity: 1, source: 'manifest' } });
    expect(inForce(story)).toEqual({ [QUEUE]: 5, [KEY]: 1 });
  });

  it('are not removed where the manifest alone has a word', () => {
    const story = fresh().after(deploy([{ limit: QUEUE, capacity: 5 }], ['warehouse']));

    story.when(remove(QUEUE)).thenRefuses({ code: 'limit_declared' });
    story.when(remove(KEY)).thenRefuses({ code: 'limit_declared' });
    story.after(set(KEY, 3), remove(KEY));
    story.when(remove(KEY)).thenRefuses({ code: 'limit_declared' });
  });

  it('give way to what was deployed last, declared before or not', () => {
    const first = deploy([{ limit: QUEUE, capacity: 5 }]);
    const story = fresh().after(first, set(QUEUE, 10), set(KEY, 3));
    const overridden = [{ limit: KEY, capacity: 2 }];

    story
      .when({ ...deploy(overridden), follows: first.deployment.manifestId })
      .thenRecords({ type: 'ManifestDeployed', data: { overriddenLimits: overridden } });
    expect(inForce(story)).toEqual({ [QUEUE]: 10, [KEY]: 3 });
    story.when(remove(QUEUE)).thenRecords({ type: 'LimitRemoved', data: { limitId: QUEUE } });
    story.when(remove(KEY)).thenRecords({ type: 'LimitSet', data: { capacity: 2, source: 'manifest' } });
  });

  it('are so many at most, and what is set may still be changed then', () => {
    const ids = Array.from({ length: concurrency.limitsMax }, (_, index) => LimitId.parse(`key:k${index}`));
    const [first = KEY] = ids;
    const facts = ids.map((limitId, index) => ({
      type: 'LimitSet',
      idempotencyKey: `${index}`,
      data: { limitId, capacity: 1, source: 'api', changeNo: index + 1 },
    }));
    const story = given(manifestsAggregate, { stream, nowMs: 1_000 }, ...facts);

    story
      .when(set(KEY, 1))
      .thenRefuses({ code: 'too_many_limits', details: { limit: concurrency.limitsMax } });
    story.when(set(first, 2)).thenRecords({ type: 'LimitSet' });
  });
});

describe('telling limits', () => {
  const owed = (story: ReturnType<typeof fresh>) => manifestsAggregate.outstanding(story.state(), 1_000);

  it('goes on until each has heard of the last change', () => {
    const story = fresh().after(set(KEY, 3), set(KEY, 4));
    expect(owed(story)).toEqual([
      {
        kind: 'issue-command',
        name: expect.stringMatching(/^limit-[a-z2-7]{26}-2$/) as string,
        stream: 'limit#acme/prod/key:warehouse',
        command: { type: 'SetCapacity', word: { capacity: 4, changeNo: 2 } },
        ifDone: { stream, command: confirm(KEY, 2) },
      },
    ]);
    expect(manifestsAggregate.waiting(story.state())).toEqual([
      { reason: 'limit', subject: KEY, deadlineMs: 1_000 + runTiming.silenceMs },
    ]);

    story.when(confirm(KEY, 1)).thenRecordsNothing();
    story.when(confirm(QUEUE, 1)).thenRecordsNothing();
    story.when(confirm(KEY, 2)).thenRecords({ type: 'LimitTold', data: { limitId: KEY, changeNo: 2 } });
    story.when(confirm(KEY, 2)).thenRecordsNothing();
    expect(owed(story)).toEqual([]);
    expect(manifestsAggregate.waiting(story.state())).toEqual([]);
    expect(inForce(story)).toEqual({ [KEY]: 4 });
  });

  it('forgets a removed limit once it has heard, and not the number of the change', () => {
    const story = fresh().after(set(KEY, 3), remove(KEY));
    expect(owed(story)).toMatchObject([{ command: { type: 'SetCapacity', word: { changeNo: 2 } } }]);
    expect(inForce(story)).toEqual({});

    story.after(confirm(KEY, 2));
    expect(story.state().limits).toEqual({ stream, lastChangeNo: 2, byId: {} });
  });

  it('takes a change only where it fits', () => {
    const story = fresh().after(set(KEY, 3), set(KEY, 4), confirm(KEY, 2));
    const before = story.state();
    const stale = story.history().filter(({ type }) => type === 'LimitSet');
    const told = { type: 'LimitTold', idempotencyKey: 'k', data: { limitId: QUEUE, changeNo: 1 } };

    expect(stale.reduce(manifestsAggregate.evolve, before)).toEqual(before);
    const place = { stream, version: 9, nowMs: 1_000 };
    expect(recorded([told], place).reduce(manifestsAggregate.evolve, before)).toEqual(before);
  });

  it('keeps the cursor of the rows going before the first deploy', () => {
    const [event] = fresh().after(set(KEY, 3)).history();
    const cursor = manifestProjection.cursor(stream);

    expect(event && manifestProjection.apply(undefined, cursor, event)).toEqual({ data: {} });
    const row = { data: { currentManifestId: 'm' } };
    expect(event && manifestProjection.apply(row, cursor, event)).toBe(row);
  });
});
