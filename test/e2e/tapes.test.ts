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
