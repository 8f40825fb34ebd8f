/**
 * The analysis engine: runs modules on what the gate lets through, once per run of a symbol, in the order of their
 * plan. A module that fails leaves the others to go on; what it remembers is kept only when it succeeded.
 */
import type {
  AnalysisConfig,
  AnalysisEngineEvent,
  AnalysisModuleStateRecord,
  Artifact,
  ModuleFailure,
} from '#contracts/market/analysis.ts';
import type { StateGateEvent } from '#contracts/market/state-gate.ts';
import { compareText } from '#domain/kernel/compare-text.ts';
import { artifactKey, artifactKinds } from '#domain/market/analysis/module.ts';
import type {
  AnalysisModule,
  MadeArtifact,
  ModuleInput,
  ModuleOutput,
} from '#domain/market/analysis/module.ts';

/** What is remembered of a symbol. */
export interface SymbolAnalysis {
  readonly engineTimestampMs: number;
  readonly isHalted: boolean;
  /** The last state of each module that keeps one. */
  readonly states: ReadonlyMap<string, AnalysisModuleStateRecord>;
}

/** What the analysis engine remembers, by symbol. */
export type AnalysisState = ReadonlyMap<string, SymbolAnalysis>;

/** What runs, and how. */
export interface AnalysisSetting {
  /** The plan of a symbol's modules. */
  readonly planOf: (symbol: string) => readonly AnalysisModule[];
  readonly config: Pick<AnalysisConfig, 'module_configs'>;
}

/** Records to append, then events to publish, and what is remembered after both. */
export interface AnalysisStep {
  readonly records: readonly AnalysisModuleStateRecord[];
  readonly events: readonly AnalysisEngineEvent[];
  readonly state: AnalysisState;
}

const unknownSymbol: SymbolAnalysis = {
  engineTimestampMs: -Infinity,
  isHalted: false,
  states: new Map(),
};

/**
 * Hears a judgement of the gate. Resets, runs that were analysed already, and halted symbols lead to nothing: the state
 * is then the very one that was given.
 */
export const analyse = (
  state: AnalysisState,
  event: StateGateEvent,
  setting: AnalysisSetting,
): AnalysisStep => {
  const known = state.get(event.symbol) ?? unknownSymbol;
  if (known.isHalted || event.engine_timestamp_ms <= known.engineTimestampMs)
    return { records: [], events: [], state };
  const at = { ...known, engineTimestampMs: event.engine_timestamp_ms };
  const ended = (analysis: SymbolAnalysis, ...events: readonly AnalysisEngineEvent[]): AnalysisStep => ({
    records: [],
    events,
    state: new Map(state).set(event.symbol, analysis),
  });
  switch (event.event_type) {
    case 'StateReset':
      return { records: [], events: [], state };
    case 'StateGateHalted':
      return ended(
        { ...at, isHalted: true },
        {
          ...envelope(event),
          event_type: 'AnalysisRunFailed',
          payload: { status: 'FAILED', module_failures: [] },
        },
      );
    case 'GateEvaluated':
      return event.gate_status === 'OPEN'
        ? analyseRun(state, { event, known: at }, setting)
        : ended(at, { ...envelope(event), event_type: 'AnalysisRunSkipped', payload: null });
  }
};

/** Lets a halted symbol be analysed again, from its next run on. */
export const resumeAnalysis = (state: AnalysisState, symbol: string): AnalysisState => {
  const known = state.get(symbol);
  return known?.isHalted === true ? new Map(state).set(symbol, { ...known, isHalted: false }) : state;
};

type Evaluated = Extract<StateGateEvent, { event_type: 'GateEvaluated' }>;

const envelope = ({ symbol, run_id, engine_timestamp_ms, engine_mode, reasons }: StateGateEvent) =>
  ({
    schema: 'analysis_engine_event',
    schema_version: '1',
    symbol,
    run_id,
    engine_timestamp_ms,
    engine_mode,
    source_gate_reasons: reasons,
  }) as const;

const analyseRun = (
  state: AnalysisState,
  { event, known }: { readonly event: Evaluated; readonly known: SymbolAnalysis },
  { planOf, config }: AnalysisSetting,
): AnalysisStep => {
  const artifacts = new Map<string, Artifact['payload']>();
  const events: AnalysisEngineEvent[] = [];
  const records: AnalysisModuleStateRecord[] = [];
  const failures: string[] = [];
  const configs = new Map(config.module_configs.map((each) => [each.module_id, each.config]));
  for (const module of planOf(event.symbol)) {
    const result = attempt(module, {
      symbol: event.symbol,
      runId: event.run_id,
      engineTimestampMs: event.engine_timestamp_ms,
      evidence: event.payload,
      artifacts,
      state: known.states.get(module.id)?.state_payload,
      config: configs.get(module.id) ?? {},
    });
    if (result.kind === 'failed') {
      failures.push(module.id);
      events.push({ ...envelope(event), event_type: 'ModuleFailed', payload: result.failure });
      continue;
    }
    for (const artifact of result.artifacts) {
      artifacts.set(
        artifactKey({ moduleId: module.id, artifactName: artifact.artifact_name }),
        artifact.payload,
      );
      events.push({ ...envelope(event), event_type: 'ArtifactEmitted', payload: artifact });
    }
    records.push(...stateRecords(module, event, result.output));
  }
  const status = failures.length > 0 ? 'PARTIAL' : 'SUCCESS';
  return {
    records,
    events: [
      { ...envelope(event), event_type: 'AnalysisRunStarted', payload: null },
      ...events,
      {
        ...envelope(event),
        event_type: 'AnalysisRunCompleted',
        payload: { status, module_failures: failures.sort() },
      },
    ],
    state: new Map(state).set(event.symbol, {
      ...known,
      states: new Map([...known.states, ...records.map((record) => [record.module_id, record] as const)]),
    }),
  };
};

type Attempt =
  | { readonly kind: 'made'; readonly artifacts: readonly Artifact[]; readonly output: ModuleOutput }
  | { readonly kind: 'failed'; readonly failure: ModuleFailure };

const attempt = (module: AnalysisModule, input: ModuleInput): Attempt => {
  const failed = (error_kind: ModuleFailure['error_kind'], error_detail: string): Attempt => ({
    kind: 'failed',
    failure: { module_id: module.id, module_kind: module.kind, error_kind, error_detail },
  });
  const needed = module.dependencies.map(artifactKey);
  if (needed.some((key) => !input.artifacts.has(key)))
    return failed('missing_dependency', 'dependency not available');
  const artifacts = new Map([...input.artifacts].filter(([key]) => needed.includes(key)));
  try {
    const output = module.run({ ...input, artifacts });
    const wrong = output.artifacts.find(({ kind }) => kind !== artifactKinds[module.kind]);
    return wrong
      ? failed('exception', kindFault(module, wrong))
      : {
          kind: 'made',
          artifacts: inOrder(output.artifacts).map((made) => artifactOf(module, made)),
          output,
        };
  } catch (error) {
    return failed('exception', error instanceof Error ? error.message : String(error));
  }
};

const kindFault = ({ id, kind }: AnalysisModule, wrong: MadeArtifact): string =>
  `invalid artifact kind for ${id}: ${wrong.kind} (expected ('${artifactKinds[kind]}',))`;

const inOrder = (artifacts: readonly MadeArtifact[]): readonly MadeArtifact[] =>
  [...artifacts].sort((left, right) => compareText(left.name, right.name));

const artifactOf = ({ id }: AnalysisModule, made: MadeArtifact): Artifact => ({
  artifact_kind: made.kind,
  module_id: id,
  artifact_name: made.name,
  artifact_schema: made.schema,
  artifact_schema_version: made.schemaVersion,
  payload: made.payload,
});

const stateRecords = (
  { id, stateSchema }: AnalysisModule,
  event: Evaluated,
  { state }: ModuleOutput,
): readonly AnalysisModuleStateRecord[] =>
  stateSchema && state
    ? [
        {
          symbol: event.symbol,
          module_id: id,
          run_id: event.run_id,
          engine_timestamp_ms: event.engine_timestamp_ms,
          state_schema_id: stateSchema.id,
          state_schema_version: stateSchema.version,
          state_payload: { ...state },
        },
      ]
    : [];
