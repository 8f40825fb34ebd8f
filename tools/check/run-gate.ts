/** `run-gate.ts NAME`: runs one of our own checks, prints what is wrong and fails when anything is. */
import { runTool } from '#tools/build/run-tool.ts';
import { frozenFaults } from '#tools/check/frozen.ts';
import { generatedFaults } from '#tools/check/generated.ts';
import { linkFaults } from '#tools/check/links.ts';
import { openApiFaults } from '#tools/check/openapi.ts';
import { sampleFaults } from '#tools/check/samples.ts';
import { stateMachineFaults } from '#tools/check/state-machines.ts';
import { templateFaults } from '#tools/check/templates.ts';

type Check = (root: string) => readonly string[] | Promise<readonly string[]>;

const checks: Readonly<Record<string, Check>> = {
  generated: generatedFaults,
  samples: sampleFaults,
  frozen: frozenFaults,
  links: linkFaults,
  openapi: openApiFaults,
  machines: stateMachineFaults,
  templates: templateFaults,
};

await runTool(async () => {
  const [, , name = ''] = process.argv;
  const check = checks[name];
  if (!check) throw new Error(`${name} is no check of ours; known are ${Object.keys(checks).join(', ')}`);
  const faults = await check(process.cwd());
  if (faults.length > 0) throw new Error(faults.join('\n'));
});
