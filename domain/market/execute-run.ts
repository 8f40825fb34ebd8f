/** One engine run, purely: its slice of the buffer in, its outcome out (market reference, sections 4.3 and 5). */
import type { PlannedRun } from '#contracts/market/engine-run.ts';
import type { RunErrorKind } from '#contracts/market/orchestrator-event.ts';
import type { RegimeOutput } from '#contracts/market/regime.ts';
import type { BufferedRecord } from '#domain/market/chunk.ts';
import { run as runEngine } from '#domain/market/engine/run.ts';
import { buildSnapshot } from '#domain/market/engine/snapshot.ts';
import type { RegimeInputSnapshot } from '#domain/market/engine/snapshot.ts';

/** How a run ended. */
export type RunOutcome =
  | { readonly kind: 'completed'; readonly regimeOutput: RegimeOutput }
  | { readonly kind: 'failed'; readonly errorKind: RunErrorKind; readonly errorDetail: string };

/** The largest output of the engine that is recorded, in characters of its JSON. */
export const REGIME_OUTPUT_MAX = 32_768;

type Engine = (snapshot: RegimeInputSnapshot) => RegimeOutput;

const failed = (errorKind: RunErrorKind, errorDetail: string): RunOutcome => ({
  kind: 'failed',
  errorKind,
  errorDetail,
});

const snapshotInputs = (
  record: BufferedRecord,
  engineTimestampMs: number,
): Readonly<Record<string, unknown>> | undefined => {
  // A cheap look first: most records of a slice are trades, and parsing them all would be most of the work. An
  // escaped name is as good as a plain one, so a text with escapes is parsed too.
  if (!record.text.includes('SnapshotInputs') && !record.text.includes('\\u')) return undefined;
  const event = JSON.parse(record.text) as {
    readonly event_type: string;
    readonly normalized: Readonly<Record<string, unknown>>;
  };
  return event.event_type === 'SnapshotInputs' && event.normalized['timestamp_ms'] === engineTimestampMs
    ? event.normalized
    : undefined;
};

/** The snapshot inputs of a run: of those meant for its engine timestamp, the one ingested last. */
export const selectSnapshotInputs = (
  records: readonly BufferedRecord[],
  engineTimestampMs: number,
): Readonly<Record<string, unknown>> | undefined => {
  for (const record of records.toReversed()) {
    const inputs = snapshotInputs(record, engineTimestampMs);
    if (inputs) return inputs;
  }
  return undefined;
};

const invoke = (engine: Engine, snapshot: RegimeInputSnapshot): RunOutcome => {
  try {
    const regimeOutput = engine(snapshot);
    const size = JSON.stringify(regimeOutput).length;
    return size > REGIME_OUTPUT_MAX
      ? failed(
          'engine_failure',
          `the output has ${size} characters, at most ${REGIME_OUTPUT_MAX} are recorded`,
        )
      : { kind: 'completed', regimeOutput };
  } catch (error) {
    return failed('engine_failure', error instanceof Error ? error.message : String(error));
  }
};

/** Runs the engine over the symbol's records of a cut, given in ingest order. It never throws. */
export const executeRun = (
  run: Pick<PlannedRun, 'engineTimestampMs'> & { readonly symbol: string },
  records: readonly BufferedRecord[],
  engine: Engine = runEngine,
): RunOutcome => {
  const inputs = selectSnapshotInputs(records, run.engineTimestampMs);
  return inputs
    ? invoke(engine, buildSnapshot(run, inputs))
    : failed('missing_snapshot_inputs', 'missing SnapshotInputs');
};
