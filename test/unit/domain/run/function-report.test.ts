import { describe, expect, it } from 'vitest';
import type { Invoked } from '#domain/ports/functions.ts';
import { endingOf, overdue } from '#domain/run/function-report.ts';

const endOf = (invoked: Invoked) => endingOf('fn', invoked);
const failed = (errorType: string, message = 'it broke') => endOf({ kind: 'failed', errorType, message });

describe('the end of an attempt that a function made', () => {
  it.each([[undefined], [null]])('is a success without an output when it answers %s', (answer) => {
    expect(endOf({ kind: 'answered', answer })).toEqual({ outcome: 'SUCCEEDED' });
  });

  it('is what it answers', () => {
    const answer = {
      outcome: 'CANCELLED',
      metrics: { cpuTimeMs: 3 },
      cancelledDuringPhase: 'load',
      partialProgress: { rows: 7 },
    };

    expect(endOf({ kind: 'answered', answer })).toEqual(answer);
  });

  it.each([
    ['no object', 'done', 'the answer: '],
    ['an unknown outcome', { outcome: 'DONE' }, 'outcome: '],
    ['an unknown member', { outcome: 'SUCCEEDED', rows: 3 }, 'rows'],
    ['the words of another attempt', { outcome: 'SUCCEEDED', attemptId: 'att_1' }, 'attemptId'],
    ['a wrong output', { outcome: 'SUCCEEDED', output: { rowCount: -1 } }, 'output.rowCount: '],
  ])('is a failure that is not repeated when it answers %s', (_, answer, named) => {
    expect(endOf({ kind: 'answered', answer })).toMatchObject({
      outcome: 'FAILED',
      error: { category: 'USER_CODE', retryable: false, message: expect.stringContaining(named) as unknown },
    });
  });

  it.each([
    ['RangeError', 'USER_CODE'],
    ['Runtime.ExitError', 'USER_CODE'],
    ['Sandbox.Timedout', 'TIMEOUT'],
    ['Runtime.HandlerNotFound', 'CONFIGURATION'],
    ['Runtime.ImportModuleError', 'CONFIGURATION'],
  ])('after %s is a failure of the category %s', (errorType, category) => {
    expect(failed(errorType)).toEqual({
      outcome: 'FAILED',
      error: { category, message: `the function fn failed with ${errorType}: it broke` },
    });
  });

  it('is a timeout in the words of older runtimes', () => {
    expect(failed('Unhandled', '2026-11-28 Task timed out after 3.00 seconds')).toMatchObject({
      error: { category: 'TIMEOUT' },
    });
  });

  it('is for a person to see to when it cannot be invoked, and for a retry when Lambda does not answer', () => {
    expect(endOf({ kind: 'refused', message: 'no such function' })).toMatchObject({
      error: { category: 'CONFIGURATION' },
    });
    expect(endOf({ kind: 'unavailable', message: 'too many requests' })).toMatchObject({
      error: { category: 'INFRASTRUCTURE' },
    });
    expect(overdue('fn', 885_400)).toMatchObject({
      error: { category: 'TIMEOUT', message: expect.stringContaining('885 s') as unknown },
    });
  });
});
