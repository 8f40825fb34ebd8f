/** Brings the generated files up to date on disk. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { filesBelow } from '#tools/build/files.ts';
import { GENERATED_FOLDER, generatedFiles } from '#tools/generate/generated-files.ts';
import { writeAtomically } from '#tools/generate/write-atomically.ts';

/** What was done, as paths from the root. */
export interface GenerateReport {
  readonly written: readonly string[];
  readonly removed: readonly string[];
}

/** Writes what differs and removes what nothing generates any more; does nothing when all is up to date. */
export const generate = (root: string): GenerateReport => {
  const files = generatedFiles(versionOf(root));
  const written = [...files].filter(([path, content]) => textOf(join(root, path)) !== content);
  const removed = leftovers(root, files);
  for (const [path, content] of written) writeAtomically(join(root, path), content);
  for (const path of removed) rmSync(join(root, path));
  return { written: written.map(([path]) => path), removed };
};

/** Files of the generated folder that nothing generates. */
export const leftovers = (root: string, files: ReadonlyMap<string, string>): readonly string[] =>
  filesBelow(join(root, GENERATED_FOLDER))
    .map((file) => `${GENERATED_FOLDER}/${file}`)
    .filter((path) => !files.has(path));

/** The version of the package, which the API description carries. */
export const versionOf = (root: string): string =>
  z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
    .version;

const textOf = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, 'utf8') : undefined;
