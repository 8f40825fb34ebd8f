/**
 * `npm run check`: runs every gate in order, to the end even when one is red, and prints one table. `npm run check
 * -- NAME…` runs the named ones only.
 */
import { runGates } from '#tools/check/run-gates.ts';

const { exitCode, text } = runGates(process.argv.slice(2), (said) => process.stderr.write(said));
process.stdout.write(text);
process.exitCode = exitCode;
