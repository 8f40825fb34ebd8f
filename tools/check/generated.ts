/** Holds the generated files to their sources. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leftovers, versionOf } from '#tools/generate/generate.ts';
import { generatedFiles } from '#tools/generate/generated-files.ts';

/** Every generated file that differs between two generations, or from what is committed. */
export const generatedFaults = (root: string): readonly string[] => {
  const first = generatedFiles(versionOf(root));
  const second = generatedFiles(versionOf(root));
  return [
    ...[...first]
      .filter(([path, content]) => second.get(path) !== content)
      .map(([path]) => `${path}: generating it twice gives two results`),
    ...[...first]
      .filter(([path, content]) => textOf(join(root, path)) !== content)
      .map(([path]) => `${path}: is not what its sources say; run npm run generate`),
    ...leftovers(root, first).map((path) => `${path}: nothing generates it any more; run npm run generate`),
  ];
};

const textOf = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, 'utf8') : undefined;
