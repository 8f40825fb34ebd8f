import { describe, expect, it } from 'vitest';
import {
  AnalysisConfig,
  AnalysisEngineEvent,
  AnalysisModuleStateRecord,
} from '#contracts/market/analysis.ts';
import type { ModuleKind } from '#contracts/market/analysis.ts';
import type { Regime } from '#contracts/market/regime.ts';
import { StateGateEvent } from '#contracts/market/state-gate.ts';
import { analyse } from '#domain/market/analysis/analyse.ts';
import type { AnalysisSetting, AnalysisState } from '#domain/market/analysis/analyse.ts';
import { artifactKinds } from '#domain/market/analysis/module.ts';
import type { AnalysisModule, MadeArtifact, ModuleOutput } from '#domain/market/analysis/module.ts';
import { analysisModules } from '#domain/market/analysis/modules/registry.ts';
import { planModules } from '#domain/market/analysis/plan.ts';
import { analysisSetting } from '#domain/market/analysis/setting.ts';
import { saidDecision, saidState } from '#test/support/said-events.ts';

const made = (kind: ModuleKind, name: string, over: Partial<MadeArtifact> = {}): MadeArtifact => ({
  kind: artifactKinds[kind],
  name,
  schema: name,
  schemaVersion: '1',
  payload: { name },
  ...over,
});
/** A module that makes one artifact `a`, or does what it is told. */
const moduleOf = (
  id: string,
  kind: ModuleKind,
  needs: readonly string[] = [],
  run?: AnalysisModule['run'],
): AnalysisModule => ({
  id,
  kind,
  dependencies: needs.map((moduleId) => ({ moduleId, artifactName: 'a' })),
  run: run ?? ((): ModuleOutput => ({ artifacts: [made(kind, 'a')] })),
});
const planOf = (modules: readonly AnalysisModule[], enabled = modules.map(({ id }) => id)) => {
  const plan = planModules(modules, enabled);
  return plan.kind === 'planned' ? plan.modules.map(({ id }) => id) : plan.message;
};

const judgement = (run: number, over: object = {}): StateGateEvent =>
  StateGateEvent.parse({
    schema: 'state_gate_event',
    schema_version: '1',
    event_type: 'GateEvaluated',
    symbol: 'AAA',
    engine_timestamp_ms: run * 1_000,
    run_id: String(run).padStart(64, '0'),
    state_status: 'READY',
    gate_status: 'OPEN',
    reasons: [],
    payload: null,
    input_event_type: 'EngineRunCompleted',
    engine_mode: 'truth',
    ...over,
  });
const hear = (events: readonly StateGateEvent[], setting: AnalysisSetting) => {
  let state: AnalysisState = new Map();
  const said: AnalysisEngineEvent[] = [];
  const kept: AnalysisModuleStateRecord[] = [];
  for (const event of events) {
    const step = analyse(state, event, setting);
    ({ state } = step);
    said.push(...step.events.map((each) => AnalysisEngineEvent.parse(each)));
    kept.push(...step.records.map((each) => AnalysisModuleStateRecord.parse(each)));
  }
  return { said, kept, state };
};
const running = (...modules: readonly AnalysisModule[]): AnalysisSetting => ({
  planOf: () => modules,
  config: { module_configs: [] },
});
const types = (events: readonly StateGateEvent[], setting = running()) =>
  hear(events, setting).said.map(({ event_type }) => event_type);

describe('a plan', () => {
  it('has modules by kind, then after what they need, then by id', () => {
    const modules = [
      moduleOf('o', 'output'),
      moduleOf('r', 'rule', ['s2']),
      moduleOf('s2', 'signal'),
      moduleOf('s1', 'signal', ['s3']),
      moduleOf('s3', 'signal'),
      moduleOf('d', 'detector'),
    ];

    expect(planOf(modules)).toEqual(['s2', 's3', 's1', 'd', 'r', 'o']);
    expect(planOf(modules.toReversed())).toEqual(planOf(modules));
    expect(planOf(modules, ['s3', 's1'])).toEqual(['s3', 's1']);
  });

  it.each([
    ['a module twice', [moduleOf('a', 'signal'), moduleOf('a', 'rule')], 'duplicate module_id: a'],
    ['a need of nobody', [moduleOf('a', 'signal', ['b'])], 'missing dependency for a: b.a'],
    [
      'a circle',
      [moduleOf('a', 'signal', ['b']), moduleOf('b', 'signal', ['a'])],
      'dependency cycle detected at a',
    ],
    [
      'a need of what comes later',
      [moduleOf('a', 'signal', ['b']), moduleOf('b', 'rule')],
      'invalid dependency ordering: a depends on later stage b',
    ],
  ])('is refused with %s', (_name, modules, message) => {
    expect(planOf(modules)).toBe(message);
  });

  it('is refused when it names a module that is not there, or one twice', () => {
    expect(planOf([moduleOf('a', 'signal')], ['z'])).toBe('unknown module_id: z');
    expect(planOf([moduleOf('a', 'signal')], ['a', 'a'])).toBe('duplicate module_id: a');
  });
});

describe('the analysis engine', () => {
  it('runs on an open gate, skips a closed one, and does not hear of resets', () => {
    const closed = judgement(2, {
      gate_status: 'CLOSED',
      state_status: 'HOLD',
      reasons: ['transition_active'],
    });
    const reset = judgement(3, {
      event_type: 'StateReset',
      payload: { reset_reason: 'reset_timestamp_gap' },
    });

    expect(types([judgement(1), closed, reset, judgement(3)])).toEqual([
      'AnalysisRunStarted',
      'AnalysisRunCompleted',
      'AnalysisRunSkipped',
      'AnalysisRunStarted',
      'AnalysisRunCompleted',
    ]);
    expect(hear([closed], running()).said[0]?.source_gate_reasons).toEqual(['transition_active']);
  });

  it('analyses a run once and nothing older, by symbol', () => {
    const events = [judgement(2), judgement(2), judgement(1), judgement(1, { symbol: 'BBB' })];

    expect(types(events)).toHaveLength(4);
  });

  it('fails a run on which the gate failed, and is silent on the symbol from then on', () => {
    const halted = judgement(1, {
      event_type: 'StateGateHalted',
      payload: { error_kind: 'publish_blocked', error_detail: 'x' },
    });

    expect(types([halted, judgement(2), judgement(1, { symbol: 'BBB' })])).toEqual([
      'AnalysisRunFailed',
      'AnalysisRunStarted',
      'AnalysisRunCompleted',
    ]);
  });

  it('emits artifacts by name and hands a module what it needs, no more', () => {
    const seen: string[] = [];
    const two = moduleOf('s', 'signal', [], () => ({
      artifacts: [made('signal', 'b'), made('signal', 'a'), made('signal', 'c')],
    }));
    const rule = moduleOf('r', 'rule', ['s'], ({ artifacts }) => {
      seen.push(...artifacts.keys());
      return { artifacts: [] };
    });

    const { said } = hear([judgement(1)], running(two, rule));

    expect(said.slice(1, 3).map(({ payload }) => payload)).toEqual([
      {
        artifact_kind: 'signal',
        module_id: 's',
        artifact_name: 'a',
        artifact_schema: 'a',
        artifact_schema_version: '1',
        payload: { name: 'a' },
      },
      expect.objectContaining({ artifact_name: 'b' }),
    ]);
    expect(seen).toEqual(['s:a']);
  });

  it('lets others go on when a module fails, and says which failed', () => {
    const throwing = (thrown: unknown) => (): never => {
      throw thrown;
    };
    const { said } = hear(
      [judgement(1)],
      running(
        moduleOf('z', 'signal', [], throwing(new Error('boom'))),
        moduleOf('y', 'signal', [], throwing('plain')),
        moduleOf('x', 'detector', ['z']),
        moduleOf('w', 'output', [], () => ({ artifacts: [made('signal', 'a')] })),
        moduleOf('v', 'output'),
      ),
    );

    expect(
      said.filter(({ event_type }) => event_type === 'ModuleFailed').map(({ payload }) => payload),
    ).toEqual([
      { module_id: 'z', module_kind: 'signal', error_kind: 'exception', error_detail: 'boom' },
      { module_id: 'y', module_kind: 'signal', error_kind: 'exception', error_detail: 'plain' },
      {
        module_id: 'x',
        module_kind: 'detector',
        error_kind: 'missing_dependency',
        error_detail: 'dependency not available',
      },
      {
        module_id: 'w',
        module_kind: 'output',
        error_kind: 'exception',
        error_detail: "invalid artifact kind for w: signal (expected ('output',))",
      },
    ]);
    expect(said.at(-1)?.payload).toEqual({ status: 'PARTIAL', module_failures: ['w', 'x', 'y', 'z'] });
  });

  it('keeps what a module remembers when it succeeds and has a schema, and hands it to the next run', () => {
    const counting: AnalysisModule = {
      ...moduleOf('c', 'signal', [], ({ state, engineTimestampMs }) => {
        if (engineTimestampMs === 2_000) throw new Error('boom');
        const count = Number(state?.['count'] ?? 0) + 1;
        return { artifacts: [made('signal', 'a', { payload: { count } })], state: { count } };
      }),
      stateSchema: { id: 'counter', version: '1' },
    };
    const { stateSchema: _schema, ...forgetful } = counting;
    const counts = (module: AnalysisModule) =>
      hear([judgement(1), judgement(2), judgement(3)], running(module));

    expect(counts(counting).kept.map((record) => [record.engine_timestamp_ms, record.state_payload])).toEqual(
      [
        [1_000, { count: 1 }],
        [3_000, { count: 2 }],
      ],
    );
    expect(counts(forgetful).kept).toEqual([]);
  });
});

describe('a configuration of modules', () => {
  const settingOf = (config: object) => analysisSetting(AnalysisConfig.parse(config), analysisModules);

  it('runs nothing unless it names modules, and others for some symbols', () => {
    const result = settingOf({
      enabled_modules: ['signal.regime'],
      symbols: [{ symbol: 'BBB', enabled_modules: [] }],
    });

    expect(settingOf({})).toMatchObject({ kind: 'valid' });
    if (result.kind === 'invalid') throw new Error(result.message);
    expect(result.setting.planOf('AAA').map(({ id }) => id)).toEqual(['signal.regime']);
    expect(result.setting.planOf('BBB')).toEqual([]);
  });

  it.each([
    ['an unknown module', { enabled_modules: ['z'] }, 'unknown module_id: z'],
    ['one for a symbol', { symbols: [{ symbol: 'B', enabled_modules: ['z'] }] }, 'unknown module_id: z'],
    [
      'settings of an unknown module',
      { module_configs: [{ module_id: 'z', config: {} }] },
      'unknown module_id: z',
    ],
    [
      'settings twice',
      { module_configs: ['a', 'a'].map((module_id) => ({ module_id, config: {} })) },
      'duplicate module_id: a',
    ],
  ])('is refused with %s', (_name, config, message) => {
    expect(settingOf(config)).toEqual({ kind: 'invalid', message });
  });
});

describe('the modules that ship', () => {
  const output = (regime: Regime, confidence: number) => ({
    symbol: 'AAA',
    timestamp: 1,
    regime,
    confidence,
    drivers: [],
    invalidations: [],
    permissions: [],
  });
  const seen = (run: number, regime: Regime, confidence = 0.5) =>
    judgement(run, { payload: { regime_output: output(regime, confidence), hysteresis_decision: null } });
  const settingOf = (module_configs: readonly object[] = []): AnalysisSetting => {
    const config = AnalysisConfig.parse({
      enabled_modules: analysisModules.map(({ id }) => id),
      module_configs,
    });
    const result = analysisSetting(config, analysisModules);
    if (result.kind === 'invalid') throw new Error(result.message);
    return result.setting;
  };
  const artifacts = (events: readonly StateGateEvent[], setting = settingOf()) =>
    hear(events, setting)
      .said.filter((event) => event.event_type === 'ArtifactEmitted')
      .map(({ payload, run_id }) => [Number(run_id), payload.artifact_name, payload.payload] as const);
  const named = (name: string, events: readonly StateGateEvent[], setting = settingOf()) =>
    artifacts(events, setting)
      .filter(([, artifact]) => artifact === name)
      .map(([, , payload]) => payload);

  it('are of each kind, and one remembers', () => {
    expect(new Set(analysisModules.map(({ kind }) => kind)).size).toBe(4);
    expect(analysisModules.filter(({ stateSchema }) => stateSchema).map(({ id }) => id)).toEqual([
      'signal.persistence',
    ]);
  });

  it('tell a story of persistence, shifts and conviction', () => {
    const story = [
      seen(1, 'SQUEEZE_UP'),
      seen(2, 'SQUEEZE_UP'),
      seen(3, 'CHOP_BALANCED'),
      seen(4, 'CHOP_BALANCED', 0.1),
    ];

    expect(named('persistence', story)).toEqual([
      { regime: 'SQUEEZE_UP', count: 1, previous_regime: null },
      { regime: 'SQUEEZE_UP', count: 2, previous_regime: null },
      { regime: 'CHOP_BALANCED', count: 1, previous_regime: 'SQUEEZE_UP' },
      { regime: 'CHOP_BALANCED', count: 2, previous_regime: 'SQUEEZE_UP' },
    ]);
    expect(named('headline', story).map(({ headline }) => headline)).toEqual([
      'AAA: SQUEEZE_UP (weak)',
      'AAA: SQUEEZE_UP (firm)',
      'AAA: SQUEEZE_UP has given way to CHOP_BALANCED (weak)',
      'AAA: CHOP_BALANCED (weak)',
    ]);
  });

  it('take thresholds from their configuration', () => {
    const lenient = settingOf([
      { module_id: 'rule.conviction', config: { min_confidence: 0.1, min_count: 1 } },
    ]);

    expect(named('conviction', [seen(1, 'SQUEEZE_UP', 0.1)], lenient)).toEqual([
      { verdict: 'firm', is_sure: true, is_lasting: true },
    ]);
  });

  it('go by what is stable where hysteresis was seen', () => {
    const hysteresis_decision = saidDecision(
      {},
      { selected_output: output('SQUEEZE_UP', 0.9), effective_confidence: 0.4 },
    );
    const hysteresis_state = saidState({ anchor_regime: 'SQUEEZE_DOWN' });
    const payloads = [
      { regime_output: output('CHOP_BALANCED', 0.5), hysteresis_decision },
      { regime_output: output('CHOP_BALANCED', 0.5), hysteresis_state },
      { regime_output: null, hysteresis_state },
    ];

    expect(payloads.flatMap((payload) => named('regime', [judgement(1, { payload })]))).toEqual([
      { regime: 'SQUEEZE_UP', confidence: 0.4 },
      { regime: 'SQUEEZE_DOWN', confidence: 0.5 },
      { regime: 'SQUEEZE_DOWN', confidence: null },
    ]);
    const bare = judgement(1, { payload: payloads[2] });
    expect(named('conviction', [bare])).toMatchObject([{ is_sure: true }]);
  });

  it('fail one after the other when the gate saw no regime', () => {
    const { said } = hear([judgement(1)], settingOf());

    expect(said.at(-1)?.payload).toMatchObject({ status: 'PARTIAL' });
    expect(said.filter(({ event_type }) => event_type === 'ModuleFailed')).toHaveLength(5);
  });
});
