import { describe, expect, it } from 'vitest';
import { judgeReport } from '#tools/check/closing-line.ts';

const report = (over: object = {}) => ({
  numPassedTests: 10,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  success: true,
  testResults: [
    { name: 'a.test.ts', status: 'passed' },
    { name: 'b.test.ts', status: 'passed' },
  ],
  ...over,
});

describe('the closing line', () => {
  it('is computed from the report', () => {
    expect(judgeReport(report(), 2)).toEqual({ line: '10 passed, 0 failed', faults: [] });
  });

  it.each([
    [
      'a test failed',
      { numFailedTests: 1, success: false },
      { line: '10 passed, 1 failed', faults: ['1 tests failed'] },
    ],
    [
      'a file broke before its first test',
      {
        success: false,
        testResults: [
          { name: 'a', status: 'failed' },
          { name: 'b', status: 'passed' },
        ],
      },
      { line: '10 passed, 1 failed', faults: ['1 tests failed'] },
    ],
    [
      'the run was unsuccessful for a reason of its own',
      { success: false },
      { line: '10 passed, 1 failed', faults: ['1 tests failed'] },
    ],
    [
      'nothing ran',
      { numPassedTests: 0, testResults: [] },
      { line: '0 passed, 0 failed', faults: ['no test ran', '0 test files ran, the floor is 2'] },
    ],
    [
      'a test was skipped',
      { numPendingTests: 1 },
      { line: '10 passed, 0 failed', faults: ['1 tests were skipped'] },
    ],
    [
      'a test is only planned',
      { numTodoTests: 1 },
      { line: '10 passed, 0 failed', faults: ['1 tests were skipped'] },
    ],
    [
      'a file went missing',
      { testResults: [{ name: 'a', status: 'passed' }] },
      { line: '10 passed, 0 failed', faults: ['1 test files ran, the floor is 2'] },
    ],
  ])('is red when %s', (_case, over, expected) => {
    expect(judgeReport(report(over), 2)).toEqual(expected);
  });
});
