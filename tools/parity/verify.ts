/**
 * Holds the rows of the matrix that claim to be implemented to a report of their tests: each names tests that exist,
 * assert, ran and passed, and paths that are there.
 */
import { createHash } from 'node:crypto';
import { assertingTests } from '#tools/parity/asserting-tests.ts';
import { gatesOf, isImplemented, testFilesOf } from '#tools/parity/matrix.ts';
import type { MatrixRow } from '#tools/parity/matrix.ts';

/** The part of a vitest JSON report that is read. */
export interface TestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

export interface VerifySetting {
  /** Content of a file of the repository; undefined when there is none. */
  readonly read: (file: string) => string | undefined;
  readonly exists: (file: string) => boolean;
  readonly report: TestReport;
}

/** What the tests of the matrix came to. */
export interface Verified {
  /** `gate=passed` or `gate=failed`, sorted. */
  readonly results: readonly string[];
  readonly faults: readonly string[];
  /** SHA-256 over the sorted results. */
  readonly parityHash: string;
}

/** Checks every implemented row; faults name line and section. */
export const verifyRows = (rows: readonly MatrixRow[], setting: VerifySetting): Verified => {
  const results = new Set<string>();
  const faults: string[] = [];
  for (const row of rows.filter(isImplemented)) {
    const say = (fault: string): void =>
      void faults.push(`line ${row.line} [${row.section}] ${row.capability}: ${fault}`);
    checkEvidence(row, setting, say);
    for (const gate of gatesOf(row)) results.add(`${gate}=${gateResult(gate, row, { setting, say })}`);
  }
  const sorted = [...results].sort();
  return {
    results: sorted,
    faults,
    parityHash: createHash('sha256').update(sorted.join('\n')).digest('hex'),
  };
};

type Say = (fault: string) => void;

const checkEvidence = (row: MatrixRow, { exists }: VerifySetting, say: Say): void => {
  for (const [name, cell] of [
    ['code', row.code],
    ['tests', row.tests],
    ['CI', row.ci],
  ] as const)
    if (cell === '') say(`has no evidence of ${name}`);
  if (testFilesOf(row).length === 0) say('names no test file');
  if (gatesOf(row).length === 0) say('names no gate');
  if (!row.ci.includes('.github/workflows/ci.yml')) say('does not name the workflow that runs its tests');
  for (const path of pathsOf(`${row.code} ${row.tests} ${row.ci}`))
    if (!exists(path)) say(`${path} does not exist`);
};

/** What stands in code marks and looks like a path; a line number behind a colon is left out. */
const pathsOf = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+)`/g)]
    .map(([, code = '']) => code.split(':')[0] ?? '')
    .filter((code) => code.includes('/') && !code.includes(' '));

const gateResult = (
  gate: string,
  row: MatrixRow,
  { setting, say }: { readonly setting: VerifySetting; readonly say: Say },
): 'passed' | 'failed' => {
  const files = testFilesOf(row);
  const isOfGate = (title: string): boolean => title.startsWith(`${gate}:`);
  const asserting = files.flatMap((file) => assertingTests(setting.read(file) ?? '').filter(isOfGate));
  if (asserting.length === 0) {
    say(`no test named ${gate}: that asserts anything is in ${files.join(', ')}`);
    return 'failed';
  }
  const ran = setting.report.testResults
    .filter(({ name }) => files.some((file) => name.endsWith(file)))
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ title }) => isOfGate(title));
  if (ran.length === 0) say(`${gate} did not run`);
  for (const { title, status } of ran) if (status !== 'passed') say(`${title} is ${status}`);
  return ran.length > 0 && ran.every(({ status }) => status === 'passed') ? 'passed' : 'failed';
};
