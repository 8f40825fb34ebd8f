import { describe, expect, it } from 'vitest';
import { parseAssetKey } from '#domain/manifest/asset-key.ts';
import { manifestFingerprint } from '#domain/manifest/fingerprint.ts';
import { validateManifest } from '#domain/manifest/validate.ts';
import { asset, manifest, validated } from '#test/support/manifest-fixtures.ts';

const faultsOf = (input: unknown) => {
  const check = validateManifest(input);
  return check.kind === 'valid' ? [] : check.faults.map(({ path, code }) => `${path} ${code}`);
};

describe('validateManifest', () => {
  it('accepts a graph with schedules and every optional member', () => {
    const check = validateManifest(
      manifest(
        [
          asset('markets', 'bars_1m', [], {
            partitioning: {
              isPartitioned: true,
              dimensions: [{ name: 'date', kind: 'time', granularity: 'day' }],
            },
            execution: { queue: 'gpu', retry: { maxAttempts: 5 } },
          }),
          asset('markets', 'regime', ['markets.bars_1m']),
        ],
        {
          schedules: [
            { id: 'eod', cron: '0 16 * * 1-5', assets: ['markets/bars_1m'], timezone: 'America/New_York' },
          ],
        },
      ),
    );
    expect(check).toMatchObject({ kind: 'valid', manifest: { schedules: [{ id: 'eod' }] } });
  });

  it('lists every fault at once, misshapen members beside wrong ones', () => {
    const faults = faultsOf({
      manifestVersion: ' ',
      codeVersionId: 'c1',
      surprise: 1,
      assets: [
        asset('markets', 'bars_1m', ['markets.regime', 'markets.nothing', 'Bad.key']),
        asset('markets', 'regime', ['markets.bars_1m']),
        asset('markets', 'bars_1m', []),
        { ...asset('users', '.daily', []), id: '' },
        { key: { namespace: 'markets', name: 'broken' } },
        asset('markets', 'parts', [], {
          partitioning: {
            isPartitioned: false,
            dimensions: [
              { name: 'Date', kind: 'time' },
              { name: 'x', kind: 'static' },
              { name: 'x', kind: 'tenant' },
              { name: 'batch', kind: 'dynamic', values: ['a'] },
            ],
          },
        }),
      ],
      schedules: [
        { id: 'a', cron: 'whenever', assets: ['markets.bars_1m'] },
        { id: 'a', cron: '61 * * * *', assets: ['markets.none', 'nonsense'], timezone: 'Mars/Base' },
        { id: ' ', cron: '0 0 16 * * 1-5', assets: [], timezone: ' ' },
      ],
    });
    expect(faults.sort()).toEqual(
      [
        ' invalid_shape',
        'assets[4].id invalid_shape',
        'manifestVersion blank',
        'assets[0].dependencies[1].upstreamKey unknown_upstream',
        'assets[0].dependencies[2].upstreamKey invalid_asset_key',
        'assets[3].key invalid_asset_key',
        'assets[3].id blank',
        'assets[2].key duplicate_asset_key',
        'assets[0].dependencies cycle',
        'assets[5].partitioning invalid_partitioning',
        'assets[5].partitioning.dimensions[0] invalid_partitioning',
        'assets[5].partitioning.dimensions[0] invalid_partitioning',
        'assets[5].partitioning.dimensions[2] invalid_partitioning',
        'assets[5].partitioning.dimensions[3] invalid_partitioning',
        'schedules[0].cron invalid_cron',
        'schedules[1].id duplicate_schedule',
        'schedules[1].cron invalid_cron',
        'schedules[1].timezone invalid_timezone',
        'schedules[1].assets[0] unknown_asset',
        'schedules[1].assets[1] invalid_asset_key',
        'schedules[2].id blank',
        'schedules[2].timezone invalid_timezone',
      ].sort(),
    );
  });

  it('names a cycle from its least member round to it', () => {
    const check = validateManifest(
      manifest([asset('m', 'c', ['m.b']), asset('m', 'b', ['m.a']), asset('m', 'a', ['m.c'])]),
    );
    expect(check).toMatchObject({
      faults: [
        {
          path: 'assets[2].dependencies',
          code: 'cycle',
          message: expect.stringContaining('m.a -> m.c -> m.b -> m.a') as string,
        },
      ],
    });
  });

  it('wants at least one asset', () => {
    expect(faultsOf(manifest([]))).toEqual(['assets no_assets']);
  });

  it.each([undefined, null, 'text', [], { assets: 'none' }])('answers faults for %o', (input) => {
    expect(faultsOf(input).length).toBeGreaterThan(0);
  });

  it('accepts 5 and 6 cron fields and no other number', () => {
    const withCron = (cron: string) =>
      faultsOf(manifest([asset('m', 'a', [])], { schedules: [{ id: 's', cron, assets: ['m.a'] }] }));
    expect(withCron('* * * * *')).toEqual([]);
    expect(withCron(' 0 * * * * * ')).toEqual([]);
    expect(withCron('* * * *')).toEqual(['schedules[0].cron invalid_cron']);
    expect(withCron('0 0 0 1 1 * 2026')).toEqual(['schedules[0].cron invalid_cron']);
  });
});

describe('asset keys', () => {
  it.each([
    ['markets.bars_1m', 'markets.bars_1m'],
    ['markets/bars_1m', 'markets.bars_1m'],
    ['a.b.c', 'a.b.c'],
  ])('%s is %s', (text, key) => {
    expect(parseAssetKey(text)).toBe(key);
  });

  it.each(['markets', 'users..daily', '.a', 'a.', 'A.b', 'a.B', 'a.1b', ' a.b', 'a.b ', 'a/b/c', ''])(
    '%s is none',
    (text) => {
      expect(parseAssetKey(text)).toBeUndefined();
    },
  );
});

describe('the fingerprint of a manifest', () => {
  const a = asset('m', 'a', []);
  const b = asset('m', 'b', ['m.a']);
  const other = asset('l', 'z', []);
  const schedules = [
    { id: 's', cron: '0 1 * * *', assets: ['m/a'] },
    { id: 'r', cron: '0 2 * * *', assets: ['m.a'] },
    { id: 'r', cron: '0 1 * * *', assets: ['m.a'] },
  ];
  const print = (assets: readonly object[], more: object = {}) =>
    manifestFingerprint(validated(manifest(assets, more)));

  it('does not depend on the order of assets, or on who deploys', () => {
    expect(print([a, b, other])).toBe(print([other, b, a], { deployedBy: 'someone' }));
  });

  it('takes both spellings of an asset key in schedules for the same', () => {
    const more = { schedules: [{ id: 's', cron: '0 1 * * *', assets: ['m.a'] }] };
    expect(print([a], more)).toBe(print([a], { schedules: schedules.slice(0, 1) }));
  });

  it('orders schedules and equal keys', () => {
    const unchecked = (assets: readonly object[], list: readonly object[]) =>
      manifestFingerprint({ ...validated(manifest([a])), assets: assets as never, schedules: list as never });
    const twin = { ...a, id: 'other' };
    expect(unchecked([a, twin], schedules)).toBe(unchecked([twin, a], [...schedules].reverse()));
    expect(unchecked([a], [{ id: 's', cron: 'x', assets: ['?'] }])).toMatch(/^[0-9a-f]{64}$/);
  });

  it('depends on content', () => {
    const variants = [
      print([a]),
      print([a, b]),
      print([a], { codeVersionId: 'c2' }),
      print([a], { metadata: { x: 1 } }),
    ];
    expect(new Set(variants).size).toBe(variants.length);
  });
});
