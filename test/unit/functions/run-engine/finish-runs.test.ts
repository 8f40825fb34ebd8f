import { describe, expect, it } from 'vitest';
import type { PlannedRun } from '#contracts/market/engine-run.ts';
import type { BufferedRecord } from '#domain/market/chunk.ts';
import { executeRun } from '#domain/market/execute-run.ts';
import { memoryAfter } from '#domain/market/run-memory.ts';
import { finishRuns } from '#functions/run-engine/finish-runs.ts';
import { feedConfigs } from '#functions/run-engine/feed-configs.ts';
import { demoConfig, FeedHarness, marketEvent } from '#test/support/market-harness.ts';
import { witness } from '#test/support/ledger.ts';

const planned = (runNo: number, cut: readonly [number, number] = [runNo, runNo]): PlannedRun => ({
  runNo,
  plannedTsMs: runNo * 1_000,
  engineTimestampMs: runNo * 1_000,
  cutKind: 'boundary',
  cutStart: cut[0],
  cutEnd: cut[1],
});
const inputs = (run: PlannedRun): readonly BufferedRecord[] => [
  {
    ingestSeq: run.cutEnd,
    ingestTsMs: run.engineTimestampMs,
    symbol: 'AAA',
    text: JSON.stringify(
      marketEvent({
        event_type: 'SnapshotInputs',
        normalized: { timestamp_ms: run.engineTimestampMs, market: { price: 1 } },
      }),
    ),
  },
];

describe('finishing runs', () => {
  const finish = async (
    runs: readonly PlannedRun[],
    over: {
      readonly execute?: typeof executeRun;
      readonly config?: object;
      readonly bytesMax?: number;
      readonly mode?: 'truth' | 'hysteresis';
    } = {},
  ) => {
    const slept: number[] = [];
    const telemetry = witness();
    const finished = await finishRuns(
      {
        execute: over.execute ?? executeRun,
        sleep: (waitMs) => Promise.resolve(void slept.push(waitMs)),
        telemetry,
        nowMs: () => 0,
      },
      {
        config: demoConfig({ ...over.config }),
        symbol: 'AAA',
        engineMode: over.mode ?? 'truth',
        memory: {},
        runs,
        bytesMax: over.bytesMax ?? 1_000_000,
        recordsOf: (run) => Promise.resolve(inputs(run)),
      },
    );
    return { finished, slept, telemetry };
  };

  it('asks an engine that throws again after the delays of the feed, then the run has failed and the next goes on', async () => {
    const execute: typeof executeRun = (run, slice, on) => {
      if (run.engineTimestampMs === 1_000) throw new Error('the engine is broken');
      return executeRun(run, slice, on);
    };

    const { finished, slept, telemetry } = await finish([planned(1), planned(2)], { execute });

    expect(slept).toEqual([100, 200]);
    expect(finished).toMatchObject([
      {
        attempts: 3,
        outcome: { kind: 'failed', errorKind: 'engine_failure', errorDetail: 'the engine is broken' },
      },
      { attempts: 1, outcome: { kind: 'completed' } },
    ]);
    expect(telemetry.logged.map(({ message }) => message)).toContain('orchestrator.failure');
  });

  it('tells what the engine was given and what became of it, in the fields of the reference', async () => {
    const { telemetry } = await finish([planned(1)]);

    const at = { symbol: 'AAA', engine_timestamp_ms: 1_000 };
    expect(telemetry.logged).toEqual([
      {
        level: 'debug',
        message: 'market_data.cadence_summary',
        fields: {
          ...at,
          raw_events_ingested: 1,
          decode_failures: 0,
          first_event_timestamp_ms: 0,
          last_event_timestamp_ms: 0,
        },
      },
      {
        level: 'debug',
        message: 'orchestrator.engine.invoke',
        fields: { ...at, embedded_evidence_present: false },
      },
      {
        level: 'debug',
        message: 'orchestrator.engine_run',
        fields: {
          ...at,
          run_id: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
          cut_start_ingest_seq: 1,
          cut_end_ingest_seq: 1,
          engine_mode: 'truth',
          attempt: 1,
        },
      },
    ]);
  });

  it('counts the tries of an engine that recovers', async () => {
    let calls = 0;
    const execute: typeof executeRun = (run, slice, on) => {
      if (++calls === 1) throw new Error('for a moment');
      return executeRun(run, slice, on);
    };

    const { finished, slept } = await finish([planned(1)], { execute });

    expect(slept).toEqual([100]);
    expect(finished).toMatchObject([{ attempts: 2, outcome: { kind: 'completed' } }]);
  });

  it('does not ask the engine for an empty cut', async () => {
    const execute: typeof executeRun = () => {
      throw new Error('nobody should ask');
    };

    const { finished } = await finish([planned(1, [2, 1])], { execute });

    expect(finished).toMatchObject([{ outcome: { kind: 'skipped' } }]);
  });

  it('ends a commit with the run that fills it', async () => {
    const { finished } = await finish([planned(1), planned(2), planned(3)], { bytesMax: 1 });

    expect(finished.map(({ runNo }) => runNo)).toEqual([1]);
  });

  it('remembers from run to run what the events of the runs will tell', async () => {
    const config = { engine_options: { snapshot_source: 'composer', candle_window: 3 } };
    const runs = [planned(1), planned(2), planned(3)];

    const { finished } = await finish(runs, { config, mode: 'hysteresis' });

    let memory = {};
    for (const run of finished) {
      expect(run.outcome).toMatchObject({ kind: 'completed', hysteresisDecision: {} });
      memory = memoryAfter(memory, { ...run, ...(run.outcome.kind === 'completed' ? run.outcome : {}) });
    }
    expect(memory).toMatchObject({ decision: { last_timestamp: 3_000 }, candles: [] });
    expect(finished[0]).toMatchObject({ countsByEventType: { SnapshotInputs: 1 } });
  });
});

describe('the configuration of runs', () => {
  it('is loaded once for each change, and each time for a message that does not name one', async () => {
    const feed = new FeedHarness(demoConfig());
    let loads = 0;
    const configOf = feedConfigs(() => Promise.resolve((loads++, feed.feed)));
    const message = { feedStream: 'feed#acme/prod/demo', configSequence: 1 };

    await configOf(message);
    expect(await configOf(message)).toEqual(feed.feed.config);
    expect(loads).toBe(1);
    await configOf({ ...message, configSequence: 9 });
    await configOf({ feedStream: message.feedStream });
    expect(loads).toBe(3);
  });

  it('forgets the oldest feed beyond its bound, and refuses a feed that does not exist', async () => {
    const feed = new FeedHarness(demoConfig());
    let loads = 0;
    const configOf = feedConfigs(() => Promise.resolve((loads++, feed.feed)));
    for (let index = 0; index <= 100; index++)
      await configOf({ feedStream: `feed#acme/prod/f${index}`, configSequence: 1 });
    await configOf({ feedStream: 'feed#acme/prod/f0', configSequence: 1 });

    expect(loads).toBe(102);
    await expect(
      feedConfigs(() => Promise.resolve({ status: 'none' }))({ feedStream: 'feed#acme/prod/x' }),
    ).rejects.toThrow('there is no feed');
  });
});
