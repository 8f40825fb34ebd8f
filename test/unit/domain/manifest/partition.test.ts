import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PartitionDimension } from '#contracts/runs/manifest.ts';
import { encodePartitionKey, normalizePartition, parsePartitionKey } from '#domain/manifest/partition.ts';
import { isDate, isTimestamp } from '#domain/manifest/partition-scalar.ts';
import type { ScalarValue } from '#domain/manifest/partition-scalar.ts';

const key = (values: Readonly<Record<string, ScalarValue>>) =>
  encodePartitionKey(new Map(Object.entries(values)));

describe('canonical partition keys', () => {
  it.each<[Readonly<Record<string, ScalarValue>>, string]>([
    [
      { region: { tag: 's', value: 'us-east' }, date: { tag: 'd', value: '2025-01-15' } },
      'date=d:2025-01-15,region=s:dXMtZWFzdA',
    ],
    [
      {
        z_last: { tag: 'i', value: 3n },
        a_first: { tag: 'i', value: 1n },
        m_middle: { tag: 'i', value: 2n },
      },
      'a_first=i:1,m_middle=i:2,z_last=i:3',
    ],
    [{ ts: { tag: 't', value: '2025-01-15T10:30:00.000000Z' } }, 'ts=t:2025-01-15T10:30:00.000000Z'],
    [{ missing: { tag: 'n' } }, 'missing=n:null'],
    [{ empty: { tag: 's', value: '' } }, 'empty=s:'],
    [{ name: { tag: 's', value: '日本語' } }, 'name=s:5pel5pys6Kqe'],
    [{ emoji: { tag: 's', value: '🎉' } }, 'emoji=s:8J-OiQ'],
    [{ big: { tag: 'i', value: 9223372036854775807n } }, 'big=i:9223372036854775807'],
    [{ delta: { tag: 'i', value: -42n } }, 'delta=i:-42'],
    [{ flag: { tag: 'b', value: true } }, 'flag=b:true'],
    [{ flag: { tag: 'b', value: false } }, 'flag=b:false'],
  ])('spell %o as %s and read it back', (values, text) => {
    expect(key(values)).toBe(text);
    expect(parsePartitionKey(text)).toEqual(new Map(Object.entries(values)));
  });

  it.each([
    '',
    'date',
    'Date=d:2025-01-15',
    'date=d:2025-02-29',
    'date=d:2025-1-5',
    'a=i:01',
    'a=i:-0',
    'a=i:9223372036854775808',
    'a=i:1.5',
    'a=b:yes',
    'a=s:dXM=',
    'a=x:1',
    'a=n:nil',
    'a=t:2025-01-15T10:30:00Z',
    'a=t:2025-01-15T24:00:00.000000Z',
    'b=i:1,a=i:1',
    'a=i:1,a=i:2',
    'a=i:1, b=i:2',
  ])('refuse %s', (text) => {
    expect(parsePartitionKey(text)).toBeUndefined();
  });

  it('round-trip for any values, whatever their order', () => {
    const scalar: fc.Arbitrary<ScalarValue> = fc.oneof(
      fc.string({ unit: 'grapheme' }).map((value) => ({ tag: 's' as const, value })),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({ tag: 'i' as const, value })),
      fc.boolean().map((value) => ({ tag: 'b' as const, value })),
      fc.constant({ tag: 'n' as const }),
    );
    const values = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z][a-z0-9_]{0,9}$/), scalar), {
      minLength: 1,
      maxLength: 5,
      selector: ([name]) => name,
    });
    fc.assert(
      fc.property(values, (entries) => {
        const text = encodePartitionKey(new Map(entries));
        expect(encodePartitionKey(new Map([...entries].reverse()))).toBe(text);
        expect(parsePartitionKey(text)).toEqual(new Map(entries));
      }),
    );
  });

  it('know the calendar', () => {
    expect(['1970-01-01', '2024-02-29', '2000-02-29', '2026-12-31'].every(isDate)).toBe(true);
    expect(
      [
        '1969-12-31',
        '2023-02-29',
        '1900-02-29',
        '2100-02-29',
        '2026-04-31',
        '2026-13-01',
        '2026-00-10',
        '2026-01-00',
        'x',
      ].some(isDate),
    ).toBe(false);
    expect(isTimestamp('2026-01-02T23:59:59.999999Z')).toBe(true);
    expect(isTimestamp('2026-02-30T00:00:00.000000Z')).toBe(false);
  });
});

describe('a requested partition', () => {
  const DAY: PartitionDimension = { name: 'date', kind: 'time', granularity: 'day' };
  const HOUR: PartitionDimension = { name: 'hour', kind: 'time', granularity: 'hour' };
  const REGION: PartitionDimension = { name: 'region', kind: 'static', values: ['eu', 'us'] };
  const WEEK: PartitionDimension = { name: 'week', kind: 'time', granularity: 'week' };
  const MONTH: PartitionDimension = { name: 'month', kind: 'time', granularity: 'month' };
  const BATCH: PartitionDimension = { name: 'batch', kind: 'dynamic' };
  const TENANT: PartitionDimension = { name: 'tenant', kind: 'tenant' };
  const plain = (partitions: Readonly<Record<string, string>>) => ({
    partitions: Object.entries(partitions).map(([name, value]) => ({ key: name, value })),
  });

  it.each<[readonly PartitionDimension[], Readonly<Record<string, string>>, string]>([
    [[DAY], { date: '2026-01-02' }, 'date=d:2026-01-02'],
    [[HOUR], { hour: '2026-01-02T21:00:00Z' }, 'hour=t:2026-01-02T21:00:00.000000Z'],
    [[HOUR], { hour: '2026-01-02T21:00Z' }, 'hour=t:2026-01-02T21:00:00.000000Z'],
    [[HOUR], { hour: '2026-01-02T21:00:00.000Z' }, 'hour=t:2026-01-02T21:00:00.000000Z'],
    [[REGION, DAY], { region: 'eu', date: '2026-01-02' }, 'date=d:2026-01-02,region=s:ZXU'],
    [[TENANT], { tenant: 'any one' }, 'tenant=s:YW55IG9uZQ'],
    [[{ name: 'venue', kind: 'static' }], { venue: 'x' }, 'venue=s:eA'],
    [[{ name: 'date', kind: 'time' }], { date: '2026-01-02' }, 'date=d:2026-01-02'],
    [[WEEK], { week: '2026-01-05' }, 'week=d:2026-01-05'],
    [[WEEK], { week: '2026-W02' }, 'week=d:2026-01-05'],
    [[WEEK], { week: '2026-W01' }, 'week=d:2025-12-29'],
    [[WEEK], { week: '2026-W53' }, 'week=d:2026-12-28'],
    [[WEEK], { week: '1970-W02' }, 'week=d:1970-01-05'],
    [[MONTH], { month: '2026-02' }, 'month=d:2026-02-01'],
    [[MONTH], { month: '2026-02-01' }, 'month=d:2026-02-01'],
    [[BATCH], { batch: 'b' }, 'batch=s:Yg'],
    [[BATCH], { batch: 'x'.repeat(256) }, `batch=s:${Buffer.from('x'.repeat(256)).toString('base64url')}`],
    [
      [DAY, REGION, TENANT],
      { tenant: 't', region: 'us', date: '2026-01-02' },
      'date=d:2026-01-02,region=s:dXM,tenant=s:dA',
    ],
  ])('in plain values becomes canonical', (dimensions, values, expected) => {
    expect(normalizePartition(dimensions, plain(values))).toEqual({ kind: 'key', key: expected });
  });

  it('may be canonical already', () => {
    const request = { partitionKey: 'date=d:2026-01-02,region=s:ZXU' };
    expect(normalizePartition([DAY, REGION], request)).toEqual({ kind: 'key', key: request.partitionKey });
  });

  it.each<[readonly PartitionDimension[], Parameters<typeof normalizePartition>[1], RegExp]>([
    [[DAY], plain({ date: '2026-02-30' }), /takes a day/],
    [[DAY], { partitionKey: 'date=s:eA' }, /takes a day/],
    [[HOUR], plain({ hour: '2026-01-02T21:30:00Z' }), /takes a full hour/],
    [[HOUR], plain({ hour: 'noon' }), /takes a full hour/],
    [[HOUR], { partitionKey: 'hour=d:2026-01-02' }, /takes a full hour/],
    [[HOUR], plain({ hour: '2026-02-30T21:00:00Z' }), /takes a full hour/],
    [[REGION], plain({ region: 'mars' }), /takes one of eu, us/],
    [[REGION], { partitionKey: 'region=i:1' }, /takes a text/],
    [[TENANT], { partitionKey: 'tenant=n:null' }, /takes a text; given was "null"/],
    [[WEEK], plain({ week: '2026-01-06' }), /week takes the Monday .* given was "2026-01-06"; send such/],
    [[WEEK], plain({ week: '2025-W53' }), /takes the Monday/],
    [[WEEK], plain({ week: '2025-W00' }), /takes the Monday/],
    [[WEEK], plain({ week: '1970-W01' }), /takes the Monday/],
    [[WEEK], plain({ week: '1969-W10' }), /takes the Monday/],
    [[WEEK], plain({ week: '0070-W02' }), /takes the Monday .* given was "0070-W02"/],
    [[WEEK], plain({ week: '0099-W02' }), /takes the Monday/],
    [[WEEK], { partitionKey: 'week=t:2026-01-05T00:00:00.000000Z' }, /takes the Monday/],
    [[MONTH], plain({ month: '2026-02-02' }), /takes the first day of a month/],
    [[MONTH], plain({ month: '2026-13' }), /takes the first day of a month/],
    [[BATCH], plain({ batch: '' }), /takes a text of 1 to 256 characters/],
    [[BATCH], plain({ batch: ' b' }), /outer blanks/],
    [[BATCH], plain({ batch: 'a\nb' }), /control characters/],
    [[BATCH], plain({ batch: 'x'.repeat(257) }), /1 to 256/],
    [[BATCH], { partitionKey: 'batch=i:7' }, /takes a text of 1 to 256 .* given was "7"/],
    [
      [{ name: 'n', kind: 'static', values: Array.from({ length: 21 }, (_, index) => `v${index}`) }],
      plain({ n: 'v21' }),
      /v19 and 1 more; given was "v21"/,
    ],
    [[DAY], plain({ date: '2026-01-02', extra: 'x' }), /must be exactly date/],
    [[DAY, REGION], plain({ date: '2026-01-02' }), /must be exactly date, region/],
    [[DAY], plain({ day: '2026-01-02' }), /must be exactly date; given were day/],
    [
      [DAY],
      {
        partitions: [
          { key: 'date', value: '2026-01-02' },
          { key: 'date', value: '2026-01-03' },
        ],
      },
      /given twice/,
    ],
    [[DAY], { partitionKey: 'date=2026-01-02' }, /"date=2026-01-02" is not canonical/],
    [[TENANT], plain({ tenant: 'x'.repeat(800) }), /at most 1024/],
  ])('that does not fit is refused with what is allowed', (dimensions, request, message) => {
    expect(normalizePartition(dimensions, request)).toMatchObject({
      kind: 'fault',
      message: expect.stringMatching(message) as string,
    });
  });
});
