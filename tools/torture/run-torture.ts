/** `npm run torture -- --kills N --seed S [--tape FILE --format F --symbol S | --bars COUNT]`: proves that kills change nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { runTool } from '#tools/build/run-tool.ts';
import { barsTape } from '#tools/torture/bars-tape.ts';
import { tortureOptions } from '#tools/torture/torture-options.ts';
import { torture } from '#tools/torture/torture.ts';

/** The arguments of `up` for a seeded bar tape written to the folder. */
const writeBars = (folder: string, bars: number, seed: number): readonly string[] => {
  const file = path.join(folder, 'bars.csv');
  writeFileSync(file, barsTape(bars, seed));
  return ['--tape', file, '--format', 'bars-csv', '--symbol', 'TORTURE'];
};

const SHOWN_MAX = 10;

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
await runTool(async () => {
  const { kills, seed, bars, ...given } = tortureOptions(process.argv.slice(2));
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-torture-'));
  const tapeArguments = bars === undefined ? given.tapeArguments : writeBars(folder, bars, seed);
  const say = (line: string): void => console.log(line);
  say(`torture with ${kills} kills, seed ${seed}, in ${folder}`);
  const report = await torture({ kills, seed, tapeArguments, folder, say });
  for (const difference of report.differences.slice(0, SHOWN_MAX)) say(difference);
  if (report.differences.length > 0) {
    say(`${report.differences.length} differences; both states are kept in ${folder}`);
    process.exitCode = 1;
    return;
  }
  rmSync(folder, { recursive: true, force: true });
  say(
    `the same after ${report.kills} kills: ${report.acknowledged} acknowledged records, ${report.events} events, every task and row`,
  );
});
