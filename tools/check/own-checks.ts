/** Our own checks by the name of their gate. */
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

/** Throws all that the named check finds, as one text; refuses a name that is no check of ours. */
export const requireCheck = async (name: string | undefined, root: string): Promise<void> => {
  const check = checks[name ?? ''];
  if (!check)
    throw new Error(`${String(name)} is no check of ours; known are ${Object.keys(checks).join(', ')}`);
  const faults = await check(root);
  if (faults.length > 0) throw new Error(faults.join('\n'));
};
