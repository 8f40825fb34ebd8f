/**
 * `npm run bench [-- --only NAME] [--json FILE] [--month FILE.csv.gz]`: makes every measurement, one after the
 * other, and prints them as a table, or as JSON into a file too. Nothing here is a test: times are read by people.
 */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseBenchArguments } from '#bench/arguments.ts';
import type { Measure, Measured } from '#bench/measurement.ts';
import { formatTable } from '#bench/table.ts';

/** Each is loaded only when it is made, so that none warms up what another measures. */
const measurements: Readonly<Record<string, () => Promise<{ readonly measure: Measure }>>> = {
  steps: () => import('#bench/measurements/steps.ts'),
  commands: () => import('#bench/measurements/commands.ts'),
  folds: () => import('#bench/measurements/folds.ts'),
  engine: () => import('#bench/measurements/engine.ts'),
  feed: () => import('#bench/measurements/feed.ts'),
  dispatch: () => import('#bench/measurements/dispatch.ts'),
  'fan-out': () => import('#bench/measurements/fan-out.ts'),
  cost: () => import('#bench/measurements/cost.ts'),
  tape: () => import('#bench/measurements/tape.ts'),
  bundles: () => import('#bench/measurements/bundles.ts'),
  start: () => import('#bench/measurements/start.ts'),
};

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
const { only, jsonFile, monthFile } = parseBenchArguments(process.argv.slice(2), Object.keys(measurements));
const root = path.resolve(import.meta.dirname, '..');
const measured: Measured[] = [];
for (const [measurement, load] of Object.entries(measurements)) {
  if (only.length > 0 && !only.includes(measurement)) continue;
  process.stderr.write(`${measurement} …\n`);
  const { measure } = await load();
  measured.push({
    measurement,
    rows: await measure({ root, ...(monthFile === undefined ? {} : { monthFile }) }),
  });
}
process.stdout.write(`${formatTable(measured)}\n`);
if (jsonFile !== undefined) {
  const machine = { node: process.version, cpus: os.cpus().length, platform: os.platform() };
  const document = { measuredAt: new Date().toISOString(), machine, measured };
  writeFileSync(jsonFile, `${JSON.stringify(document, null, 2)}\n`);
}
