import { describe, expect, expectTypeOf, it } from 'vitest';
import type { AttemptId } from '#contracts/ids.ts';
import { RunId, TaskKey } from '#contracts/ids.ts';
import {
  attemptId,
  callbackTaskId,
  decodeCallbackTaskId,
  dispatchId,
  effectName,
  manifestId,
  partitionId,
  planId,
  queueTaskId,
  retryTimerId,
  runIdFromRunKey,
  triggerFingerprint,
} from '#domain/kernel/ids.ts';
import { valueOf } from '#domain/kernel/value-of.ts';

const ref = { runId: '01JQ8Z3T5N6M7P8Q9R0S1T2V3W', taskKey: 'markets.bars_1m', attempt: 1 };
const runId = RunId.parse('run_01JQ8Z3T5N6M7P8Q9R0S1T2V3W');

describe('ids by formula', () => {
  it('agree with the published vectors', () => {
    expect(dispatchId(ref)).toBe('dispatch:01JQ8Z3T5N6M7P8Q9R0S1T2V3W:markets.bars_1m:1');
    expect(attemptId(ref)).toBe('att_a7376ffcf0268ca0d38f1338');
    expect(queueTaskId('d', dispatchId(ref))).toBe('d_fkacz6xqkq3j2jfm42urmercbe');
    expect(callbackTaskId(ref)).toBe('ct1_MDFKUThaM1Q1TjZNN1A4UTlSMFMxVDJWM1cAbWFya2V0cy5iYXJzXzFt');
  });

  it('name the retry timer by its second', () => {
    const timer = retryTimerId(ref, 1_767_225_630_999);
    expect(timer).toBe('timer:retry:01JQ8Z3T5N6M7P8Q9R0S1T2V3W:markets.bars_1m:1:1767225630');
    expect(queueTaskId('t', timer)).toBe('t_l6gofohqwlrpmov4zgldigmra7');
  });

  it('derive the run of a run key under the secret of the tenant', () => {
    const scope = { tenantId: 'acme', workspaceId: 'prod', runKey: 'sched:eod-close:1767225600' };
    expect(runIdFromRunKey('dev-secret', scope)).toBe('run_hkcoauemkiy6y4sk3a2qpwr54m');
    expect(runIdFromRunKey('other', scope)).not.toBe(runIdFromRunKey('dev-secret', scope));
    expect(runIdFromRunKey('dev-secret', { ...scope, workspaceId: 'test' })).not.toBe(
      runIdFromRunKey('dev-secret', scope),
    );
  });

  it('name plans, partitions, manifests and effects', () => {
    expect(planId(runId)).toBe('plan_run_01JQ8Z3T5N6M7P8Q9R0S1T2V3W');
    expect(partitionId('a1', 'date=d:2026-01-02')).toMatch(/^part_[0-9a-f]{32}$/);
    const scope = { tenantId: 'acme', workspaceId: 'prod' };
    expect(manifestId(scope, 'f')).toMatch(/^man_[a-z2-7]{26}$/);
    expect(manifestId(scope, 'f')).not.toBe(manifestId({ ...scope, workspaceId: 'x' }, 'f'));
    expect(effectName('retry', 'timer:retry:r:t:1:9', 2)).toMatch(/^retry-[a-z2-7]{26}-2$/);
  });
});

it('a value that must be there is answered or is a broken invariant', () => {
  expect(valueOf(new Map([['a', 1]]), 'a')).toBe(1);
  expect(() => valueOf(new Map<string, number>(), 'a')).toThrow('there is no entry for a');
});

describe('the callback task id', () => {
  it('names its run and task again', () => {
    const id = callbackTaskId({ runId, taskKey: 'markets.bars_1m' });
    expect(decodeCallbackTaskId(id)).toEqual({ runId, taskKey: 'markets.bars_1m' });
  });

  const encode = (text: string): string => `ct1_${Buffer.from(text).toString('base64url')}`;
  // The last character holds spare bits that decoding ignores; the next letter decodes to the same bytes.
  const respelled = (id: string): string =>
    id.slice(0, -1) + String.fromCharCode(id.charCodeAt(id.length - 1) + 1);
  it.each([
    ['a bare task key', 'markets.bars_1m'],
    ['an empty id', 'ct1_'],
    ['no separator', encode('abc')],
    ['a foreign run id', encode('run\0markets.bars_1m')],
    ['a malformed task key', encode(`${runId}\0Markets`)],
    ['another spelling of the same bytes', respelled(callbackTaskId({ runId, taskKey: 'm.ab' }))],
  ])('is not read from %s', (_, text) => {
    expect(decodeCallbackTaskId(text)).toBeUndefined();
  });
});

describe('the trigger fingerprint', () => {
  const plain = { includeUpstream: false, includeDownstream: true, labels: {} };

  it('agrees with the published vectors', () => {
    expect(triggerFingerprint({ ...plain, selection: ['markets.bars_1m', 'markets.features'] })).toBe(
      '307f111889af90df32b535401661a6bce79a9fe109ee899bed595352d7748efc',
    );
    expect(
      triggerFingerprint({
        selection: ['markets.bars_1m'],
        includeUpstream: false,
        includeDownstream: false,
        partitionKey: 'date=d:2026-01-02',
        labels: { desk: 'rates' },
      }),
    ).toBe('74658a0b234f01238f86f36c4bf60e15d574e3b57cbac37a7a94f9ecd8c4b2b5');
  });

  it('does not depend on order or repetition', () => {
    const labels = { '10': 'x', '9': 'y', a: 'z' };
    expect(triggerFingerprint({ ...plain, labels, selection: ['m.b', 'm.a', 'm.b'] })).toBe(
      triggerFingerprint({ ...plain, labels: { a: 'z', '9': 'y', '10': 'x' }, selection: ['m.a', 'm.b'] }),
    );
  });

  it('depends on every member', () => {
    const base = { ...plain, selection: ['m.a'] };
    const variants = [
      base,
      { ...base, selection: ['m.b'] },
      { ...base, includeUpstream: true },
      { ...base, includeDownstream: false },
      { ...base, partitionKey: 'p=s:' },
      { ...base, labels: { a: 'b' } },
    ];
    expect(new Set(variants.map(triggerFingerprint)).size).toBe(variants.length);
  });
});

it('branded ids do not mix', () => {
  expectTypeOf<AttemptId>().not.toEqualTypeOf<RunId>();
  const takesRunId = (id: RunId): string => id;
  // @ts-expect-error a task key is no run id
  takesRunId(TaskKey.parse('m.a'));
  // @ts-expect-error plain text is no run id
  takesRunId('run_01JQ8Z3T5N6M7P8Q9R0S1T2V3W');
  expect(takesRunId(runId)).toBe(runId);
});
