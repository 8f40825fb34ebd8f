/** The program of every worker thread: `worker-entry.ts` as one plain module, built once per process. */
import { fileURLToPath } from 'node:url';

import { buildSync } from 'esbuild';

let program: URL | undefined;

/** A URL a `Worker` can run without any loader, in whatever way the main thread reads TypeScript. */
export const workerProgram = (): URL => {
  program ??= new URL(`data:text/javascript;base64,${Buffer.from(bundle()).toString('base64')}`);
  return program;
};

const bundle = (): string => {
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(new URL('./worker-entry.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('the worker program could not be built');
  return file.text;
};
