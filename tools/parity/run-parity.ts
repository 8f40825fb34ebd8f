/** `npm run parity [-- --write]`: runs the tests of every implemented row of the matrix and prints what they came to. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runTool } from '#tools/build/run-tool.ts';
import { isImplemented, readMatrix, statusPage, testFilesOf } from '#tools/parity/matrix.ts';
import { runSuite } from '#tools/parity/suite.ts';
import { verifyRows } from '#tools/parity/verify.ts';

await runTool(() => {
  const root = process.cwd();
  const at = (file: string): string => path.join(root, file);
  const read = (file: string): string | undefined =>
    existsSync(at(file)) ? readFileSync(at(file), 'utf8') : undefined;
  const { rows, faults } = readMatrix(readFileSync(at('docs/parity/matrix.md'), 'utf8'));
  if (process.argv.includes('--write')) writeFileSync(at('docs/parity/status.md'), statusPage(rows));
  const files = [...new Set(rows.filter(isImplemented).flatMap(testFilesOf))];
  const verified = verifyRows(rows, {
    read,
    exists: (file) => existsSync(at(file)),
    report: runSuite(root, files),
  });
  for (const result of verified.results) console.log(result);
  for (const fault of [...faults, ...verified.faults]) console.error(fault);
  console.log(`parity ${verified.parityHash}`);
  process.exitCode = Number(faults.length + verified.faults.length > 0);
  return Promise.resolve();
});
