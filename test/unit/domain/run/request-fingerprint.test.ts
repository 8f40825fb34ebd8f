import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TriggerRunRequest } from '#contracts/runs/trigger.ts';
import { planRun } from '#domain/run/plan.ts';
import { fingerprintBeside } from '#domain/run/request-fingerprint.ts';
import { asset, manifest, validated } from '#test/support/manifest-fixtures.ts';

const DIMENSIONS = [
  { name: 'region', kind: 'static', values: ['EU', 'US'] },
  { name: 'day', kind: 'time', granularity: 'day' },
  { name: 'hour', kind: 'time', granularity: 'hour' },
  { name: 'week', kind: 'time', granularity: 'week' },
  { name: 'month', kind: 'time', granularity: 'month' },
];
const VALUES: Readonly<Record<string, readonly string[]>> = {
  region: ['EU', 'US'],
  day: ['2026-01-02'],
  hour: ['2026-01-02T21:00Z', '2026-01-02T21:00:00.000000Z'],
  week: ['2026-W02', '2026-01-05'],
  month: ['2026-01', '2026-01-01'],
};
const code = validated(manifest([asset('m', 'a', [], { partitioning: { dimensions: DIMENSIONS } })]));
const request = (body: object): TriggerRunRequest => TriggerRunRequest.parse({ selection: ['m.a'], ...body });
const plannedOf = (body: object) => {
  const result = planRun(code, request(body));
  if (result.kind === 'rejected') expect.fail(result.rejection.message);
  return result;
};
const partitions = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([key, value]) => ({ key, value }));
const named = partitions({ region: 'EU', day: '2026-01-02', hour: '2026-01-02T21:00Z', week: '2026-W02' });
const WHOLE = [...named, { key: 'month', value: '2026-01' }];
const started = plannedOf({ partitions: WHOLE });

describe('the fingerprint beside the run of a key', () => {
  it('is that of the plan, however the partition is written', () => {
    const spelled = fc.record(
      Object.fromEntries(Object.entries(VALUES).map(([name, values]) => [name, fc.constantFrom(...values)])),
    );
    const more = fc.record({
      includeUpstream: fc.boolean(),
      labels: fc.constantFrom({}, { desk: 'rates' }),
      timeoutSec: fc.option(fc.constant(60), { nil: undefined }),
      selection: fc.constantFrom(['m.a'], ['m/a', 'm.a']),
    });
    fc.assert(
      fc.property(spelled, more, (values, rest) => {
        const body = { ...rest, partitions: partitions(values) };
        const { fingerprint, plan } = plannedOf(body);
        expect(fingerprintBeside(request(body), plan.partitionKey)).toBe(fingerprint);
        const { partitionKey } = plan;
        expect(fingerprintBeside(request({ ...rest, partitionKey }), partitionKey)).toBe(fingerprint);
      }),
    );
  });

  it('of a request without a partition needs none', () => {
    const plain = fingerprintBeside(request({}), undefined);
    expect(plain).toBe(plannedOf({}).fingerprint);
    expect(fingerprintBeside(request({}), started.plan.partitionKey)).toBe(plain);
    expect(plain).not.toBe(started.fingerprint);
  });

  it('of another canonical partition is another', () => {
    const other = fingerprintBeside(request({ partitionKey: 'day=d:2026-01-03' }), started.plan.partitionKey);
    expect(other).toMatch(/^[0-9a-f]{64}$/);
    expect(other).not.toBe(started.fingerprint);
  });

  it.each([
    ['a malformed asset key', { selection: ['m.a', '..'] }, undefined],
    ['a label that only Sluice sets', { labels: { 'arco.rerun.kind': 'x' } }, undefined],
    ['a partition key that is not canonical', { partitionKey: 'day=2026-01-02' }, undefined],
    ['values beside a run without a partition', { partitions: WHOLE }, undefined],
    ['values beside a key that is not canonical', { partitions: WHOLE }, 'day'],
    ['too few values', { partitions: named }, started.plan.partitionKey],
    [
      'a value given twice',
      { partitions: [...named, { key: 'day', value: '2026-01-02' }] },
      started.plan.partitionKey,
    ],
    [
      'values of another dimension',
      { partitions: [...named, { key: 'year', value: '2026' }] },
      started.plan.partitionKey,
    ],
    [
      'another text',
      { partitions: WHOLE.map((one) => (one.key === 'region' ? { ...one, value: 'US' } : one)) },
      started.plan.partitionKey,
    ],
    [
      'another week',
      { partitions: WHOLE.map((one) => (one.key === 'week' ? { ...one, value: '2026-W03' } : one)) },
      started.plan.partitionKey,
    ],
  ])('is left to planning for %s', (_name, body, ofRun) => {
    expect(fingerprintBeside(request(body), ofRun)).toBeUndefined();
  });
});
