import { describe, expect, it } from 'vitest';
import { HISTORY_CHARACTERS_MAX, HISTORY_MAX } from '#contracts/market/feed-layers.ts';
import { feedSymbolAggregate, terminalRun } from '#domain/market/feed-symbol/feed-symbol.ts';
import { feedSymbolProjection } from '#domain/market/feed-symbol/projection.ts';
import { orchestratorEvents } from '#domain/market/feed-symbol/run-facts.ts';
import { defaultLayers, layersFault, layersHash, layersOf } from '#domain/market/layers/config.ts';
import { withEntries } from '#domain/market/layers/history.ts';
import { foldRun, hearAnalysis, hearGate, initialLayers } from '#domain/market/layers/symbol-layers.ts';
import { demoConfig } from '#test/support/market-harness.ts';
import { failed, layeredSymbol, layersRow, runAt } from '#test/support/market-layers.ts';

const all = ['signal.regime', 'signal.persistence', 'detector.shift', 'rule.conviction', 'output.headline'];
const modules = (...enabled_modules: readonly string[]) => ({ analysis_engine: { enabled_modules } });
const types = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type);

describe('the configuration of the layers', () => {
  it('is in the stream before the first run it is for, and again only when it is another one', () => {
    const symbol = layeredSymbol(modules('signal.regime'));
    symbol.send(runAt(1));
    symbol.send(runAt(2));
    const other = layersOf(demoConfig(modules()), 'AAA');

    expect(types(symbol.events)).toEqual(['LayersConfigured', 'EngineRunCompleted', 'EngineRunCompleted']);
    expect(types(symbol.harness.send({ type: 'RecordRuns', runs: [runAt(3)], layers: other }))).toEqual([
      'LayersConfigured',
      'EngineRunCompleted',
    ]);
    expect(types(symbol.harness.send({ type: 'RecordRuns', runs: [runAt(4)], layers: other }))).toEqual([
      'EngineRunCompleted',
    ]);
  });

  it('leaves no event while it is the default, comes without runs, or is not told', () => {
    const plain = layeredSymbol();
    expect(types(plain.send(runAt(1)))).toEqual(['EngineRunCompleted']);

    const symbol = layeredSymbol(modules('signal.regime'));
    expect(symbol.send()).toEqual([]);
    symbol.send(runAt(1));
    expect(symbol.send(runAt(1))).toEqual([]);
    expect(types(symbol.harness.send({ type: 'RecordRuns', runs: [runAt(2)] }))).toEqual([
      'EngineRunCompleted',
    ]);
  });

  it('is remembered by its hash alone, through the stored form too', () => {
    const symbol = layeredSymbol(modules('signal.regime'));
    symbol.send(runAt(1));
    const { state } = symbol.harness as {
      readonly state: Parameters<typeof feedSymbolAggregate.encodeState>[0];
    };

    expect(state.layers).toBe(layersHash(layersOf(demoConfig(modules('signal.regime')), 'AAA')));
    expect(feedSymbolAggregate.decodeState(feedSymbolAggregate.encodeState(state))).toEqual(state);
  });

  it('is the part of the symbol: its own modules, and the settings of those alone', () => {
    const config = demoConfig({
      analysis_engine: {
        enabled_modules: ['signal.regime'],
        module_configs: [{ module_id: 'rule.conviction', config: { min_count: 3 } }],
        symbols: [{ symbol: 'BBB', enabled_modules: all }],
      },
    });

    expect(layersOf(demoConfig(), 'AAA')).toEqual(defaultLayers);
    expect(layersOf(config, 'AAA').analysis_engine).toEqual({
      enabled_modules: ['signal.regime'],
      module_configs: [],
    });
    expect(layersOf(config, 'BBB').analysis_engine).toMatchObject({
      enabled_modules: all,
      module_configs: [{ module_id: 'rule.conviction' }],
    });
  });

  it.each([
    [modules(...all), undefined],
    [modules('nobody'), 'unknown module_id: nobody'],
    [modules('signal.regime', 'signal.regime'), 'duplicate module_id: signal.regime'],
    [modules('signal.persistence'), 'missing dependency for signal.persistence: signal.regime.regime'],
  ])('of %j is answered %j', (config, expected) => {
    expect(layersFault(demoConfig(config))).toBe(expected);
  });

  it('with a module this version lacks is no answer', () => {
    const row = { ...initialLayers('AAA'), config: { ...defaultLayers, ...modules('gone') } };
    const [event] = layeredSymbol().send(runAt(1));
    const run = event && terminalRun(event);
    if (!run) throw new Error('no run');

    const config = { ...row.config, analysis_engine: { enabled_modules: ['gone'], module_configs: [] } };
    expect(() => foldRun({ ...row, config }, run)).toThrow('unknown module_id: gone');
  });
});

describe('the gate of a symbol', () => {
  it('opens on a judged run and holds back what is denylisted, with numbers from 1', () => {
    const symbol = layeredSymbol({ state_gate: { denylisted_invalidations: ['STALE'] } });
    symbol.send(runAt(1), runAt(2, { invalidations: ['STALE'] }), runAt(3, {}, { outcome: failed }));

    const { gate } = layersRow(symbol.events);

    expect(
      gate.history.map(({ number, state_status, gate_status, reasons }) => [
        number,
        state_status,
        gate_status,
        reasons,
      ]),
    ).toEqual([
      [1, 'READY', 'OPEN', []],
      [2, 'HOLD', 'CLOSED', ['denylisted_invalidation:STALE']],
      [3, 'DEGRADED', 'CLOSED', ['run_failed']],
    ]);
    expect(gate.last).toMatchObject({ state_status: 'DEGRADED', regime_output: null });
  });

  it('forgets after a longer gap than configured, and not at exactly that', () => {
    const symbol = layeredSymbol({ state_gate: { max_gap_ms: 120_000 } });
    const later = { engineTimestampMs: 300_001, plannedTsMs: 300_001 };
    const exactly = { engineTimestampMs: 180_000 };
    symbol.send(runAt(1), runAt(2, {}, exactly), runAt(3, {}, later));

    expect(
      layersRow(symbol.events).gate.history.map(({ event_type, reasons }) => [event_type, reasons]),
    ).toEqual([
      ['GateEvaluated', []],
      ['GateEvaluated', []],
      ['StateReset', ['reset_timestamp_gap']],
      ['GateEvaluated', []],
    ]);
  });

  it('halts its symbol when more was to be published than may wait, until it is configured anew', () => {
    const narrow = {
      state_gate: { max_gap_ms: 1, publish_limits: { max_pending: 1 } },
      ...modules('signal.regime'),
    };
    const symbol = layeredSymbol(narrow);
    symbol.send(runAt(1), runAt(2), runAt(3));

    const halted = layersRow(symbol.events);
    expect(halted.gate).toMatchObject({ halted: 'publish_blocked', last: { state_status: 'HALTED' } });
    expect(halted.gate.history.map(({ event_type: type }) => type)).toEqual([
      'GateEvaluated',
      'StateGateHalted',
    ]);
    expect(halted.analysis).toMatchObject({ halted: true });
    expect(halted.analysis.history.map(({ status }) => status)).toEqual(['SUCCESS', 'FAILED']);

    const wide = layersOf(demoConfig(modules('signal.regime')), 'AAA');
    symbol.harness.send({ type: 'RecordRuns', runs: [runAt(4)], layers: wide });

    const resumed = layersRow(symbol.events);
    expect(resumed.gate).toMatchObject({ halted: null, last: { state_status: 'READY' } });
    expect(resumed.gate.history.at(-1)).toMatchObject({ number: 3, gate_status: 'OPEN' });
    expect(resumed.analysis.history.at(-1)).toMatchObject({ number: 3, status: 'SUCCESS' });
  });

  it('makes nothing of a skipped run, and nothing of a second one at the same instant', () => {
    const symbol = layeredSymbol();
    const same = { engineTimestampMs: 60_000 };
    symbol.send(
      runAt(1),
      runAt(2, { regime: 'SQUEEZE_DOWN' }, same),
      runAt(3, {}, { outcome: { kind: 'skipped' } }),
    );

    const row = layersRow(symbol.events);

    const skipped = symbol.events.slice(-1);
    expect(skipped.flatMap(feedSymbolProjection.details).map(({ pk }) => pk)).toEqual([
      'feed-layers#acme/prod/demo',
    ]);
    expect(row.gate.history).toHaveLength(1);
    expect(row.regimes).toHaveLength(1);
    expect(row.latest[0]).toMatchObject({ event_type: 'EngineRunSkipped', engine_timestamp_ms: 180_000 });
  });

  it('hears no events that contradict each other', () => {
    const [event] = layeredSymbol().send(runAt(1, {}, { engineMode: 'hysteresis' }));
    const run = event && terminalRun(event);
    if (!run) throw new Error('no run');
    const [, completed] = orchestratorEvents(run);
    if (!completed) throw new Error('no event');

    expect(() => hearGate(initialLayers('AAA'), [completed, { ...completed, engine_mode: 'truth' }])).toThrow(
      'inconsistent engine_mode',
    );
  });
});

describe('the analysis of a symbol', () => {
  it('runs its modules on what the gate lets through, and hands a module what it remembers', () => {
    const symbol = layeredSymbol({ ...modules(...all), state_gate: { denylisted_invalidations: ['STALE'] } });
    symbol.send(
      runAt(1),
      runAt(2),
      runAt(3, { invalidations: ['STALE'] }),
      runAt(4, { regime: 'SQUEEZE_DOWN' }),
    );

    const { analysis, latest } = layersRow(symbol.events);

    expect(
      analysis.history.map(({ number, status, artifact_count: count }) => [number, status, count]),
    ).toEqual([
      [1, 'SUCCESS', 5],
      [2, 'SUCCESS', 5],
      [3, 'SKIPPED', 0],
      [4, 'SUCCESS', 5],
    ]);
    expect(analysis.states).toMatchObject([
      { module_id: 'signal.persistence', state_payload: { count: 1, previous_regime: 'SQUEEZE_UP' } },
    ]);
    expect(
      latest.find(
        (event) => event.event_type === 'ArtifactEmitted' && event.payload.artifact_name === 'headline',
      ),
    ).toMatchObject({
      payload: { payload: { headline: 'AAA: SQUEEZE_UP has given way to SQUEEZE_DOWN (weak)' } },
    });
  });

  it('is PARTIAL when a module fails or lacks what it needs, and names them', () => {
    const [event] = layeredSymbol().send(runAt(1));
    const run = event && terminalRun(event);
    if (!run) throw new Error('no run');
    const plain = initialLayers('AAA');
    const config = layersOf(demoConfig(modules('signal.regime', 'signal.persistence')), 'AAA');
    const blind = hearGate(plain, orchestratorEvents(run)).events.flatMap((said) =>
      said.event_type === 'GateEvaluated' ? [{ ...said, payload: null }] : [],
    );

    const { layer, events } = hearAnalysis({ ...plain, config }, blind);

    const failures = ['signal.persistence', 'signal.regime'];
    expect(layer.history).toMatchObject([
      { number: 1, status: 'PARTIAL', artifact_count: 0, module_failures: failures },
    ]);
    expect(layer.states).toEqual([]);
    expect(events.filter(({ event_type: type }) => type === 'ModuleFailed')).toHaveLength(2);
    expect(hearAnalysis(plain, [])).toEqual({ layer: plain.analysis, events: [] });
  });
});

describe('a history', () => {
  const entries = (count: number, size = 1) =>
    Array.from({ length: count }, () => ({ text: 'x'.repeat(size) }));
  type Entry = { readonly number: number; readonly text: string };

  it('keeps as many entries as it may and their numbers', () => {
    const full = withEntries<Entry>([], entries(HISTORY_MAX));
    const more = withEntries<Entry>(full, entries(1));

    expect([full.length, full[0]?.number, full.at(-1)?.number]).toEqual([HISTORY_MAX, 1, HISTORY_MAX]);
    expect([more.length, more[0]?.number, more.at(-1)?.number]).toEqual([HISTORY_MAX, 2, HISTORY_MAX + 1]);
    expect(withEntries(more, [])).toEqual(more);
    expect(withEntries([], [])).toEqual([]);
  });

  it('keeps as many characters as it may, and always its newest entry', () => {
    const overhead = JSON.stringify({ text: '', number: 1 }).length;
    const half = HISTORY_CHARACTERS_MAX / 2 - overhead;
    const numbers = (...sizes: readonly number[]) =>
      withEntries<Entry>(
        [],
        sizes.flatMap((size) => entries(1, size)),
      ).map(({ number }) => number);

    expect(numbers(half, half)).toEqual([1, 2]);
    expect(numbers(half, half + 1)).toEqual([2]);
    expect(numbers(half, half, 1)).toEqual([2, 3]);
    expect(numbers(HISTORY_CHARACTERS_MAX, HISTORY_CHARACTERS_MAX)).toEqual([2]);
  });
});

describe('the row of the layers', () => {
  it('is touched by runs and configurations, and by nothing else', () => {
    const symbol = layeredSymbol(modules('signal.regime'));
    symbol.send(runAt(1));
    const [event] = symbol.events;
    if (!event) throw new Error('no event');
    const key = { pk: 'feed-layers#acme/prod/demo', sk: 'AAA' };

    expect(symbol.events.map((each) => feedSymbolProjection.details(each).map(({ pk }) => pk))).toEqual([
      ['feed-layers#acme/prod/demo'],
      ['engine-run#acme/prod/demo', 'feed-layers#acme/prod/demo'],
    ]);
    expect(feedSymbolProjection.details({ ...event, type: 'Other' })).toEqual([]);
    expect(feedSymbolProjection.apply(undefined, key, { ...event, type: 'Other' })).toBeUndefined();
  });
});
