/**
 * Synthesises the CDK app in this process, without credentials or network. The quick way, for `npm start`, skips
 * the template checks and does nothing when no input has changed; `npm run synth` checks everything.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import * as z from 'zod';

import { replaceFolder, scratchName, treeDigest } from '#tools/build/files.ts';

/** What to synthesise, from where to where. */
export interface SynthOptions {
  /** Folder of the repository; default the working directory. */
  readonly root?: string;
  /** Where the cloud assembly goes, below the root; default `cdk.out`. */
  readonly outDir?: string;
  /** Folder of the bundles, below the root; default `dist`. */
  readonly dist?: string;
  /** Context that overrides the one of `cdk.json`: stage, tenant, feeds and so on. */
  readonly context?: Readonly<Record<string, string>>;
  /** Whether to run the template and security checks, which take seconds; default false. */
  readonly isChecked?: boolean;
}

/** What was done. */
export interface SynthReport {
  /** Folder of the cloud assembly. */
  readonly assemblyDir: string;
  /** False when the assembly was up to date. */
  readonly isSynthesised: boolean;
  readonly seconds: number;
}

const stampFile = 'inputs.digest';

/** Brings the cloud assembly up to date; the old one stays until the new one is whole. */
export const synth = async (options: SynthOptions = {}): Promise<SynthReport> => {
  const startedMs = performance.now();
  const { root = process.cwd(), outDir = 'cdk.out', dist = 'dist', isChecked = false } = options;
  const assemblyDir = resolve(root, outDir);
  const context = { ...cdkContext(root), ...options.context, dist: resolve(root, dist) };
  const digest = `${treeDigest(root, [...inputs, resolve(root, dist)])} ${JSON.stringify(context)}`;
  const seconds = () => (performance.now() - startedMs) / 1000;
  if (!isChecked && readStamp(assemblyDir) === digest)
    return { assemblyDir, isSynthesised: false, seconds: seconds() };
  const fresh = scratchName(assemblyDir);
  try {
    await withValidation(isChecked, () => synthesise(fresh, context, isChecked));
    writeFileSync(join(fresh, stampFile), digest);
    replaceFolder(fresh, assemblyDir);
    return { assemblyDir, isSynthesised: true, seconds: seconds() };
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
};

/** What decides the assembly besides the bundles. */
const inputs = ['infra', 'contracts', 'statemachines', 'cdk.json', 'package-lock.json'] as const;

/** The CDK takes more than a second to load, so it is loaded only when there is something to do. */
const synthesise = async (
  outdir: string,
  context: Readonly<Record<string, string>>,
  isChecked: boolean,
): Promise<void> => {
  const { App, Validations } = await import('aws-cdk-lib');
  const { addStacks } = await import('#infra/sluice-app.ts');
  const app = new App({ outdir, context, analyticsReporting: false, treeMetadata: false });
  if (isChecked) {
    const { AwsSolutionsChecks } = await import('cdk-nag');
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  }
  addStacks(app);
  app.synth();
};

/** The CDK reads this switch from the environment of the process and nowhere else. */
const withValidation = async (isOn: boolean, act: () => Promise<void>): Promise<void> => {
  const before = process.env['CDK_VALIDATION'];
  process.env['CDK_VALIDATION'] = String(isOn);
  try {
    await act();
  } finally {
    if (before === undefined) delete process.env['CDK_VALIDATION'];
    else process.env['CDK_VALIDATION'] = before;
  }
};

const CdkFile = z.object({ context: z.record(z.string(), z.string()) });

const cdkContext = (root: string): Readonly<Record<string, string>> =>
  CdkFile.parse(JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'))).context;

const readStamp = (assemblyDir: string): string | undefined => {
  const path = join(assemblyDir, stampFile);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
};
