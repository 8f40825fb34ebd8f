import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { RegimeEvaluation } from '#contracts/market/regime-evaluation.ts';
import { decideLines } from '#cli/files/engine-lines.ts';
import { evaluateLines, regimeLogFolder } from '#cli/files/regime-log-files.ts';
import { answered, linesOf } from '#test/support/answered-lines.ts';
import { temporaryFolder } from '#test/support/process.ts';

const root = temporaryFolder();
const DAY_MS = 86_400_000;
const said = (timestamp: number, regime: string, symbol = 'AAA') => ({
  symbol,
  timestamp,
  regime,
  confidence: 0.9,
  drivers: ['driver'],
  invalidations: [],
  permissions: [regime],
});
const outputs = [
  said(1_000, 'SQUEEZE_UP'),
  said(2_000, 'CHOP_BALANCED'),
  said(2_000, 'CHOP_BALANCED', 'BBB'),
  said(3_000, 'SQUEEZE_UP'),
  said(DAY_MS, 'SQUEEZE_UP'),
];

/** The lines of the log of those outputs, by file. */
const logged = async (folder: string): Promise<ReadonlyMap<string, string>> => {
  const keep = regimeLogFolder(folder);
  await answered(decideLines(undefined, keep), linesOf(...outputs, said(1, 'SQUEEZE_UP')));
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
};
const all = (files: ReadonlyMap<string, string>): string => [...files.values()].join('');

describe('a regime log in files', () => {
  it('has a record for each decision, in the file of its day, and none for a refused output', async () => {
    const files = await logged(path.join(root, 'new/log'));

    expect([...files].map(([name, text]) => [name, text.trim().split('\n').length])).toEqual([
      ['1970-01-01.jsonl', 4],
      ['1970-01-02.jsonl', 1],
    ]);
    expect(JSON.parse(all(files).split('\n')[1] ?? '')).toMatchObject({
      record_id: 'AAA:2000',
      truth_regime: 'CHOP_BALANCED',
      selected_regime: 'SQUEEZE_UP',
    });
  });

  it('is continued by what comes later', async () => {
    const folder = path.join(root, 'twice');
    await logged(folder);

    expect(
      all(await logged(folder))
        .trim()
        .split('\n'),
    ).toHaveLength(10);
  });
});

describe('engine evaluate', () => {
  it('tells per symbol how regimes behaved, and what came after them', async () => {
    const log = `${all(await logged(path.join(root, 'evaluated')))}no record\n`;
    const values = { 'AAA:1000': 1, 'AAA:2000': -3, 'AAA:86400000': 5 };

    const truth = (await answered(evaluateLines('truth', values), log)).map((line) =>
      RegimeEvaluation.parse(line),
    );
    const [stabilized] = await answered(evaluateLines('stabilized', undefined), log);

    expect(truth.map(({ symbol, flip_frequency: { flips, updates } }) => [symbol, flips, updates])).toEqual([
      ['AAA', 2, 4],
      ['BBB', 0, 1],
    ]);
    expect(truth[0]).toMatchObject({
      persistence: { SQUEEZE_UP: [1, 2], CHOP_BALANCED: [1] },
      forward_values: { SQUEEZE_UP: [1, 5], CHOP_BALANCED: [-3] },
      expectancy: { SQUEEZE_UP: 3, CHOP_BALANCED: -3 },
    });
    expect(stabilized).toMatchObject({
      key: 'stabilized',
      persistence: { SQUEEZE_UP: [4] },
      forward_values: {},
      expectancy: {},
    });
  });

  it('has nothing to tell of nothing', async () => {
    expect(await answered(evaluateLines('truth', undefined), '')).toEqual([]);
  });

  it('takes as many lines as it holds and no more', async () => {
    const log = all(await logged(path.join(root, 'bounded')));

    expect(await answered(evaluateLines('truth', undefined, 5), log)).toHaveLength(2);
    await expect(answered(evaluateLines('truth', undefined, 4), log)).rejects.toThrow('at most 4 lines');
  });

  it('refuses values that are no numbers', () => {
    expect(() => evaluateLines('truth', { 'AAA:1': 'much' })).toThrow('the configuration is refused');
  });
});
