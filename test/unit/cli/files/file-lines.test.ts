import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { HysteresisDecision, HysteresisState } from '#contracts/market/hysteresis.ts';
import { RefusedLine } from '#contracts/market/refused-line.ts';
import { RegimeOutput } from '#contracts/market/regime.ts';
import { SimulationConfig } from '#contracts/market/simulation-config.ts';
import { openLog } from '#cli/commands/open-log.ts';
import { answerLines } from '#cli/files/answer-lines.ts';
import { believeLines, decideLines, runLines } from '#cli/files/engine-lines.ts';
import { simulateLines, unknownMembers } from '#cli/files/simulate.ts';
import { answered, inParts, linesOf } from '#test/support/answered-lines.ts';
import { marketEvent } from '#test/support/market-harness.ts';

const refusal = (value: unknown) => RefusedLine.parse(value).error;

const snapshot = (over: object = {}) => ({ symbol: 'ÅRE€', timestamp: 180_000, market: {}, ...over });
const output = (timestamp: number, regime = 'SQUEEZE_UP', over: object = {}) => ({
  symbol: 'AAA',
  timestamp,
  regime,
  confidence: 0.9,
  drivers: [],
  invalidations: [],
  permissions: [regime],
  ...over,
});
const state = (atMs: number, regime = 'SQUEEZE_UP', over: object = {}) => ({
  schema: 'regime_state',
  schema_version: '1',
  symbol: 'AAA',
  engine_timestamp_ms: atMs,
  belief_by_regime: { [regime]: 1 },
  anchor_regime: regime,
  ...over,
});

describe('lines', () => {
  it('are answered one by one whatever parts they come in, blank ones not at all', async () => {
    const input = `${JSON.stringify(snapshot())}\r\n\n  \n${JSON.stringify(snapshot({ timestamp: 1 }))}`;

    for (const size of [1, 3, 1_000]) {
      const outputs = await answered(runLines(undefined), input, size);
      expect(outputs.map((each) => RegimeOutput.parse(each).timestamp)).toEqual([180_000, 1]);
    }
  });

  it('that are no JSON, or have another shape, are refused by number and the next ones go on', async () => {
    const answers = await answered(
      runLines(undefined),
      linesOf(
        '{"symbol":',
        'NaN',
        '[]',
        snapshot({ timestamp: 1.5 }),
        snapshot({ timestamp: true }),
        snapshot(),
      ),
    );

    expect(answers.slice(0, 5).map(refusal)).toEqual([
      { code: 'invalid_json', message: expect.stringMatching(/^line 1: this is no JSON/) },
      { code: 'invalid_json', message: expect.stringMatching(/^line 2: this is no JSON/) },
      { code: 'invalid_snapshot', message: expect.stringMatching(/^line 3: Invalid input/) },
      { code: 'invalid_snapshot', message: expect.stringMatching(/^line 4: timestamp: /) },
      { code: 'invalid_snapshot', message: expect.stringMatching(/^line 5: timestamp: /) },
    ]);
    expect(RegimeOutput.parse(answers[5]).symbol).toBe('ÅRE€');
  });

  it('end well when nobody reads the answers', async () => {
    const closed = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('closed'), { code: 'EPIPE' })),
    });

    await expect(answerLines(inParts(linesOf(snapshot()), 9), closed, runLines({}))).resolves.toBeUndefined();
  });

  it('end with the fault of an output that fails otherwise', async () => {
    const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) });

    await expect(answerLines(inParts(linesOf(snapshot()), 9), full, runLines({}))).rejects.toThrow(
      'disk full',
    );
  });
});

describe('a log', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'log-'));
  const whole = gzipSync(linesOf(...Array.from({ length: 50 }, (_, index) => ({ index }))));
  afterAll(() => rmSync(folder, { recursive: true }));
  const read = async (content: Uint8Array): Promise<string> => {
    const file = path.join(folder, 'log.gz');
    writeFileSync(file, content);
    const chunks: Uint8Array[] = [];
    for await (const chunk of await openLog(file)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };

  it('is unpacked where it is packed', async () => {
    expect(await read(whole)).toContain('{"index":49}\n');
  });

  it.each([
    ['is cut short', () => read(whole.subarray(0, -10))],
    ['is not there', () => openLog(path.join(folder, 'none'))],
  ])('that %s is refused by name', async (_name, reading) => {
    await expect(reading()).rejects.toMatchObject({ code: 'not_found', exitCode: 2 });
  });
});

describe('engine run', () => {
  it('takes what is absent or no object for missing, and drops what it does not know', async () => {
    const [bare, strange] = await answered(
      runLines({ no_data: 'reason' }),
      linesOf({ symbol: 'A', timestamp: 1 }, { ...snapshot(), market: 7, flow: null, extra: 1 }),
    );

    expect(bare).toMatchObject({ invalidations: ['NO_DATA'] });
    expect(strange).toMatchObject({ invalidations: ['NO_DATA'] });
  });

  it('refuses a snapshot its vetoes leave nobody for', async () => {
    const vetoes = {
      acceptance_high_min: 0,
      oi_flat_max: 9,
      atr_compressed_max: { atr_z: 9, range_expansion: 9 },
    };
    const full = {
      market: { acceptance_score: 1, atr_z: 1, range_expansion: 1 },
      derivatives: { oi_slope_short: 0, oi_slope_med: 0 },
    };

    const [answer] = await answered(runLines({ vetoes }), linesOf(snapshot(full)));

    expect(refusal(answer)).toEqual({
      code: 'engine_failure',
      message: 'Explainability validation failed: winner, drivers, permissions',
    });
  });

  it('bounds evidence that JSON writes beyond all numbers', async () => {
    const opinion = { regime: 'SQUEEZE_UP', confidence: 1, source: 's', strength: '@' };
    const evidence = { symbol: 'ÅRE€', engine_timestamp_ms: 180_000, opinions: [opinion] };
    const line = linesOf(
      snapshot({ market: { structure_levels: { composer_evidence_snapshot_v1: evidence } } }),
    ).replace('"@"', '1e999');

    expect(await answered(runLines({}), line)).toMatchObject([
      { invalidations: ['INVALID_EVIDENCE_BOUNDS'] },
    ]);
  });

  it('refuses a configuration it does not understand', () => {
    expect(() => runLines({ engine: 'oracle' })).toThrow('the configuration is refused: engine: ');
    expect(() => runLines({ extra: 1 })).toThrow('the configuration is refused');
  });
});

describe('engine decide', () => {
  it('keeps a state per symbol, which refused lines leave as it was', async () => {
    const lines = linesOf(
      output(1_000),
      output(1_000, 'CHOP_BALANCED'),
      output(2_000, 'MOON'),
      output(2_000, 'CHOP_BALANCED', { symbol: 'BBB' }),
      output(2_000, 'CHOP_BALANCED', { confidence: true }),
      output(2_000, 'CHOP_BALANCED', { extra: 1 }),
    );

    const [first, late, unknown, other, bool, next] = await answered(decideLines({}), lines);

    expect(HysteresisDecision.parse(first).transition.stable_regime).toBe('SQUEEZE_UP');
    expect(refusal(late)).toEqual({
      code: 'non_increasing_timestamp',
      message: 'Non-increasing timestamp for hysteresis input.',
    });
    expect([refusal(unknown).code, refusal(bool).code]).toEqual([
      'invalid_regime_output',
      'invalid_regime_output',
    ]);
    expect(other).toMatchObject({ transition: { stable_regime: 'CHOP_BALANCED' } });
    expect(next).toMatchObject({ transition: { candidate_regime: 'CHOP_BALANCED', candidate_count: 1 } });
  });

  it('has the defaults of the reference for whatever is left out', async () => {
    const lines = linesOf(output(1_000), output(2_000, 'CHOP_BALANCED'));

    expect(await answered(decideLines({ min_persistence_updates: 1 }), lines)).toMatchObject([
      {},
      { transition: { flipped: true } },
    ]);
    expect(await answered(decideLines(null), lines)).toMatchObject([{}, { effective_confidence: 0.765 }]);
  });
});

describe('engine believe', () => {
  it('takes snapshots and beliefs alike, and refuses those from before', async () => {
    const lines = linesOf({ ...snapshot(), symbol: 'AAA', timestamp: 1_000 }, state(2_000), state(1_999), {
      ...snapshot(),
      symbol: 'AAA',
      timestamp: 2_000,
      market: { structure_levels: 'regime_state' },
    });

    const [first, second, late, third] = await answered(believeLines({}), lines);

    expect([first, second, third].map((each) => HysteresisState.parse(each).progress_current)).toEqual([
      0, 1, 0,
    ]);
    expect(refusal(late).code).toBe('hysteresis_monotonicity_violation');
  });

  it.each([
    ['masses that do not sum to 1', { belief_by_regime: { SQUEEZE_UP: 0.5 } }, 'must sum to 1'],
    ['an unknown regime', { belief_by_regime: { MOON: 1 } }, 'belief_by_regime'],
    ['an anchor without mass', { anchor_regime: 'CHOP_BALANCED' }, 'must have the anchor_regime'],
    ['a mass that is no number', { belief_by_regime: { SQUEEZE_UP: true } }, 'belief_by_regime.SQUEEZE_UP'],
    ['another version', { schema_version: '2' }, 'schema_version'],
  ])('refuses a belief with %s', async (_name, over, message) => {
    const [answer] = await answered(believeLines({}), linesOf(state(1, 'SQUEEZE_UP', over)));

    expect(refusal(answer)).toEqual({
      code: 'invalid_regime_state',
      message: expect.stringContaining(message),
    });
  });

  it('refuses a snapshot that is none, and a line that is no JSON', async () => {
    const answers = await answered(believeLines({}), linesOf({}, '{"regime_state'));

    expect(answers.map((each) => refusal(each).code)).toEqual(['invalid_snapshot', 'invalid_json']);
  });
});

describe('feed simulate', () => {
  const config = {
    scheduler: { mode: 'boundary', boundary_interval_ms: 1_000, boundary_delay_ms: 0 },
    scheduler_start_now_ms: 0,
  };
  const record = (
    ingest_seq: unknown,
    ingest_ts_ms: unknown,
    over: Readonly<Record<string, unknown>> = {},
  ) => ({
    ingest_seq,
    ingest_ts_ms,
    event: marketEvent(over),
  });
  const typesOf = (events: readonly unknown[]) =>
    events.map((each) => (each as { event_type?: string; error?: object }).event_type ?? 'refused');

  it('answers a tick as soon as a record is after it, refusals in their place, and the last tick at the end', async () => {
    const lines = linesOf(record(1, 500), 'x', record(2, 400), record(3, 1_001));

    expect(typesOf(await answered(simulateLines(config, false), lines))).toEqual([
      'refused',
      'refused',
      'EngineRunStarted',
      'EngineRunFailed',
      'EngineRunStarted',
      'EngineRunFailed',
    ]);
  });

  it('takes its configuration from the header of a captured feed, or skips the header when given one', async () => {
    const header = {
      schema: 'feed_capture',
      schema_version: '1',
      config: SimulationConfig.parse({ ...config, symbols: ['AAA'] }),
      record_count: 1,
    };
    const lines = linesOf(header, record(1, 500));
    const captured = simulateLines(undefined, false);
    const given = simulateLines(config, false);

    const events = await answered(captured, lines);

    expect(typesOf(events)).toEqual(['EngineRunStarted', 'EngineRunFailed']);
    expect(await answered(given, lines)).toEqual(events);
    expect(captured.outputHash()).toMatch(/^[0-9a-f]{64}$/);
    expect(given.outputHash()).toBe(captured.outputHash());
  });

  it('has a hash at the end only, and of events only', async () => {
    const printed = simulateLines(config, true);
    const unread = simulateLines(config, false);
    const closed = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('closed'), { code: 'EPIPE' })),
    });

    await answered(printed, linesOf(record(1, 500)));
    await answerLines(
      inParts(linesOf(record(1, 500), record(2, 1_500), record(3, 2_500)), 300),
      closed,
      unread,
    );

    expect([printed.outputHash(), unread.outputHash()]).toEqual([undefined, undefined]);
  });

  it.each([
    ['nothing', '', 'invalid_config'],
    ['a record', linesOf(record(1, 500)), 'invalid_config'],
    ['a torn header', '{"schema":"feed_capture"', 'invalid_config'],
    ['a header without a configuration', linesOf({ schema: 'feed_capture' }), 'invalid_capture'],
    ['another value that names it', linesOf(['"feed_capture"']), 'invalid_config'],
  ])('without a configuration refuses a log that begins with %s', async (_name, lines, code) => {
    await expect(answered(simulateLines(undefined, false), lines)).rejects.toMatchObject({
      code,
      exitCode: 2,
    });
  });

  it('takes event types and members it does not know, and counts them', async () => {
    const lines = linesOf(record(1, 500, { event_type: 'Auction', extra: 1, normalized: {} }));

    expect(
      await answered(simulateLines({ ...config, snapshot_source: 'composer' }, false), lines),
    ).toMatchObject([
      { event_type: 'EngineRunStarted', counts_by_event_type: null },
      { event_type: 'EngineRunCompleted', counts_by_event_type: { Auction: 1 } },
    ]);
  });

  it.each([
    ['a sequence beyond all whole numbers', record(9_007_199_254_740_993, 1)],
    ['a sequence that is true', record(true, 1)],
    ['no time', record(1, undefined)],
    ['an event without a symbol', { ingest_seq: 1, ingest_ts_ms: 1, event: {} }],
    ['an event of another version', record(1, 1, { schema_version: '2' })],
    ['a time that is no whole number', record(1, 1, { exchange_ts_ms: 1.5 })],
  ])('refuses a record with %s', async (_name, value) => {
    const [answer] = await answered(simulateLines(config, false), linesOf(value));

    expect(refusal(answer)).toEqual({
      code: 'invalid_buffer_record',
      message: expect.stringMatching(/^line 1: /),
    });
  });

  it('prints the records of runs when it is asked for them', async () => {
    const answers = await answered(
      simulateLines({ ...config, engine_mode: 'hysteresis' }, true),
      linesOf(record(1, 5)),
    );

    expect(answers).toMatchObject([{ status: 'started', engine_mode: 'hysteresis', planned_ts_ms: 1_000 }]);
  });

  it.each([
    ['decision', { decay_factor: 0.5 }, 'HysteresisDecisionPublished'],
    ['belief', { window_updates: 2 }, 'HysteresisStatePublished'],
  ])('has hysteresis of %s', async (hysteresis, hysteresis_config, published) => {
    const over = { ...config, engine_mode: 'hysteresis', hysteresis, hysteresis_config };
    const setting = { ...over, snapshot_source: 'composer', candle_window: 64, deduplicate: true };

    expect(typesOf(await answered(simulateLines(setting, false), linesOf(record(1, 5))))[1]).toBe(published);
  });

  it('refuses members of the other hysteresis and tells members that mean nothing', () => {
    const over = { ...config, engine_mode: 'hysteresis', hysteresis_config: { window_updates: 2 } };

    expect(() => simulateLines(over, false)).toThrow('the configuration is refused');
    expect(() => simulateLines({ ...config, scheduler: { mode: 'timer' } }, false)).toThrow(
      'the configuration is refused: scheduler: scheduler interval is required',
    );
    expect(unknownMembers({ ...config, tempo: 1 })).toEqual(['tempo']);
    expect(unknownMembers(null)).toEqual([]);
  });
});
