/** What runs of a feed say, as plain values with members to change; run n is of `AAA` at second n unless told otherwise. */

/** Members that a test changes. */
export type Over = Readonly<Record<string, unknown>>;

/** The id of run n. */
export const runIdOf = (run: number): string => String(run).padStart(64, '0');

/** An orchestrator event of run n. */
export const said = (run: number, event_type: string, payload: unknown, over: Over = {}) => ({
  schema: 'orchestrator_event',
  schema_version: '1',
  event_type,
  run_id: runIdOf(run),
  symbol: 'AAA',
  engine_timestamp_ms: run * 1_000,
  cut_start_ingest_seq: 1,
  cut_end_ingest_seq: 1,
  cut_kind: 'boundary',
  engine_mode: 'truth',
  attempt: 1,
  counts_by_event_type: null,
  payload,
  ...over,
});

/** An output of the engine. */
export const saidOutput = (over: Over = {}) => ({
  symbol: 'AAA',
  timestamp: 1,
  regime: 'SQUEEZE_UP',
  confidence: 0.5,
  drivers: [],
  invalidations: [],
  permissions: [],
  ...over,
});

/** What decision hysteresis made of an output, by default nothing new. */
export const saidDecision = (transition: Over = {}, over: Over = {}) => ({
  selected_output: saidOutput(),
  effective_confidence: 0.5,
  transition: {
    stable_regime: 'SQUEEZE_UP',
    candidate_regime: null,
    candidate_count: 0,
    transition_active: false,
    flipped: false,
    reset_due_to_gap: false,
    ...transition,
  },
  ...over,
});

/** A state of belief hysteresis that rests on its anchor. */
export const saidState = (over: Over = {}) => ({
  schema: 'hysteresis_state',
  schema_version: '1',
  symbol: 'AAA',
  engine_timestamp_ms: 1,
  anchor_regime: 'SQUEEZE_UP',
  candidate_regime: null,
  progress_current: 0,
  progress_required: 3,
  last_commit_timestamp_ms: null,
  reason_codes: [],
  debug: null,
  ...over,
});
