/** `run-gate.ts NAME`: runs one of our own checks, prints what is wrong and fails when anything is. */
import { runTool } from '#tools/build/run-tool.ts';
import { requireCheck } from '#tools/check/own-checks.ts';

await runTool(() => requireCheck(process.argv[2], process.cwd()));
