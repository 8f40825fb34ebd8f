/** `run-closing-line.ts FILE`: ends `npm run check:tests` with one line, red when the report in the file is. */
import process from 'node:process';
import { printClosingLine } from '#tools/check/closing-line.ts';

process.exitCode = printClosingLine(process.argv[2] ?? 'reports/tests.json', {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
});
