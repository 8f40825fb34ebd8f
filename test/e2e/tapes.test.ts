import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { anyPorts, runSluice, temporaryFolder } from '#test/support/process.ts';
import { readOutcome } from '#tools/torture/outcome.ts';
import type { Outcome } from '#tools/torture/outcome.ts';

const folder = temporaryFolder();
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(path.join(folder, name), content);
  return path.join(folder, name);
};

/** Nine minutes: three boundaries, the last bar ends exactly on the last. */
const bars = [
  'timestamp,open,high,low,close,volume',
  ...Array.from({ length: 9 }, (_, index) => {
    const close = 100 + index * 0.5;
    return `2026-02-03 04:0${index + 1}:00,${close - 0.25},${close + 1},${close - 1},${close},${10 + index}`;
  }),
].join('\n');

const play = async (tape: string, state: string): Promise<{ summary: unknown; left: Outcome }> => {
  const stateDir = path.join(folder, state);
  const job = ['--tape', tape, '--format', 'bars-csv', '--symbol', 'X-PERP', '--exit', '--json'];
  const { code, stdout, stderr } = await runSluice(['up', ...anyPorts, '--state', stateDir, ...job]);
  expect([code, stderr.filter((line) => line.startsWith('unexpected'))]).toEqual([0, []]);
  return { summary: JSON.parse(stdout.at(-1) ?? ''), left: await readOutcome(stateDir) };
};

describe('a bar tape', () => {
  it('runs at every boundary, the one the tape ends on included, plain and compressed alike', async () => {
    const [plain, compressed] = await Promise.all([
      play(file('bars.csv', `${bars}\n`), 'plain'),
      play(file('bars.csv.gz', gzipSync(bars)), 'compressed'),
    ]);

    const ended = plain.left.events.filter(({ event_type }) => event_type === 'EngineRunCompleted');
    expect(ended.map(({ symbol, engine_timestamp_ms }) => [symbol, engine_timestamp_ms])).toEqual([
      ['X-PERP', Date.UTC(2026, 1, 3, 4, 3)],
      ['X-PERP', Date.UTC(2026, 1, 3, 4, 6)],
      ['X-PERP', Date.UTC(2026, 1, 3, 4, 9)],
    ]);
    // Nine candles of a minute, three of three minutes, and a snapshot of inputs at each boundary.
    const numbers = { events: 15, engineRuns: 3, published: 6, failedRuns: 0, assetRuns: 0 };
    expect([plain.summary, compressed.summary]).toMatchObject([numbers, numbers]);
    expect(compressed.left.events.map(({ payload }) => payload)).toEqual(
      plain.left.events.map(({ payload }) => payload),
    );
  });
});

interface Refusal {
  readonly name: string;
  readonly args: readonly string[];
  readonly says: RegExp;
}

const csv = ['--format', 'bars-csv', '--symbol', 'X'];
const refusals: readonly Refusal[] = [
  {
    name: 'a missing tape',
    args: ['--tape', path.join(folder, 'nowhere.jsonl')],
    says: /tape_missing.*nowhere\.jsonl/,
  },
  {
    name: 'a malformed line of a bar tape',
    args: ['--tape', file('bad.csv', `${bars}\n2026-02-03 04:10:00,1,2,x,4,5\n`), ...csv],
    says: /malformed_tape_line.*line 11: low/,
  },
  {
    name: 'bars out of order',
    args: ['--tape', file('late.csv', `${bars}\n2026-02-03 04:09:00,1,2,1,4,5\n`), ...csv],
    says: /line 11: this bar does not end after/,
  },
  {
    name: 'a malformed line of a JSON tape',
    args: ['--tape', file('bad.jsonl', '{"source_id":"a","symbol":"B"}\n{"source_id":\n')],
    says: /line 2: this is no JSON/,
  },
  {
    name: 'a bar tape without its instrument',
    args: ['--tape', path.join(folder, 'bars.csv'), '--format', 'bars-csv'],
    says: /name it with --symbol/,
  },
  { name: 'an unknown format', args: ['--tape', 'x', '--format', 'xml'], says: /jsonl, bars-csv/ },
  { name: 'a speed that is none', args: ['--speed', 'fast'], says: /max or a factor/ },
  { name: 'a port out of range', args: ['--port', '65536'], says: /0 to 65535/ },
  { name: 'an unknown option', args: ['--loud'], says: /unknown option '--loud'/ },
];

describe('what `up` refuses as usage', () => {
  it.concurrent.each(refusals)('ends with 2 for $name', async ({ args, says }) => {
    const { code, stdout, stderr } = await runSluice(['up', '--ephemeral', ...anyPorts, ...args]);

    expect([code, stdout]).toEqual([2, []]);
    expect(stderr.join('\n')).toMatch(says);
  });
});
