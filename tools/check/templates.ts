/** Synthesises the app with the CDK's template checks and the AWS Solutions checks on. */
import { bundle } from '#tools/build/bundle.ts';
import { synth } from '#tools/build/synth.ts';

/** What the checks refuse, as one text; empty when the assembly was made. */
export const templateFaults = async (root: string): Promise<readonly string[]> => {
  await bundle({ root });
  try {
    await synth({ root, isChecked: true });
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
};
