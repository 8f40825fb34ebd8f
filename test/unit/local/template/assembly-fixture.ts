/** Writes a small cloud assembly into a temporary directory, as `cdk synth` would. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testFolder } from '#test/support/folders.ts';

/** A stack to write; assets are handler sources by asset name. */
export interface StackToWrite {
  readonly template: Readonly<Record<string, unknown>>;
  readonly dependencies?: readonly string[];
}

/** A handler module as the bundle of an asset; it is put into `handler.mjs`. */
export type AssetSources = Readonly<Record<string, string>>;

/** The directory of an assembly with these stacks, which goes when the test ends; assets are at `<name>.zip` in the asset bucket. */
export const writeAssembly = (
  stacks: Readonly<Record<string, StackToWrite>>,
  assets: AssetSources = {},
): string => {
  const directory = testFolder();
  const artifacts: Record<string, unknown> = {};
  for (const [name, { template, dependencies = [] }] of Object.entries(stacks)) {
    writeFileSync(join(directory, `${name}.template.json`), JSON.stringify(template));
    artifacts[name] = {
      type: 'aws:cloudformation:stack',
      dependencies: [...dependencies, 'assets'],
      properties: { templateFile: `${name}.template.json`, stackName: name },
    };
  }
  artifacts['assets'] = { type: 'cdk:asset-manifest', properties: { file: 'assets.json' } };
  const files: Record<string, unknown> = {};
  for (const [name, source] of Object.entries(assets)) {
    mkdirSync(join(directory, `asset.${name}`));
    writeFileSync(join(directory, `asset.${name}`, 'handler.mjs'), source);
    files[name] = {
      source: { path: `asset.${name}`, packaging: 'zip' },
      destinations: { here: { bucketName: 'assets', objectKey: `${name}.zip` } },
    };
  }
  writeFileSync(join(directory, 'assets.json'), JSON.stringify({ files }));
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify({ version: '38.0.0', artifacts }));
  return directory;
};
