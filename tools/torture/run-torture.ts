/** `npm run torture -- --kills N --seed S [--tape FILE --format F --symbol S | --bars COUNT]`: proves that kills change nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { runTool } from '#tools/build/run-tool.ts';
import { barsTape } from '#tools/torture/bars-tape.ts';
import { torture } from '#tools/torture/torture.ts';

const integerOf = (name: string, text: string): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new Error(`--${name} must be a whole number`);
  return value;
};

/** The arguments of `up` for a seeded bar tape written to the folder. */
const writeBars = (folder: string, bars: number, seed: number): readonly string[] => {
  const file = path.join(folder, 'bars.csv');
  writeFileSync(file, barsTape(bars, seed));
  return ['--tape', file, '--format', 'bars-csv', '--symbol', 'TORTURE'];
};

const SHOWN_MAX = 10;

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
await runTool(async () => {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      tape: { type: 'string' },
      format: { type: 'string' },
      symbol: { type: 'string' },
      bars: { type: 'string' },
    },
  });
  const seed = integerOf('seed', values.seed);
  const kills = integerOf('kills', values.kills);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-torture-'));
  const given = (['tape', 'format', 'symbol'] as const).flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [`--${name}`, name === 'tape' ? path.resolve(value) : value];
  });
  const tapeArguments =
    values.bars === undefined ? given : writeBars(folder, integerOf('bars', values.bars), seed);
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
