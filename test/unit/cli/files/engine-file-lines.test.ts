import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { FeatureSnapshot } from '#contracts/market/composer.ts';
import { BeliefHysteresisConfig, HysteresisState } from '#contracts/market/hysteresis.ts';
import { RefusedLine } from '#contracts/market/refused-line.ts';
import { RegimeOutput } from '#contracts/market/regime.ts';
import { beliefFile } from '#cli/files/belief-file.ts';
import { composeLines } from '#cli/files/compose-lines.ts';
import { believeLines, runLines, snapshotLines } from '#cli/files/engine-lines.ts';
import { answered, linesOf, writtenLines } from '#test/support/answered-lines.ts';
import { saidState } from '#test/support/said-events.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'beliefs-'));
const store = path.join(folder, 'store.jsonl');
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(store, { force: true }));

const belief = (atMs: number, regime: string, symbol = 'AAA') => ({
  schema: 'regime_state',
  schema_version: '1',
  symbol,
  engine_timestamp_ms: atMs,
  belief_by_regime: { [regime]: 1 },
  anchor_regime: regime,
});
const stored = (): readonly string[] => readFileSync(store, 'utf8').trimEnd().split('\n');
const refusal = (value: unknown) => RefusedLine.parse(value).error;

describe('engine believe with a store', () => {
  const beliefs = [
    belief(1, 'CHOP_BALANCED'),
    belief(2, 'SQUEEZE_UP'),
    belief(3, 'SQUEEZE_UP'),
    belief(4, 'SQUEEZE_UP'),
  ];
  const anchors = (said: readonly unknown[]) =>
    said.map((each) => {
      const { anchor_regime, progress_current } = HysteresisState.parse(each);
      return [anchor_regime, progress_current];
    });

  it('goes on where another process left off', async () => {
    const whole = anchors(await answered(believeLines({}), linesOf(...beliefs)));

    const first = await answered(believeLines({}, store), linesOf(...beliefs.slice(0, 2)));
    const second = await answered(believeLines({}, store), linesOf(...beliefs.slice(2)));

    expect(anchors([...first, ...second])).toEqual(whole);
    expect(whole.at(-1)).toEqual(['SQUEEZE_UP', 0]);
  });

  it('keeps the lines of the reference, one for each state that advanced', async () => {
    await answered(believeLines({}, store), linesOf(belief(1, 'CHOP_BALANCED'), belief(1, 'CHOP_BALANCED')));

    expect(stored()).toEqual([
      '{"anchor_regime":"CHOP_BALANCED","candidate_regime":null,"engine_timestamp_ms":1,' +
        '"last_commit_timestamp_ms":null,"progress_current":0,"schema":"hysteresis_store_record",' +
        '"schema_version":"1","symbol":"AAA"}',
    ]);
  });

  it('refuses what is older than what it has, also after a restart', async () => {
    await answered(believeLines({}, store), linesOf(belief(5, 'CHOP_BALANCED')));

    const [refused] = await answered(believeLines({}, store), linesOf(belief(4, 'CHOP_BALANCED')));

    expect(refusal(refused).code).toBe('hysteresis_monotonicity_violation');
    expect(stored()).toHaveLength(1);
  });

  it('is written anew after some appends, with one line per symbol in their order', () => {
    const states = beliefFile(store, BeliefHysteresisConfig.parse({}), 3);
    const keep = (symbol: string, atMs: number) =>
      states.keep(
        HysteresisState.parse(
          saidState({ symbol, engine_timestamp_ms: atMs, anchor_regime: 'CHOP_BALANCED' }),
        ),
      );
    const kept = () => stored().map((line): unknown => JSON.parse(line));

    keep('B', 1);
    keep('A', 1);
    expect(kept()).toMatchObject([{ symbol: 'B' }, { symbol: 'A' }]);
    keep('B', 2);
    expect(kept()).toMatchObject([{ symbol: 'A' }, { symbol: 'B', engine_timestamp_ms: 2 }]);
    keep('C', 1);
    expect(kept()).toMatchObject([{ symbol: 'A' }, { symbol: 'B' }, { symbol: 'C' }]);
    expect(existsSync(`${store}.part`)).toBe(false);
    expect(beliefFile(store, BeliefHysteresisConfig.parse({})).get('C')?.engine_timestamp_ms).toBe(1);
  });

  it('loses a first record that was cut short, and takes it in anew', async () => {
    await answered(believeLines({}, store), linesOf(belief(1, 'CHOP_BALANCED')));
    const whole = readFileSync(store, 'utf8');

    for (const length of [3, 60, whole.length - 2]) {
      writeFileSync(store, whole.slice(0, length));
      await answered(believeLines({}, store), linesOf(belief(1, 'CHOP_BALANCED')));
      expect(readFileSync(store, 'utf8')).toBe(whole);
    }
  });

  it('refuses a file in which nothing is a record, and takes an empty one', async () => {
    for (const text of ['a file of something else\n', '{"my":"config"}']) {
      writeFileSync(store, text);
      expect(() => believeLines({}, store)).toThrow(
        expect.objectContaining({
          code: 'invalid_store',
          exitCode: 2,
          message: expect.stringContaining(`line 1 of ${store} is no hysteresis_store_record`),
        }),
      );
      expect(readFileSync(store, 'utf8')).toBe(text);
    }
    writeFileSync(store, '');
    expect(await answered(believeLines({}, store), linesOf(belief(1, 'CHOP_BALANCED')))).toHaveLength(1);
  });
});

describe('engine compose', () => {
  const trade = (atMs: number, price: number) => ({
    event_type: 'TradeTick',
    symbol: 'AAA',
    exchange_ts_ms: atMs,
    normalized: { price, quantity: 2, side: 'buy' },
  });
  const material = {
    symbol: 'AAA',
    engine_timestamp_ms: 180_000,
    events: [trade(1, 10), trade(2, 20), { ...trade(3, 70), symbol: 'BBB' }],
  };

  it('makes the snapshot that the engine runs on', async () => {
    const snapshots = await writtenLines(composeLines({}, 'snapshots'), linesOf(material));

    const [output] = await answered(runLines({}), snapshots.join('\n'));

    expect(JSON.parse(snapshots.join())).toMatchObject({ market: { price: 20, vwap: 15 }, flow: { cvd: 4 } });
    expect(RegimeOutput.parse(output).symbol).toBe('AAA');
  });

  it('tells the features alone', async () => {
    const [features] = await answered(composeLines({}, 'features'), linesOf(material));

    expect(FeatureSnapshot.parse(features)).toMatchObject({ features: { price_last: 20, vwap_3m: 15 } });
  });

  it('embeds neutral evidence where the engine has a matrix, and refuses what is no material', async () => {
    const matrix = { mode: 'matrix_enabled' };
    const said = await answered(composeLines({ matrix }, 'snapshots'), linesOf(material, { events: [] }));

    expect(JSON.stringify(said[0])).toContain('composer_evidence_snapshot_neutral_v1');
    expect(refusal(said[1])).toEqual({
      code: 'invalid_composer_material',
      message: expect.stringMatching(/^line 2: symbol: /),
    });
  });
});

describe('engine snapshot', () => {
  it('is one line with sorted keys, and names what is missing', async () => {
    const said = await answered(
      snapshotLines(),
      linesOf({ symbol: 'A', timestamp: 1, market: { price: 1, vwap: null } }, { symbol: 'A' }),
    );

    expect(said[0]).toMatchObject({
      snapshot_line: expect.stringMatching(/^\{"context":\{"alt_breadth":\{"__xray_missing__":true\}/),
      missing_paths: expect.arrayContaining(['context.alt_breadth', 'market.atr']),
    });
    expect((said[0] as { missing_paths: string[] }).missing_paths).toHaveLength(23);
    expect(refusal(said[1]).code).toBe('invalid_snapshot');
  });
});
