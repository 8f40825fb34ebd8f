/** Runs named test files with vitest and reads its report. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestReport } from '#tools/parity/verify.ts';

/** A report with its counts. */
export interface SuiteReport extends TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

/** How vitest is called for these files. */
export const suiteCommand = (files: readonly string[]): readonly string[] => [
  'npx',
  'vitest',
  'run',
  ...files,
];

/** The report of these test files, run now on the files as they are. */
export const runSuite = (root: string, files: readonly string[]): SuiteReport => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-suite-'));
  try {
    const report = path.join(folder, 'report.json');
    const [command = '', ...args] = suiteCommand(files);
    spawnSync(command, [...args, '--reporter=json', `--outputFile.json=${report}`], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return JSON.parse(readFileSync(report, 'utf8')) as SuiteReport;
  } finally {
    rmSync(folder, { recursive: true });
  }
};
