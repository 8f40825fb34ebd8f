/**
 * Bundles every function with one esbuild call: `functions/<name>/handler.ts` becomes `dist/<name>/handler.mjs`, the
 * same file on AWS and in the local cloud. Nothing is built when no input has changed since the last time.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { build } from 'esbuild';
import type { Metafile } from 'esbuild';
import * as z from 'zod';

import { functionNames } from '#contracts/naming.ts';
import type { FunctionName } from '#contracts/naming.ts';
import { fileDigest, replaceFolder, scratchName } from '#tools/build/files.ts';

/** What to bundle, from where to where. */
export interface BundleOptions {
  /** Folder of the repository; default the working directory. */
  readonly root?: string;
  /** Where bundles go, below the root; default `dist`. */
  readonly outDir?: string;
  /** Functions to bundle; default all of them. */
  readonly names?: readonly FunctionName[];
}

/** What was done. */
export interface BundleReport {
  /** False when the bundles were up to date. */
  readonly isBuilt: boolean;
  readonly seconds: number;
  /** Size of each bundle. */
  readonly bytes: Readonly<Record<string, number>>;
}

const stampFile = 'bundle.json';

/** What the bundles were made from, with the digest of every input outside `node_modules`. */
const Stamp = z.object({
  recipe: z.string(),
  inputs: z.record(z.string(), z.string()),
  bytes: z.record(z.string(), z.number()),
});
type Stamp = z.infer<typeof Stamp>;

/** Brings the bundles up to date; throws naming every function whose handler is missing. */
export const bundle = async (options: BundleOptions = {}): Promise<BundleReport> => {
  const startedMs = performance.now();
  const { root = process.cwd(), outDir = 'dist', names = functionNames } = options;
  const target = resolve(root, outDir);
  const stamp = readStamp(target);
  const recipe = recipeOf(root, names);
  const seconds = () => (performance.now() - startedMs) / 1000;
  if (stamp?.recipe === recipe && isCurrent(root, target, stamp))
    return { isBuilt: false, seconds: seconds(), bytes: stamp.bytes };
  refuseMissing(root, names);
  const fresh = scratchName(target);
  mkdirSync(fresh, { recursive: true });
  try {
    const metafile = await bundleInto(root, fresh, names);
    const next: Stamp = {
      recipe,
      inputs: inputDigests(root, metafile),
      bytes: Object.fromEntries(names.map((name) => [name, statSync(bundleFile(fresh, name)).size])),
    };
    writeFileSync(join(fresh, stampFile), JSON.stringify(next));
    replaceFolder(fresh, target);
    return { isBuilt: true, seconds: seconds(), bytes: next.bytes };
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
};

/** SDK parts are CommonJS and call `require`, which an ES module has to make itself. */
const banner =
  "import { createRequire as sluiceRequire } from 'node:module'; const require = sluiceRequire(import.meta.url);";

const entryFile = (name: FunctionName): string => `functions/${name}/handler.ts`;

const bundleFile = (folder: string, name: FunctionName): string => join(folder, name, 'handler.mjs');

const bundleInto = async (
  root: string,
  outdir: string,
  names: readonly FunctionName[],
): Promise<Metafile> => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(names.map((name) => [`${name}/handler`, entryFile(name)])),
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    legalComments: 'none',
    banner: { js: banner },
    metafile: true,
    logLevel: 'silent',
  });
  return metafile;
};

/** Everything besides source files that decides what comes out. */
const recipeOf = (root: string, names: readonly FunctionName[]): string =>
  [
    fileDigest(join(root, 'package-lock.json')),
    fileDigest(join(root, 'package.json')),
    fileDigest(import.meta.filename),
    ...names,
  ].join(' ');

const inputDigests = (root: string, metafile: Metafile): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.keys(metafile.inputs)
      .filter((path) => !path.includes('node_modules/'))
      .map((path) => [path, fileDigest(join(root, path))]),
  );

const isCurrent = (root: string, target: string, stamp: Stamp): boolean =>
  Object.entries(stamp.inputs).every(([path, digest]) => fileDigest(join(root, path)) === digest) &&
  Object.keys(stamp.bytes).every((name) => existsSync(join(target, name, 'handler.mjs')));

const readStamp = (target: string): Stamp | undefined => {
  const path = join(target, stampFile);
  if (!existsSync(path)) return undefined;
  return Stamp.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
};

const refuseMissing = (root: string, names: readonly FunctionName[]): void => {
  const missing = names.map(entryFile).filter((path) => !existsSync(join(root, path)));
  if (missing.length > 0)
    throw new Error(`missing ${missing.join(', ')}: every function of contracts/naming.ts needs its handler`);
};
