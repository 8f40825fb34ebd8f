/** What a cold Lambda has to load: bytes of each bundle, and how long a fresh process takes to import it. */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { functionNames } from '#contracts/naming.ts';
import { bundle } from '#tools/build/bundle.ts';
import type { Measure } from '#bench/measurement.ts';
import { percentile } from '#bench/percentile.ts';

const TRIES = 3;

/** Bytes and import time of each function's bundle. */
export const measure: Measure = async ({ root }) => {
  await bundle({ root });
  return functionNames.flatMap((name) => {
    const file = path.join(root, 'dist', name, 'handler.mjs');
    const times = Array.from({ length: TRIES }, () => importMs(file));
    return [
      { what: `${name}: bundle`, value: statSync(file).size, unit: 'bytes' },
      { what: `${name}: import`, value: percentile(times, 50), unit: 'ms' },
    ];
  });
};

/** Milliseconds of the import alone, as the process itself sees them. */
const importMs = (file: string): number => {
  const program = `const startedMs = performance.now();
    await import(${JSON.stringify(pathToFileURL(file).href)});
    console.log(performance.now() - startedMs);`;
  const answer = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  return Number(answer);
};
