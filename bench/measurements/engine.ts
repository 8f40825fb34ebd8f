/** The regime engine by itself, on one core: truth runs on parsed snapshots, and a buffer replayed from its lines. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Writable } from 'node:stream';
import { answerLines } from '#cli/files/answer-lines.ts';
import { simulateLines } from '#cli/files/simulate.ts';
import { regimes } from '#contracts/market/regime.ts';
import { run } from '#domain/market/engine/run.ts';
import { buildSnapshot } from '#domain/market/engine/snapshot.ts';
import type { RegimeInputSnapshot } from '#domain/market/engine/snapshot.ts';
import { decideRegime, decisionDefaults, initialDecisionState } from '#domain/market/hysteresis/decision.ts';
import type { Measure, Row } from '#bench/measurement.ts';

/** Truth, stabilization, and replay in each kind of feed. */
export const measure: Measure = async ({ root }) => [
  measureRuns('truth runs without evidence', () => ({})),
  measureRuns('truth runs on three opinions', evidenceOf),
  measureDecisions(),
  await measureReplay(root, 'replay on snapshot inputs', { snapshot_source: 'snapshot_inputs' }),
  await measureReplay(root, 'replay through the composer, with belief hysteresis', {
    snapshot_source: 'composer',
    engine_mode: 'hysteresis',
    hysteresis: 'belief',
    candle_window: 64,
    deduplicate: true,
  }),
];

const RUNS = 500_000;
const SNAPSHOTS = 64;
const STEP_MS = 180_000;

const evidenceOf = (index: number, engine_timestamp_ms: number): object => ({
  composer_evidence_snapshot_v1: {
    symbol: 'BTC-PERP',
    engine_timestamp_ms,
    opinions: [0, 1, 2].map((offset) => ({
      regime: regimes[(index + offset * 4) % regimes.length],
      strength: ((index * 7 + offset) % 10) / 10,
      confidence: 0.6,
      source: `composer:observer_${offset}`,
    })),
  },
});

const snapshotsWith = (
  levelsOf: (index: number, timestamp: number) => object,
): readonly RegimeInputSnapshot[] =>
  Array.from({ length: SNAPSHOTS }, (_, index) => {
    const engineTimestampMs = (index + 1) * STEP_MS;
    const market = { price: 100 + index, structure_levels: levelsOf(index, engineTimestampMs) };
    return buildSnapshot({ symbol: 'BTC-PERP', engineTimestampMs }, { market });
  });

/** How often a second something is done, after it has been done often enough to be compiled. */
const perSecond = (times: number, act: (index: number) => unknown): number => {
  for (let index = 0; index < times / 10; index++) act(index);
  const startedMs = performance.now();
  for (let index = 0; index < times; index++) act(index);
  return (times / (performance.now() - startedMs)) * 1000;
};

const measureRuns = (what: string, levelsOf: (index: number, timestamp: number) => object): Row => {
  const snapshots = snapshotsWith(levelsOf);
  const value = perSecond(RUNS, (index) => {
    const snapshot = snapshots[index % SNAPSHOTS];
    return snapshot && run(snapshot);
  });
  return { what, value, unit: 'runs/s', target: 'at least 100,000' };
};

const measureDecisions = (): Row => {
  const outputs = snapshotsWith(evidenceOf).map((snapshot) => run(snapshot));
  let state = initialDecisionState;
  let timestamp = 0;
  const value = perSecond(RUNS, (index) => {
    const output = outputs[index % SNAPSHOTS];
    timestamp += STEP_MS;
    const result = output && decideRegime({ ...output, timestamp }, state, decisionDefaults);
    if (result?.kind === 'decided') ({ state } = result);
  });
  return { what: 'decision hysteresis', value, unit: 'outputs/s' };
};

const LAPS = 30;
/** Longer than the tape, and whole boundaries. */
const LAP_MS = 45 * 60_000;
const PART_BYTES = 65_536;

interface TapeEvent {
  readonly event_type: string;
  readonly recv_ts_ms: number;
  readonly exchange_ts_ms: number | null;
  readonly normalized: Readonly<Record<string, unknown>>;
}

const later = (event: TapeEvent, byMs: number): TapeEvent => {
  const timestamp = event.normalized['timestamp_ms'];
  const normalized =
    typeof timestamp === 'number'
      ? { ...event.normalized, timestamp_ms: timestamp + byMs }
      : event.normalized;
  const exchange_ts_ms = event.exchange_ts_ms === null ? null : event.exchange_ts_ms + byMs;
  return { ...event, recv_ts_ms: event.recv_ts_ms + byMs, exchange_ts_ms, normalized };
};

/** The demo tape as lines of a buffer, many times over. */
const bufferLines = (root: string): readonly string[] => {
  const tape = readFileSync(path.join(root, 'events/tapes/demo.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{"schema"'))
    .map((line) => JSON.parse(line) as TapeEvent)
    .sort((left, right) => left.recv_ts_ms - right.recv_ts_ms);
  return Array.from({ length: LAPS }, (_, lap) => tape.map((event) => later(event, lap * LAP_MS)))
    .flat()
    .map((event, index) => JSON.stringify({ ingest_seq: index + 1, ingest_ts_ms: event.recv_ts_ms, event }));
};

async function* partsOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += PART_BYTES)
    yield bytes.subarray(start, start + PART_BYTES);
}

const measureReplay = async (root: string, what: string, over: object): Promise<Row> => {
  const lines = bufferLines(root);
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  const config = {
    scheduler: { mode: 'boundary', boundary_interval_ms: STEP_MS, boundary_delay_ms: 2_000 },
    scheduler_start_now_ms: 1_767_225_600_000,
    ...over,
  };
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const startedMs = performance.now();
  await answerLines(partsOf(bytes), nowhere, simulateLines(config, false));
  const value = (lines.length / (performance.now() - startedMs)) * 1000;
  return { what, value, unit: 'events/s', target: 'at least 50,000' };
};
