import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { judgeReport, printClosingLine } from '#tools/check/closing-line.ts';

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
  it('is printed by the run of CI', () => {
    const script = readFileSync(path.join(process.cwd(), '.ci', 'run'), 'utf8');
    const [, called] = /node --import tsx (\S+) reports\/tests\.json/.exec(script) ?? [];
    expect(called).toBe('tools/check/run-closing-line.ts');
    expect(existsSync(path.join(process.cwd(), String(called)))).toBe(true);
  });

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

describe('printing it', () => {
  const printed = (content: object) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sluice-report-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'tests.json');
    writeFileSync(file, JSON.stringify(content));
    const said = { stdout: '', stderr: '' };
    const exitCode = printClosingLine(file, {
      stdout: (text) => (said.stdout += text),
      stderr: (text) => (said.stderr += text),
    });
    return { exitCode, ...said };
  };

  it('ends with 0 for a whole green report', () => {
    const testResults = Array.from({ length: 1_000 }, () => ({ name: 'a', status: 'passed' }));

    expect(printed(report({ testResults }))).toEqual({
      exitCode: 0,
      stdout: '10 passed, 0 failed\n',
      stderr: '',
    });
  });

  it('ends with 1 and says why when files are missing', () => {
    expect(printed(report())).toEqual({
      exitCode: 1,
      stdout: '10 passed, 0 failed\n',
      stderr: expect.stringMatching(/^2 test files ran, the floor is \d+\n$/) as string,
    });
  });
});
