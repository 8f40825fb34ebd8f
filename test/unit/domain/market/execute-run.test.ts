import { expect, it } from 'vitest';
import { executeRun, REGIME_OUTPUT_MAX, selectSnapshotInputs } from '#domain/market/execute-run.ts';
import { run as runEngine } from '#domain/market/engine/run.ts';
import { marketEvent } from '#test/support/market-harness.ts';

const AT = { symbol: 'AAA', engineTimestampMs: 1_000 };
const record = (ingestSeq: number, event: object) => ({
  ingestSeq,
  ingestTsMs: 0,
  symbol: 'AAA',
  text: JSON.stringify(event),
});
const inputs = (timestamp: number, price: number) =>
  marketEvent({ event_type: 'SnapshotInputs', normalized: { timestamp_ms: timestamp, market: { price } } });

it('takes the last ingested snapshot inputs meant for the engine timestamp', () => {
  const records = [
    record(1, inputs(1_000, 1)),
    record(2, inputs(1_000, 2)),
    record(3, inputs(2_000, 3)),
    record(4, marketEvent()),
  ];

  expect(selectSnapshotInputs(records, 1_000)).toMatchObject({ market: { price: 2 } });
});

it('finds snapshot inputs whose type is written with escapes', () => {
  const text = JSON.stringify(inputs(1_000, 9)).replace('"SnapshotInputs"', '"Snapshot\\u0049nputs"');

  expect(selectSnapshotInputs([{ ...record(1, {}), text }], 1_000)).toMatchObject({ market: { price: 9 } });
});

it('is not misled by the name in another place', () => {
  expect(
    selectSnapshotInputs([record(1, marketEvent({ raw_payload: 'SnapshotInputs' }))], 1_000),
  ).toBeUndefined();
});

it('completes with what the engine says', () => {
  expect(executeRun(AT, [record(1, inputs(1_000, 1))])).toMatchObject({
    kind: 'completed',
    regimeOutput: { symbol: 'AAA', timestamp: 1_000, regime: 'CHOP_BALANCED' },
  });
});

it.each([[[]], [[record(1, inputs(999, 1))]]])(
  'fails without snapshot inputs for its timestamp',
  (records) => {
    expect(executeRun(AT, records)).toEqual({
      kind: 'failed',
      errorKind: 'missing_snapshot_inputs',
      errorDetail: 'missing SnapshotInputs',
    });
  },
);

it.each([
  [new Error('boom'), 'boom'],
  ['plain', 'plain'],
])('fails with the text of what the engine throws', (thrown, errorDetail) => {
  const engine = () => {
    // Foreign code may throw anything; the rule against it is what this test is about.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    throw thrown;
  };

  expect(executeRun(AT, [record(1, inputs(1_000, 1))], engine)).toEqual({
    kind: 'failed',
    errorKind: 'engine_failure',
    errorDetail,
  });
});

it('fails rather than record an output that is too large', () => {
  const outcome = executeRun(AT, [record(1, inputs(1_000, 1))], (snapshot) => ({
    ...runEngine(snapshot),
    drivers: ['x'.repeat(REGIME_OUTPUT_MAX)],
  }));

  expect(outcome).toMatchObject({ kind: 'failed', errorKind: 'engine_failure' });
});
