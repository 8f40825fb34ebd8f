/** A whole tape through the real process, as `npm start -- --tape FILE --speed unlimited` plays it: worker threads, loopback, disk. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import type { Measure } from '#bench/measurement.ts';
import { runSluice } from '#bench/sluice-process.ts';

const Summary = z.object({
  events: z.number(),
  engineRuns: z.number(),
  published: z.number(),
  awsRequests: z.number(),
  commits: z.number(),
  seconds: z.number(),
});

/** Seconds and records per second of a whole tape. */
export const measure: Measure = async ({ root, monthFile }) => {
  const stateDir = mkdtempSync(path.join(os.tmpdir(), 'sluice-bench-'));
  try {
    const tape =
      monthFile === undefined
        ? ['--demo']
        : ['--tape', path.resolve(monthFile), '--format', 'bars-csv', '--symbol', 'BTC-PERP'];
    const { lastLine, seconds } = await runSluice({
      root,
      words: [
        'up',
        '--port',
        '0',
        '--aws-port',
        '0',
        '--state',
        stateDir,
        ...tape,
        '--speed',
        'unlimited',
        '--exit',
        '--json',
      ],
    });
    const summary = Summary.parse(JSON.parse(lastLine));
    const name = monthFile === undefined ? 'demo tape' : 'month';
    return [
      { what: `${name}: events`, value: summary.events, unit: 'records' },
      { what: `${name}: engine runs`, value: summary.engineRuns, unit: 'runs' },
      { what: `${name}: AWS requests`, value: summary.awsRequests / summary.events, unit: '/event' },
      { what: `${name}: commits`, value: summary.commits / summary.events, unit: '/event' },
      {
        what: `${name}: first record to last run published`,
        value: summary.seconds,
        unit: 's',
        ...(monthFile === undefined ? {} : { target: 'at most 60' }),
      },
      { what: `${name}: the whole process`, value: seconds, unit: 's' },
    ];
  } finally {
    rmSync(stateDir, { recursive: true });
  }
};
