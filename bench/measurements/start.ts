/** `npm start` to ready, as a new clone and as every later start see it, and the seconds of the last test run. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import type { Measure, Row } from '#bench/measurement.ts';
import { runSluice } from '#bench/sluice-process.ts';

const WARM_TRIES = 3;
const COLD_TARGET = 'at most 15';
const WARM_TARGET = 'at most 5';

/** Seconds from `npm start` to ready, cold and warm. */
export const measure: Measure = async ({ root }) => {
  const clone = mkdtempSync(path.join(os.tmpdir(), 'sluice-bench-clone-'));
  try {
    copyTree(root, clone);
    const coldSeconds = await secondsToReady(clone);
    let warmSeconds = Infinity;
    for (let attempt = 0; attempt < WARM_TRIES; attempt++)
      warmSeconds = Math.min(warmSeconds, await secondsToReady(clone));
    return [
      { what: 'ready, no dist and no cdk.out', value: coldSeconds, unit: 's', target: COLD_TARGET },
      { what: 'ready, nothing to build', value: warmSeconds, unit: 's', target: WARM_TARGET },
      ...suiteRows(root),
    ];
  } finally {
    rmSync(clone, { recursive: true });
  }
};

/** What a clone would hold, with the installed packages of this one. */
const copyTree = (root: string, clone: string): void => {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of listed.split('\0').filter((name) => name !== '' && existsSync(path.join(root, name))))
    cpSync(path.join(root, file), path.join(clone, file), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(clone, 'node_modules'));
};

/** From the start of the process to its first line, which says that it is ready; then it is told to stop. */
const secondsToReady = async (root: string): Promise<number> => {
  const stateDir = path.join(root, '.sluice');
  const words = ['up', '--demo', '--worker', '--port', '0', '--aws-port', '0', '--state', stateDir, '--json'];
  // Compiled sources are kept in the temporary folder, of which a new machine has an empty one.
  const environment = { TMPDIR: path.join(root, '.sluice-temporary') };
  mkdirSync(environment.TMPDIR, { recursive: true });
  const { secondsToLine } = await runSluice({
    root,
    words,
    environment,
    untilLine: (line) => line.includes('"ready":true'),
  });
  return secondsToLine;
};

const Report = z.object({
  startTime: z.number(),
  testResults: z.array(z.object({ endTime: z.number() })).min(1),
});

/** The last report of `npm test`, when there is one. */
const suiteRows = (root: string): readonly Row[] => {
  const file = path.join(root, 'reports/tests.json');
  if (!existsSync(file)) return [];
  const { startTime, testResults } = Report.parse(JSON.parse(readFileSync(file, 'utf8')));
  const endMs = Math.max(...testResults.map(({ endTime }) => endTime));
  return [{ what: 'npm test', value: (endMs - startTime) / 1000, unit: 's', target: 'at most 300' }];
};
