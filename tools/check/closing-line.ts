/**
 * The line `N passed, N failed` from a vitest JSON report, and what makes the run fail: nothing ran, something was
 * skipped, or the report has fewer test files than the recorded floor. A suite that lost files must not look green.
 */
import { readFileSync } from 'node:fs';

/** Test files of the last accepted tree, without the heavy ones; raised when files are added, never lowered. */
const TEST_FILES_FLOOR = 385;

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly success: boolean;
  readonly testResults: readonly { readonly name: string; readonly status: string }[];
}

/** What a report comes to: the closing line and the faults that make the run fail. */
export const judgeReport = (
  report: Report,
  filesFloor: number,
): { readonly line: string; readonly faults: readonly string[] } => {
  const skipped = report.numPendingTests + report.numTodoTests;
  const files = report.testResults.length;
  const brokenFiles = report.testResults.filter(({ status }) => status === 'failed').length;
  const failed = Math.max(report.numFailedTests, report.success ? 0 : Math.max(1, brokenFiles));
  const faults = [
    ...(report.numPassedTests + report.numFailedTests === 0 ? ['no test ran'] : []),
    ...(skipped > 0 ? [`${skipped} tests were skipped`] : []),
    ...(files < filesFloor ? [`${files} test files ran, the floor is ${filesFloor}`] : []),
    ...(failed > 0 ? [`${failed} tests failed`] : []),
  ];
  return { line: `${report.numPassedTests} passed, ${failed} failed`, faults };
};

/** Prints the closing line of the report in a file, and before it every fault; answers the exit code. */
export const printClosingLine = (
  file: string,
  streams: { readonly stdout: (text: string) => void; readonly stderr: (text: string) => void },
): 0 | 1 => {
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  const { line, faults } = judgeReport(report, TEST_FILES_FLOOR);
  for (const fault of faults) streams.stderr(`${fault}\n`);
  streams.stdout(`${line}\n`);
  return faults.length === 0 ? 0 : 1;
};
