import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inProject } from '#test/support/tracked-files.ts';
import { assertingTests } from '#tools/parity/asserting-tests.ts';
import { evidencePage, openRisksOf, suiteEvidence } from '#tools/parity/evidence.ts';
import { gatesOf, isImplemented, readMatrix, statusPage, testFilesOf } from '#tools/parity/matrix.ts';
import { verifyRows } from '#tools/parity/verify.ts';

const FILE = 'test/parity/x.test.ts';
const table = (...rows: readonly string[]): string =>
  [
    '## Runs',
    '',
    '| Capability | Status | Evidence (Code) | Evidence (Tests) | Evidence (CI) |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
const ROW = `| It runs | Implemented | \`a/b.ts\` | \`${FILE}\` m1.one | \`.github/workflows/ci.yml\` |`;
const SOURCE = "it('m1.one: it does', () => { expect(1).toBe(1); });";
const report = (status: string, title = 'm1.one: it does') => ({
  testResults: [{ name: `/x/${FILE}`, assertionResults: [{ title, status }] }],
});
const verify = (
  row: string,
  {
    source = SOURCE,
    ran = report('passed'),
    missing = '',
  }: { source?: string; ran?: object; missing?: string } = {},
) =>
  verifyRows(readMatrix(table(row)).rows, {
    read: () => source,
    exists: (file) => file !== missing,
    report: ran as ReturnType<typeof report>,
  });

describe('the matrix', () => {
  const matrix = readMatrix(readFileSync(inProject('docs/parity/matrix.md'), 'utf8'));

  it('has whole tables, and a status page that counts them', () => {
    expect(matrix.faults).toEqual([]);
    expect(matrix.rows.length).toBeGreaterThan(10);
    expect(readFileSync(inProject('docs/parity/status.md'), 'utf8')).toBe(statusPage(matrix.rows));
  });

  it('names gates that assert in files that are there', () => {
    for (const row of matrix.rows.filter(isImplemented)) {
      const titles = testFilesOf(row).flatMap((file) =>
        assertingTests(readFileSync(inProject(file), 'utf8')),
      );
      for (const gate of gatesOf(row))
        expect(
          titles.some((title) => title.startsWith(`${gate}:`)),
          gate,
        ).toBe(true);
      for (const [, file = ''] of `${row.code} ${row.ci}`.matchAll(/`([^` ]*\/[^` ]*)`/g))
        expect(existsSync(inProject(file)), file).toBe(true);
    }
  });

  it('is refused a table without a column', () => {
    const text = '## Runs\n| Capability | Status |\n| --- | --- |\n| a | Planned |';
    expect(readMatrix(text).faults).toEqual(
      ['Code', 'Tests', 'CI'].map((name) => `line 2 [Runs]: the table has no column Evidence (${name})`),
    );
  });
});

describe('verifying', () => {
  it('passes what exists, asserts, ran and passed, and hashes the results', () => {
    const verified = verify(ROW);
    expect(verified).toMatchObject({ results: ['m1.one=passed'], faults: [] });
    expect(verified.parityHash).toMatch(/^[0-9a-f]{64}$/);
    expect(verify(ROW, { ran: report('failed') }).parityHash).not.toBe(verified.parityHash);
  });

  it.each([
    ['a test that failed', ROW, { ran: report('failed') }, 'm1.one: it does is failed'],
    ['a test that was skipped', ROW, { ran: report('pending') }, 'is pending'],
    ['a test that did not run', ROW, { ran: report('passed', 'm1.other: x') }, 'm1.one did not run'],
    ['a test that asserts nothing', ROW, { source: "it('m1.one: it does', () => undefined);" }, 'asserts'],
    ['a path that is not there', ROW, { missing: 'a/b.ts' }, 'a/b.ts does not exist'],
    ['no code', ROW.replace('`a/b.ts`', ''), {}, 'has no evidence of code'],
    ['no gate', ROW.replace('m1.one', ''), {}, 'names no gate'],
    ['no test file', ROW.replace(`\`${FILE}\``, ''), {}, 'names no test file'],
    ['no workflow', ROW.replace('.github/workflows/ci.yml', 'ci/x'), {}, 'does not name the workflow'],
  ])('finds %s', (_what, row, setting, fault) => {
    expect(verify(row, setting).faults.join('\n')).toContain(fault);
  });

  it('finds a file that is not there, and a row that is cut short', () => {
    const { rows } = readMatrix(table(ROW));
    const nothing = { read: () => undefined, exists: () => true, report: { testResults: [] } };
    expect(verifyRows(rows, nothing).faults.join('\n')).toContain('m1.one: that asserts anything');
    expect(verify('| It runs | Implemented |').faults.join('\n')).toContain('has no evidence of code');
    expect(readMatrix('| Capability | Status |').rows).toEqual([]);
  });

  it('leaves alone what is planned', () => {
    expect(verify('| Later | Planned |  |  |  |')).toMatchObject({ results: [], faults: [] });
  });
});

describe('evidence', () => {
  const suite = { name: 'gates', files: ['a.test.ts'] };
  const ran = (passed: number, failed: number, skipped = 0) => ({
    seconds: 1.25,
    report: { testResults: [], numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped },
  });

  it.each([
    [ran(3, 0), 'passed'],
    [ran(3, 1), 'failed'],
    [ran(3, 0, 1), 'failed'],
    [ran(0, 0), 'failed'],
    [undefined, 'absent'],
  ])('of a suite, case %#, is %s', (result, state) => {
    expect(suiteEvidence(suite, ['npx', 'x'], result)).toMatchObject({
      suite: 'gates',
      command: 'npx x',
      state,
    });
  });

  it('is a page with the tree, each suite and the open risks', () => {
    const suites = [suiteEvidence(suite, ['npx', 'x'], ran(3, 0)), suiteEvidence(suite, ['y'], undefined)];
    const page = evidencePage({
      at: '2026-01-02T03:04:05.000Z',
      branch: 'main',
      commit: 'abc',
      isClean: false,
      suites,
      openRisks: openRisksOf(suites),
    });

    expect(page).toContain('branch `main`, commit `abc`, tree with changes');
    expect(page).toContain('| gates | passed | 3 | 0 | 0 | 1.3 | `npx x` |');
    expect(page).toContain('| gates | absent |  |  |  |  | `y` |');
    expect(page).toContain('- the suite "gates" is absent');
  });
});
