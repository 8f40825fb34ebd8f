import { describe, expect, it } from 'vitest';
import { cadenceRemark } from '#domain/market/cadence.ts';
import { executeRun, truthSetting } from '#domain/market/execute-run.ts';
import type { RunMemory, RunSetting } from '#domain/market/execute-run.ts';
import { beliefDefaults } from '#domain/market/hysteresis/belief.ts';
import { decisionDefaults } from '#domain/market/hysteresis/decision.ts';
import { runRemarks } from '#domain/market/run-remarks.ts';
import { sliceOfEvents } from '#domain/market/slice.ts';

const MINUTE_MS = 60_000;

/** The lines of one run at a minute, and what is remembered after it. */
const runAt = (
  minute: number,
  { setting, memory = {}, levels }: { setting: RunSetting; memory?: RunMemory; levels?: object },
) => {
  const engineTimestampMs = minute * MINUTE_MS;
  const run = {
    symbol: 'AAA',
    runNo: minute,
    plannedTsMs: engineTimestampMs,
    engineTimestampMs,
    cutKind: 'boundary' as const,
    cutStart: 1,
    cutEnd: minute,
  };
  const normalized = { timestamp_ms: engineTimestampMs, market: { price: 1, ...levels } };
  const slice = sliceOfEvents([{ event_type: 'SnapshotInputs', exchange_ts_ms: null, normalized }]);
  const executed = executeRun(run, slice, { setting, memory });
  const remarks = runRemarks({
    run,
    engineMode: setting.hysteresis ? 'hysteresis' : 'truth',
    attempts: 1,
    executed,
    before: memory,
    setting,
  });
  const lines = remarks.flatMap((remark) =>
    remark.kind === 'line' ? [[remark.message, remark.fields] as const] : [],
  );
  expect(lines).toHaveLength(remarks.length);
  return { memory: executed.memory, names: lines.map(([name]) => name), fields: new Map(lines) };
};

describe('what is told of a run', () => {
  it.each([
    [undefined, false],
    [{ structure_levels: { composer_evidence_snapshot_v1: 'no object' } }, false],
    [{ structure_levels: { composer_evidence_snapshot_v1: { opinions: [] } } }, true],
  ])('says whether evidence was embedded: %j', (levels, isPresent) => {
    const { names, fields } = runAt(1, { setting: truthSetting, ...(levels ? { levels } : {}) });

    expect(names).toEqual(['orchestrator.engine.invoke', 'orchestrator.engine_run']);
    expect(fields.get('orchestrator.engine.invoke')).toEqual({
      symbol: 'AAA',
      engine_timestamp_ms: MINUTE_MS,
      embedded_evidence_present: isPresent,
    });
  });

  it('does not say that an engine was asked that was not, and why the run failed', () => {
    const run = {
      symbol: 'AAA',
      runNo: 1,
      plannedTsMs: 1,
      engineTimestampMs: 1,
      cutKind: 'timer' as const,
      cutStart: 1,
      cutEnd: 1,
    };
    const executed = executeRun(run, sliceOfEvents([]));

    expect(
      runRemarks({ run, engineMode: 'truth', attempts: 1, executed, before: {}, setting: truthSetting }),
    ).toMatchObject([
      { level: 'debug', message: 'orchestrator.engine_run' },
      {
        level: 'warn',
        message: 'orchestrator.failure',
        fields: {
          failure_domain: 'engine',
          error_kind: 'missing_snapshot_inputs',
          error_detail: 'missing SnapshotInputs',
          symbol: 'AAA',
          cut_end_ingest_seq: 1,
        },
      },
    ]);
  });

  it('says where decision hysteresis stands, and that a gap reset it', () => {
    const setting: RunSetting = {
      ...truthSetting,
      hysteresis: { kind: 'decision', config: { ...decisionDefaults, update_interval_ms: MINUTE_MS } },
    };

    const first = runAt(1, { setting });
    const late = runAt(3, { setting, memory: first.memory });

    expect(first.names).toEqual([
      'orchestrator.engine.invoke',
      'regime_engine.hysteresis.transition',
      'orchestrator.engine_run',
    ]);
    expect(first.fields.get('regime_engine.hysteresis.transition')).toMatchObject({
      symbol: 'AAA',
      stable_regime: 'CHOP_BALANCED',
      effective_confidence: 0.5,
      flipped: false,
    });
    expect(late.fields.get('regime_engine.hysteresis.reset')).toEqual({
      symbol: 'AAA',
      engine_timestamp_ms: 3 * MINUTE_MS,
      trigger: 'time_gap',
    });
  });

  it('says where belief hysteresis stands and why, and that a gap reset it', () => {
    const config = { ...beliefDefaults, reset_max_gap_ms: MINUTE_MS };
    const setting: RunSetting = { ...truthSetting, hysteresis: { kind: 'belief', config } };

    const first = runAt(1, { setting });
    const next = runAt(2, { setting, memory: first.memory });
    const late = runAt(4, { setting, memory: next.memory });

    expect(next.names).toEqual([
      'orchestrator.engine.invoke',
      'regime_engine.hysteresis.transition',
      'regime_engine.hysteresis_decision',
      'orchestrator.engine_run',
    ]);
    expect(next.fields.get('regime_engine.hysteresis.transition')).toMatchObject({
      anchor_prev: 'CHOP_BALANCED',
      anchor_next: 'CHOP_BALANCED',
      committed: false,
    });
    expect(next.fields.get('regime_engine.hysteresis_decision')).toMatchObject({
      decision: 'HOLD',
      reason_code: 'CANDIDATE_SAME_AS_ANCHOR',
    });
    expect(late.fields.get('regime_engine.hysteresis.reset')).toMatchObject({ gap_ms: 2 * MINUTE_MS });
    expect(late.fields.get('regime_engine.hysteresis.transition')).toMatchObject({ anchor_prev: null });
  });
});

describe('what is told of the composer', () => {
  const composing: RunSetting = { ...truthSetting, source: 'composer' };

  it('is who has an opinion, and what went into the snapshot', () => {
    const { names, fields } = runAt(1, { setting: composing });
    const at = { symbol: 'AAA', engine_timestamp_ms: MINUTE_MS };

    expect(names.slice(0, 3)).toEqual([
      'composer.evidence.emitted',
      'composer.evidence.provenance',
      'composer.evidence.embed',
    ]);
    const { sources } = fields.get('composer.evidence.provenance') as { readonly sources: readonly string[] };
    expect(sources.length).toBeGreaterThan(0);
    for (const source of sources) expect(source).toMatch(/^composer[.:]/);
    expect(fields.get('composer.evidence.emitted')).toEqual({ ...at, opinion_count: sources.length });
    expect(fields.get('composer.evidence.embed')).toEqual({
      ...at,
      embedded_evidence_present: true,
      neutral_evidence_present: false,
    });
  });

  it('is also that nobody has an opinion where no data are a reason', () => {
    const engine = { ...truthSetting.engine, noData: 'reason' as const };
    const { fields } = runAt(1, { setting: { ...composing, engine } });

    expect(fields.get('composer.evidence.emitted')).toMatchObject({ opinion_count: 0 });
    expect(fields.get('composer.evidence.embed')).toMatchObject({ embedded_evidence_present: false });
  });
});

it('tells how busy a symbol was since its last tick', () => {
  const event = (event_type: string, exchange_ts_ms: number | null, recv_ts_ms: number) => ({
    event_type,
    exchange_ts_ms,
    recv_ts_ms,
    normalized: {},
  });
  const tell = (...events: readonly ReturnType<typeof event>[]) => {
    const remark = cadenceRemark({ symbol: 'AAA', engineTimestampMs: 60 }, sliceOfEvents(events));
    return remark.kind === 'line' ? [remark.message, remark.fields] : [];
  };
  const at = { symbol: 'AAA', engine_timestamp_ms: 60 };

  expect(
    tell(event('TradeTick', 7, 8), event('DecodeFailure', null, 9), event('TradeTick', null, 11)),
  ).toEqual([
    'market_data.cadence_summary',
    {
      ...at,
      raw_events_ingested: 3,
      decode_failures: 1,
      first_event_timestamp_ms: 7,
      last_event_timestamp_ms: 11,
    },
  ]);
  expect(tell()[1]).toEqual({ ...at, raw_events_ingested: 0, decode_failures: 0 });
});
