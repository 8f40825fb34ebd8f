import { brotliCompressSync, constants } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ErrorCategory } from '#contracts/runs/task-output.ts';
import { defaultPolicy } from '#domain/run/plan.ts';
import { backoffMs, isRetryable, jitterOf, retryAtMs } from '#domain/run/retry.ts';
import { safeText } from '#domain/run/safe-text.ts';
import { decodeRun, encodeRun } from '#domain/run/state-codec.ts';
import { START_MS, claim, finish, planOf, runId, triggered } from '#test/support/run-fixtures.ts';

const policy = defaultPolicy.retry;
const ref = { runId, taskKey: 'm.a', attempt: 1 };

describe('the retry policy', () => {
  it('waits 30, 60, 120, 240, 480, then 900 seconds by default', () => {
    const seconds = [1, 2, 3, 4, 5, 6, 7, 100].map((attempt) => backoffMs(policy, attempt) / 1000);
    expect(seconds).toEqual([30, 60, 120, 240, 480, 900, 900, 900]);
  });

  it.each<[ErrorCategory, boolean]>([
    ['USER_CODE', true],
    ['DATA_QUALITY', false],
    ['INFRASTRUCTURE', true],
    ['CONFIGURATION', false],
    ['TIMEOUT', true],
    ['CANCELLED', false],
  ])('takes %s as retryable: %s, unless the report says otherwise', (category, expected) => {
    expect(isRetryable({ category, message: '' })).toBe(expected);
    expect(isRetryable({ category, message: '', retryable: !expected })).toBe(!expected);
  });

  it.each<[readonly ErrorCategory[], boolean | undefined, boolean]>([
    [['DATA_QUALITY'], undefined, true],
    [['DATA_QUALITY'], true, true],
    [['DATA_QUALITY'], false, false],
    [['TIMEOUT'], undefined, false],
    [['TIMEOUT'], true, false],
    [[], true, false],
  ])('that names %j, on DATA_QUALITY reported retryable %s: %s', (retryOn, retryable, expected) => {
    const error = {
      category: 'DATA_QUALITY' as const,
      message: '',
      ...(retryable === undefined ? {} : { retryable }),
    };
    expect(isRetryable(error, retryOn)).toBe(expected);
    const next = retryAtMs({ ...policy, retryOn }, { ref, error, nowMs: 0 });
    expect(next).toBe(expected ? 30_000 : undefined);
  });

  it('takes a failure without an error for USER_CODE', () => {
    expect(isRetryable(undefined, ['USER_CODE'])).toBe(true);
    expect(isRetryable(undefined, ['TIMEOUT'])).toBe(false);
  });

  it('retries a failure without an error, up to the last attempt', () => {
    const at = (attempt: number) =>
      retryAtMs(policy, { ref: { ...ref, attempt }, error: undefined, nowMs: 0 });
    expect([at(1), at(2), at(3)]).toEqual([30_000, 60_000, undefined]);
  });

  it('spreads by the attempt, below its bound, always alike', () => {
    const spread = Array.from({ length: 200 }, (_, i) => jitterOf(1_000, { ...ref, attempt: i + 1 }));
    expect(spread.every((value) => value >= 0 && value < 1_000)).toBe(true);
    expect(new Set(spread).size).toBeGreaterThan(150);
    expect(jitterOf(1_000, ref)).toBe(jitterOf(1_000, ref));
    expect(jitterOf(0, ref)).toBe(0);
    expect(retryAtMs({ ...policy, jitterMs: 1_000 }, { ref, error: undefined, nowMs: 0 })).toBe(
      30_000 + jitterOf(1_000, ref),
    );
  });
});

describe('the packed run', () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `m.task_${i}`);
  const sizeOf = (count: number, done: number) => {
    const story = triggered(planOf(Object.fromEntries(names(count).map((name) => [name, []]))));
    for (const name of names(done)) story.after(...finish(name));
    const text = encodeRun(story.state());
    return brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }).length;
  };

  it('stays small: under 250 bytes for 10 tasks, under 4 KB for 500', () => {
    expect(sizeOf(10, 5)).toBeLessThan(250);
    expect(sizeOf(500, 250)).toBeLessThan(4_096);
  });

  it('names a worker once', () => {
    const story = triggered(planOf({ 'm.a': [], 'm.b': [], 'm.c': [] })).after(
      claim('m.a', 'worker-one'),
      claim('m.b', 'worker-one'),
      claim('m.c', 'worker-two'),
    );
    const text = encodeRun(story.state());
    expect(text.split('worker-one')).toHaveLength(2);
    expect(decodeRun(text)).toMatchObject({
      tasks: [
        { workerId: 'worker-one' },
        { workerId: 'worker-one' },
        { workerId: 'worker-two', lastSeenMs: START_MS },
      ],
    });
  });

  it('reads a run without any task or member as such', () => {
    expect(decodeRun(encodeRun({ status: 'none' }))).toEqual({ status: 'none' });
    expect(decodeRun('{"s":"RUNNING"}')).toEqual({
      status: 'RUNNING',
      tasks: [],
      changedAtMs: 0,
      origin: undefined,
    });
    expect(decodeRun('{"s":"TRIGGERED"}')).toEqual({ status: 'none' });
    expect(decodeRun('{"s":"RUNNING","k":"?x","a":"11"}')).toMatchObject({
      tasks: [{ status: 'BLOCKED' }, { status: 'RUNNING', workerId: '' }],
    });
  });
});

describe('free text', () => {
  it('is kept whole up to its bound and cut beyond it', () => {
    expect(safeText('x'.repeat(10), 10)).toBe('x'.repeat(10));
    expect(safeText('x'.repeat(11), 10)).toBe('xxxx [cut]');
  });

  it('says that it was cut even when taking secrets out made it short', () => {
    expect(safeText(`password=${'s'.repeat(100)}`, 20)).toBe('password=[reda [cut]');
  });
});
