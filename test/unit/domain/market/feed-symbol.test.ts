import { describe, expect, it } from 'vitest';
import { feedRetryDefault } from '#contracts/market/feed-config.ts';
import { EngineRunView } from '#contracts/market/engine-run.ts';
import type { FinishedRun } from '#contracts/market/feed-symbol.ts';
import { FeedSymbolView } from '#contracts/market/feed-symbol.ts';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { feedSymbolAggregate } from '#domain/market/feed-symbol/feed-symbol.ts';
import {
  engineRunList,
  feedSymbolList,
  feedSymbolProjection,
} from '#domain/market/feed-symbol/projection.ts';
import type { RowContent } from '#domain/kernel/projection.ts';
import { advanceBelief, beliefDefaults } from '#domain/market/hysteresis/belief.ts';
import { decideRegime, decisionDefaults, initialDecisionState } from '#domain/market/hysteresis/decision.ts';
import { engineRunId } from '#domain/market/run-id.ts';
import { symbolHarness } from '#test/support/market-harness.ts';

const completed = (symbol = 'AAA', timestamp = 1_000): FinishedRun['outcome'] => ({
  kind: 'completed',
  regimeOutput: {
    symbol,
    timestamp,
    regime: 'SQUEEZE_UP',
    confidence: 0.5,
    drivers: ['d'],
    invalidations: [],
    permissions: ['SQUEEZE_UP'],
  },
});
const failed: FinishedRun['outcome'] = { kind: 'failed', errorKind: 'engine_failure', errorDetail: 'boom' };

const finished = (runNo: number, over: Partial<FinishedRun> = {}): FinishedRun => ({
  runNo,
  plannedTsMs: runNo * 1_000 + 5,
  engineTimestampMs: runNo * 1_000,
  cutKind: 'boundary',
  cutStart: runNo * 10,
  cutEnd: runNo * 10 + 9,
  engineMode: 'truth',
  attempts: 1,
  outcome: completed('AAA', runNo * 1_000),
  ...over,
});
const record = (...runs: readonly FinishedRun[]) => ({ type: 'RecordRuns' as const, runs: [...runs] });

describe('recording runs', () => {
  it('records outcomes in the order of their numbers, in whatever order they come', () => {
    const symbol = symbolHarness('AAA');

    const events = symbol.send(record(finished(2, { outcome: failed }), finished(1)));

    expect(events.map((event) => [event.type, event.data['runNo']])).toEqual([
      ['EngineRunCompleted', 1],
      ['EngineRunFailed', 2],
    ]);
    expect(events[0]?.data['runId']).toBe(
      engineRunId({ symbol: 'AAA', engineTimestampMs: 1_000, cutEnd: 19, engineMode: 'truth' }),
    );
  });

  it('drops what is recorded already, also when it comes twice in one command', () => {
    const symbol = symbolHarness('AAA');
    symbol.send(record(finished(1)));

    expect(symbol.send(record(finished(1)))).toEqual([]);
    expect(symbol.send(record(finished(1), finished(2), finished(2)))).toHaveLength(1);
    expect(symbol.send(record())).toEqual([]);
  });

  it('refuses a gap and names the run it waits for', () => {
    expect(symbolHarness('AAA').decide(record(finished(2)))).toMatchObject({
      rejection: { code: 'feed_state_conflict', details: { expectedRunNo: 1, receivedRunNo: 2 } },
    });
  });

  it('allows an equal engine timestamp and refuses an earlier one', () => {
    const symbol = symbolHarness('AAA');
    symbol.send(record(finished(1)));

    expect(symbol.decide(record(finished(2, { engineTimestampMs: 999 })))).toMatchObject({
      rejection: { message: 'engine_timestamp_ms must be monotonic per symbol' },
    });
    expect(symbol.send(record(finished(2, { engineTimestampMs: 1_000 })))).toHaveLength(1);
  });

  it('waits for nothing and owes nothing; its sweep changes nothing', () => {
    const symbol = symbolHarness('AAA');

    expect(symbol.aggregate.outstanding(symbol.state, 0)).toEqual([]);
    expect(symbol.aggregate.waiting(symbol.state)).toEqual([]);
    expect(symbol.aggregate.isTerminal(symbol.state)).toBe(false);
    expect(symbol.send(symbol.aggregate.sweepCommand(0))).toEqual([]);
  });

  it('reads back its state and ignores types it does not know', () => {
    const symbol = symbolHarness('AAA');
    const [event] = symbol.send(record(finished(1)));
    if (!event) throw new Error('no event');

    expect(feedSymbolAggregate.decodeState(feedSymbolAggregate.encodeState(symbol.state))).toEqual(
      symbol.state,
    );
    expect(feedSymbolAggregate.evolve(symbol.state, { ...event, type: 'Other' })).toEqual(symbol.state);
  });
});

describe('publishing', () => {
  it('says Started, then Completed or Failed, in the wire form of v1', () => {
    const symbol = symbolHarness('AAA');
    const counts = { TradeTick: 3 };
    const events = symbol.send(
      record(finished(1), finished(2, { outcome: failed, countsByEventType: counts })),
    );

    const [output, ...others] = feedSymbolAggregate.outputs?.(events, symbol.state) ?? [];

    const bodies = (output?.bodies ?? []).map((body) => OrchestratorEvent.parse(JSON.parse(body)));
    expect(others).toEqual([]);
    expect(output).toMatchObject({ key: 'prod/demo|AAA', destination: 'orchestrator-events' });
    expect(
      bodies.map((body) => [body.event_type, body.engine_timestamp_ms, body.counts_by_event_type]),
    ).toEqual([
      ['EngineRunStarted', 1_000, null],
      ['EngineRunCompleted', 1_000, null],
      ['EngineRunStarted', 2_000, null],
      ['EngineRunFailed', 2_000, counts],
    ]);
    expect(bodies[3]?.payload).toEqual({ error_kind: 'engine_failure', error_detail: 'boom' });
  });

  it('says how it is tried again from the first runs on that are configured so, once', () => {
    const symbol = symbolHarness('AAA');
    const retry = { min_delay_ms: 50, max_delay_ms: 500, max_attempts: 5, max_elapsed_ms: 2_000 };
    const publish = (runNo: number, publishRetry: typeof feedRetryDefault | undefined) => {
      const events = symbol.send({ ...record(finished(runNo)), ...(publishRetry ? { publishRetry } : {}) });
      const [output] = feedSymbolAggregate.outputs?.(events, symbol.state) ?? [];
      return { types: events.map(({ type }) => type), retry: output?.retry };
    };

    expect(publish(1, feedRetryDefault)).toEqual({ types: ['EngineRunCompleted'], retry: undefined });
    expect(publish(2, retry)).toEqual({
      types: ['PublicationConfigured', 'EngineRunCompleted'],
      retry: { minDelayMs: 50, maxDelayMs: 500, attemptsMax: 5, elapsedMaxMs: 2_000 },
    });
    for (const again of [retry, undefined])
      expect(publish(again ? 3 : 4, again)).toMatchObject({
        types: ['EngineRunCompleted'],
        retry: { minDelayMs: 50 },
      });
    expect(publish(5, feedRetryDefault).types).toEqual(['PublicationConfigured', 'EngineRunCompleted']);
    expect(symbol.send({ ...record(finished(5)), publishRetry: retry })).toEqual([]);
  });

  it('writes the exact bytes of an event', () => {
    const symbol = symbolHarness('AAA');
    const events = symbol.send(record(finished(1)));

    const [output] = feedSymbolAggregate.outputs?.(events, symbol.state) ?? [];

    const runId = engineRunId({ symbol: 'AAA', engineTimestampMs: 1_000, cutEnd: 19, engineMode: 'truth' });
    expect(output?.bodies[0]).toBe(
      `{"schema":"orchestrator_event","schema_version":"1","event_type":"EngineRunStarted","run_id":"${runId}",` +
        '"symbol":"AAA","engine_timestamp_ms":1000,"cut_start_ingest_seq":10,"cut_end_ingest_seq":19,' +
        '"cut_kind":"boundary","engine_mode":"truth","attempt":1,"counts_by_event_type":null,"payload":null}',
    );
  });

  it('says what hysteresis made of a run between its start and its end', () => {
    const symbol = symbolHarness('AAA');
    const answer = completed('AAA', 1_000);
    if (answer.kind !== 'completed') throw new Error('not completed');
    const { regimeOutput } = answer;
    const decided = decideRegime(regimeOutput, initialDecisionState, decisionDefaults);
    const belief = {
      schema: 'regime_state',
      schema_version: '1',
      symbol: 'AAA',
      engine_timestamp_ms: 2_000,
      belief_by_regime: { SQUEEZE_UP: 1 },
      anchor_regime: 'SQUEEZE_UP',
    } as const;
    const advanced = advanceBelief(belief, undefined, beliefDefaults);
    if (decided.kind === 'refused' || advanced.kind === 'refused') throw new Error('refused');
    const events = symbol.send(
      record(
        finished(1, {
          engineMode: 'hysteresis',
          outcome: { ...answer, hysteresisDecision: decided.decision },
        }),
        finished(2, { engineMode: 'hysteresis', outcome: { ...answer, hysteresisState: advanced.state } }),
      ),
    );

    const [output] = feedSymbolAggregate.outputs?.(events, symbol.state) ?? [];

    const bodies = (output?.bodies ?? []).map((body) => OrchestratorEvent.parse(JSON.parse(body)));
    expect(bodies.map((body) => [body.event_type, body.engine_mode])).toEqual([
      ['EngineRunStarted', 'hysteresis'],
      ['HysteresisDecisionPublished', 'hysteresis'],
      ['EngineRunCompleted', 'hysteresis'],
      ['EngineRunStarted', 'hysteresis'],
      ['HysteresisStatePublished', 'hysteresis'],
      ['EngineRunCompleted', 'hysteresis'],
    ]);
    expect(bodies[1]?.payload).toEqual({ hysteresis_decision: decided.decision });
    expect(bodies[4]?.payload).toEqual({ hysteresis_state: advanced.state });
  });

  it('has nothing to say about other events', () => {
    const symbol = symbolHarness('AAA');
    const [event] = symbol.send(record(finished(1)));
    if (!event) throw new Error('no event');

    expect(feedSymbolAggregate.outputs?.([], symbol.state)).toEqual([]);
    expect(feedSymbolAggregate.outputs?.([{ ...event, type: 'Other' }], symbol.state)).toEqual([]);
  });
});

describe('the read model', () => {
  const events = () =>
    symbolHarness('A/B').send(
      record(finished(1, { outcome: failed }), finished(2), finished(3, { outcome: failed })),
    );

  it('has a row per run, listed by feed in order of time', () => {
    const rows = events().map((event) => {
      const [key] = feedSymbolProjection.details(event);
      if (!key) throw new Error('no row');
      return { key, row: feedSymbolProjection.apply(undefined, key, event) };
    });

    expect(rows.map(({ row }) => EngineRunView.parse(row?.data).status)).toEqual([
      'failed',
      'completed',
      'failed',
    ]);
    expect(rows[0]?.row?.data).toMatchObject({
      error_kind: 'engine_failure',
      error_detail: 'boom',
      regime_output: null,
    });
    expect(rows[1]?.row?.data).toMatchObject({
      error_kind: null,
      regime_output: { regime: 'SQUEEZE_UP' },
      planned_ts_ms: 2_005,
    });
    const feed = { tenantId: 'acme', workspaceId: 'prod', feedId: 'demo' };
    expect(new Set(rows.map(({ row }) => row?.listKey))).toEqual(new Set([engineRunList(feed)]));
    const sorts = rows.map(({ row }) => row?.listSort ?? '');
    expect([...sorts].sort()).toEqual(sorts);
    expect(rows[0]?.key).toMatchObject({ pk: 'engine-run#acme/prod/demo' });
    expect(feedSymbolList(feed)).toBe('feed-symbols#acme/prod/demo');
  });

  it('has a row for the symbol with what the engine last said', () => {
    const stream = 'feed-symbol#acme/prod/demo/A/B';
    const key = feedSymbolProjection.cursor(stream);
    const views = events().reduce<RowContent[]>((rows, event) => {
      const row = feedSymbolProjection.apply(rows.at(-1), key, event);
      return row ? [...rows, row] : rows;
    }, []);

    const parsed = views.map((row) => FeedSymbolView.parse(row.data));
    expect(parsed[0]).toMatchObject({ symbol: 'A/B', completedCount: 0, failedCount: 1, regimeOutput: null });
    expect(parsed[2]).toMatchObject({
      runNo: 3,
      completedCount: 1,
      failedCount: 2,
      regimeOutput: { regime: 'SQUEEZE_UP' },
    });
  });

  it('does not change with a type it does not know', () => {
    const [event] = events();
    if (!event) throw new Error('no event');
    const strange = { ...event, type: 'Other' };

    expect(feedSymbolProjection.details(strange)).toEqual([]);
    expect(feedSymbolProjection.apply(undefined, { pk: 'x', sk: 'y' }, strange)).toBeUndefined();
  });
});
