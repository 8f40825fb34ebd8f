/** The configuration of an orchestrator as the reference writes it (market reference, section 8). */
import { BeliefHysteresisConfig, DecisionHysteresisConfig } from '#contracts/market/hysteresis.ts';
import { MatrixRouting } from '#contracts/market/evidence-matrix.ts';
import {
  broken,
  checked,
  integerAt,
  objectOf,
  optionalAt,
  retryOf,
  sourcesOf,
  textsOf,
} from '#contracts/market/config-rules.ts';
import type { ConfigResult, RawConfig } from '#contracts/market/config-rules.ts';
import type { EngineMode } from '#contracts/market/engine-run.ts';
import type { FeedScheduler } from '#contracts/market/feed-config.ts';
import type { RetryPolicy } from '#contracts/market/operation.ts';
import type * as z from 'zod';

/** A checked configuration with its defaults. */
export interface OrchestratorConfig {
  readonly sources: readonly { readonly source_id: string; readonly symbols: readonly string[] }[];
  readonly scheduler: FeedScheduler;
  readonly engine: { readonly engine_mode: EngineMode; readonly hysteresis_state_path: string | null };
  readonly ingestion_retry: RetryPolicy;
  readonly buffer_retry: RetryPolicy;
  readonly engine_retry: RetryPolicy;
  readonly publish_retry: RetryPolicy;
  readonly buffer_retention: { readonly max_records: number; readonly max_age_ms: number | null };
  readonly output_publish: { readonly max_pending: number; readonly max_block_ms: number | null };
  /** Ours: where snapshots come from, what is stabilized, and the settings of both and of the matrix. */
  readonly snapshot_source: 'snapshot_inputs' | 'composer';
  readonly hysteresis_kind: 'decision' | 'belief';
  readonly decision_hysteresis: DecisionHysteresisConfig;
  readonly belief_hysteresis: BeliefHysteresisConfig;
  readonly matrix: MatrixRouting | null;
}

const members = [
  'sources',
  'scheduler',
  'engine',
  'ingestion_retry',
  'buffer_retry',
  'engine_retry',
  'publish_retry',
  'buffer_retention',
  'output_publish',
  'snapshot_source',
  'hysteresis_kind',
  'decision_hysteresis',
  'belief_hysteresis',
  'matrix',
] as const;

/** Checks a configuration in the reference's order: the first rule that is broken is the answer. */
export const parseOrchestratorConfig = (value: unknown): ConfigResult<OrchestratorConfig> =>
  checked(() => {
    const config = objectOf(value, 'orchestrator config', members);
    return {
      sources: sourcesOf(config['sources'], 'orchestrator config must include at least one source', sourceOf),
      scheduler: schedulerOf(config['scheduler']),
      engine: engineOf(config['engine']),
      ingestion_retry: retryOf(config['ingestion_retry'], 'ingestion_retry'),
      buffer_retry: retryOf(config['buffer_retry'], 'buffer_retry'),
      engine_retry: retryOf(config['engine_retry'], 'engine_retry'),
      publish_retry: retryOf(config['publish_retry'], 'publish_retry'),
      buffer_retention: retentionOf(config['buffer_retention']),
      output_publish: publishOf(config['output_publish']),
      ...ownOf(config),
    };
  });

const oneOf = <Choice extends string>(
  value: unknown,
  label: string,
  { choices, otherwise }: { readonly choices: readonly [Choice, Choice]; readonly otherwise: Choice },
): Choice => {
  const [first, second] = choices;
  const given = value ?? otherwise;
  const choice = choices.find((each) => each === given);
  return choice ?? broken(`${label} must be '${first}' or '${second}'`);
};

const sourceOf = (source: RawConfig, source_id: string): OrchestratorConfig['sources'][number] => {
  objectOf(source, 'source', ['source_id', 'symbols']);
  return {
    source_id,
    symbols: textsOf(source['symbols'], `symbols must be set for source_id=${source_id}`),
  };
};

const schedulerOf = (value: unknown): FeedScheduler => {
  const scheduler = objectOf(value, 'scheduler', [
    'mode',
    'timer_interval_ms',
    'boundary_interval_ms',
    'boundary_delay_ms',
  ]);
  const mode = oneOf(scheduler['mode'], 'scheduler.mode', {
    choices: ['timer', 'boundary'],
    otherwise: 'boundary',
  });
  const at = (name: string, from: 0 | 1, otherwise?: number): number =>
    integerAt(scheduler, name, {
      label: `scheduler.${name}`,
      from,
      ...(otherwise === undefined ? {} : { otherwise }),
    });
  switch (mode) {
    case 'timer':
      return { mode, timer_interval_ms: at('timer_interval_ms', 1) };
    case 'boundary':
      return {
        mode,
        boundary_interval_ms: at('boundary_interval_ms', 1, 180_000),
        boundary_delay_ms: at('boundary_delay_ms', 0, 0),
      };
  }
};

const STATE_PATH_DEFAULT = 'logs/hysteresis/hysteresis_store.jsonl';

const engineOf = (value: unknown): OrchestratorConfig['engine'] => {
  const engine = objectOf(value, 'engine', ['engine_mode', 'hysteresis_state_path']);
  const mode = oneOf(engine['engine_mode'], 'engine.engine_mode', {
    choices: ['truth', 'hysteresis'],
    otherwise: 'hysteresis',
  });
  const path =
    engine['hysteresis_state_path'] === undefined ? STATE_PATH_DEFAULT : engine['hysteresis_state_path'];
  switch (mode) {
    case 'truth':
      return { engine_mode: mode, hysteresis_state_path: null };
    case 'hysteresis':
      return typeof path === 'string' && path !== ''
        ? { engine_mode: mode, hysteresis_state_path: path }
        : broken('engine.hysteresis_state_path is required for hysteresis mode');
  }
};

const retentionOf = (value: unknown): OrchestratorConfig['buffer_retention'] => {
  const retention = objectOf(value, 'buffer_retention', ['max_records', 'max_age_ms']);
  const label = 'buffer_retention.max_records';
  return {
    max_records: integerAt(retention, 'max_records', { label, from: 1, otherwise: 50_000 }),
    max_age_ms: optionalAt(retention, 'max_age_ms', 'buffer_retention.max_age_ms'),
  };
};

const publishOf = (value: unknown): OrchestratorConfig['output_publish'] => {
  const publish = objectOf(value, 'output_publish', ['max_pending', 'max_block_ms']);
  const label = 'output_publish.max_pending';
  return {
    max_pending: integerAt(publish, 'max_pending', { label, from: 1, otherwise: 1_000 }),
    max_block_ms: optionalAt(publish, 'max_block_ms', 'output_publish.max_block_ms'),
  };
};

const shaped = <Value>(schema: z.ZodType<Value>, value: unknown, label: string): Value => {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const [text = ''] = parsed.error.issues.map(
    ({ path, message }) => `${[label, ...path].join('.')}: ${message}`,
  );
  return broken(text);
};

type Own = Pick<
  OrchestratorConfig,
  'snapshot_source' | 'hysteresis_kind' | 'decision_hysteresis' | 'belief_hysteresis' | 'matrix'
>;

const ownOf = (config: RawConfig): Own => ({
  snapshot_source: oneOf(config['snapshot_source'], 'snapshot_source', {
    choices: ['snapshot_inputs', 'composer'],
    otherwise: 'snapshot_inputs',
  }),
  hysteresis_kind: oneOf(config['hysteresis_kind'], 'hysteresis_kind', {
    choices: ['decision', 'belief'],
    otherwise: 'decision',
  }),
  decision_hysteresis: shaped(DecisionHysteresisConfig, config['decision_hysteresis'], 'decision_hysteresis'),
  belief_hysteresis: shaped(BeliefHysteresisConfig, config['belief_hysteresis'], 'belief_hysteresis'),
  matrix: (config['matrix'] ?? null) === null ? null : shaped(MatrixRouting, config['matrix'], 'matrix'),
});

/**
 * What a configuration makes likely to go wrong without being wrong: a timer that is no multiple of three minutes gives
 * engine timestamps that are not aligned.
 */
export const orchestratorConfigWarnings = ({ scheduler }: OrchestratorConfig): readonly string[] =>
  scheduler.mode === 'timer' && scheduler.timer_interval_ms % 180_000 !== 0
    ? ['scheduler.timer_interval_ms is no multiple of 180000: engine timestamps will not be 3m-aligned']
    : [];
