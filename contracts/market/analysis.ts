/** The analysis engine: what modules make of a run the gate lets through (market reference, section 11.2). */
import * as z from 'zod';
import { EngineRunId } from '#contracts/ids.ts';
import { EngineMode } from '#contracts/market/engine-run.ts';

/** What a module does; each kind sees what those before it made. */
export const moduleKinds = ['signal', 'detector', 'rule', 'output'] as const;
/** One of the kinds. */
export const ModuleKind = z.enum(moduleKinds);
export type ModuleKind = z.infer<typeof ModuleKind>;

/** What a module makes; each kind of module has its own. */
export const ArtifactKind = z.enum(['signal', 'detection', 'evaluation', 'output']);
export type ArtifactKind = z.infer<typeof ArtifactKind>;

/** What a module made of a run. */
export const Artifact = z.strictObject({
  artifact_kind: ArtifactKind,
  module_id: z.string(),
  artifact_name: z.string(),
  artifact_schema: z.string(),
  artifact_schema_version: z.string(),
  payload: z.record(z.string(), z.unknown()),
});
export type Artifact = z.infer<typeof Artifact>;

/** Why a module made nothing of a run: it threw, or something it needs was not made. */
export const ModuleFailure = z.strictObject({
  module_id: z.string(),
  module_kind: ModuleKind,
  error_kind: z.enum(['exception', 'missing_dependency']),
  error_detail: z.string(),
});
export type ModuleFailure = z.infer<typeof ModuleFailure>;

const envelope = {
  schema: z.literal('analysis_engine_event'),
  schema_version: z.literal('1'),
  symbol: z.string(),
  run_id: EngineRunId,
  engine_timestamp_ms: z.int(),
  engine_mode: EngineMode,
  /** Why the gate decided as it did. */
  source_gate_reasons: z.array(z.string()),
};

const ended = <Status extends string>(statuses: readonly [Status, ...Status[]]) =>
  z.strictObject({ status: z.enum(statuses), module_failures: z.array(z.string()) });

/** A run was analysed, with artifacts and failures in the order of the plan; or skipped; or the gate had failed. */
export const AnalysisEngineEvent = z.discriminatedUnion('event_type', [
  z.strictObject({ ...envelope, event_type: z.literal('AnalysisRunStarted'), payload: z.null() }),
  z.strictObject({ ...envelope, event_type: z.literal('ArtifactEmitted'), payload: Artifact }),
  z.strictObject({ ...envelope, event_type: z.literal('ModuleFailed'), payload: ModuleFailure }),
  z.strictObject({
    ...envelope,
    event_type: z.literal('AnalysisRunCompleted'),
    payload: ended(['SUCCESS', 'PARTIAL']),
  }),
  z.strictObject({ ...envelope, event_type: z.literal('AnalysisRunSkipped'), payload: z.null() }),
  z.strictObject({ ...envelope, event_type: z.literal('AnalysisRunFailed'), payload: ended(['FAILED']) }),
]);
export type AnalysisEngineEvent = z.infer<typeof AnalysisEngineEvent>;

/** What a module remembers of a symbol, appended when it succeeded. */
export const AnalysisModuleStateRecord = z.strictObject({
  symbol: z.string(),
  module_id: z.string(),
  run_id: EngineRunId,
  engine_timestamp_ms: z.int(),
  state_schema_id: z.string(),
  state_schema_version: z.string(),
  state_payload: z.record(z.string(), z.unknown()),
});
export type AnalysisModuleStateRecord = z.infer<typeof AnalysisModuleStateRecord>;

const modules = z.array(z.string());

/** Which modules run, with what settings, and for which symbols others do. */
export const AnalysisConfig = z.strictObject({
  enabled_modules: modules.default([]),
  module_configs: z
    .array(z.strictObject({ module_id: z.string(), config: z.record(z.string(), z.unknown()) }))
    .default([]),
  symbols: z.array(z.strictObject({ symbol: z.string(), enabled_modules: modules })).default([]),
});
export type AnalysisConfig = z.infer<typeof AnalysisConfig>;

/** The analysis engine when nothing is chosen: no modules. */
export const analysisDefault: AnalysisConfig = AnalysisConfig.parse({});

/** How the analysis of a run ended. */
export const AnalysisRunStatus = z.enum(['SUCCESS', 'PARTIAL', 'SKIPPED', 'FAILED']);
export type AnalysisRunStatus = z.infer<typeof AnalysisRunStatus>;
