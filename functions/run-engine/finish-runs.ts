/** Computes the outcomes of consecutive runs of one symbol, each on what the one before it left to be remembered. */
import type { EngineMode, PlannedRun } from '#contracts/market/engine-run.ts';
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import type { FinishedRun } from '#contracts/market/feed-symbol.ts';
import type { BufferedRecord } from '#domain/market/chunk.ts';
import { cadenceRemark } from '#domain/market/cadence.ts';
import { isSkipped } from '#domain/market/cut.ts';
import type { executeRun, ExecutedRun, RunMemory, RunSetting } from '#domain/market/execute-run.ts';
import { retryBounds } from '#domain/market/feed/retry-bounds.ts';
import { runRemarks } from '#domain/market/run-remarks.ts';
import { runSetting } from '#domain/market/run-setting.ts';
import { countsByEventType, sliceOfTexts } from '#domain/market/slice.ts';
import type { Slice } from '#domain/market/slice.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { tellRemarks } from '#functions/shared/remarks.ts';
import { withRetries } from '#functions/shared/with-retries.ts';

export interface FinishPorts {
  readonly execute: typeof executeRun;
  readonly sleep: (waitMs: number) => Promise<void>;
  readonly nowMs: () => number;
  readonly telemetry: Telemetry;
}

/** Runs to compute, and on what. */
export interface RunsToFinish {
  readonly config: FeedConfig;
  readonly symbol: string;
  readonly engineMode: EngineMode;
  readonly memory: RunMemory;
  readonly runs: readonly PlannedRun[];
  /** Characters after which no further run is computed; one run may exceed it alone. */
  readonly bytesMax: number;
  readonly recordsOf: (run: PlannedRun) => Promise<readonly BufferedRecord[]>;
}

/** The outcomes of the first runs, as many as fit one commit. Records that cannot be read fail all of it. */
export const finishRuns = async (
  ports: FinishPorts,
  { config, symbol, engineMode, memory: before, runs, bytesMax, recordsOf }: RunsToFinish,
): Promise<readonly FinishedRun[]> => {
  const setting = runSetting(engineMode, config.engine_options);
  const finished: FinishedRun[] = [];
  let memory = before;
  let bytes = 0;
  for (const run of runs) {
    if (bytes > bytesMax) break;
    if (isSkipped(run)) {
      finished.push({ ...run, engineMode, attempts: 1, outcome: { kind: 'skipped' } });
      continue;
    }
    const startedMs = ports.nowMs();
    const slice = sliceOfTexts(await recordsOf(run));
    const execution = { run: { ...run, symbol }, slice, setting, memory };
    const { executed, attempts } = await execute(ports, config, execution);
    memory = executed.memory;
    const { outcome, candles } = executed;
    const counts = countsByEventType(slice);
    finished.push({
      ...run,
      engineMode,
      attempts,
      countsByEventType: counts,
      outcome,
      ...(candles ? { candles: { window: candles.window, seen: [...candles.seen] } } : {}),
    });
    bytes += JSON.stringify(outcome).length;
    ports.telemetry.count('orchestrator.engine.duration_ms', ports.nowMs() - startedMs);
    tellRemarks(ports.telemetry, [
      cadenceRemark(execution.run, slice),
      ...runRemarks({ ...execution, engineMode, attempts, executed, before: execution.memory }),
    ]);
  }
  return finished;
};

interface Execution {
  readonly run: PlannedRun & { readonly symbol: string };
  readonly slice: Slice;
  readonly setting: RunSetting;
  readonly memory: RunMemory;
}

/** The engine answers or says why not; when it throws it is asked again as the feed says, and then the run has failed. */
const execute = async (
  ports: FinishPorts,
  config: FeedConfig,
  { run, slice, setting, memory }: Execution,
): Promise<{ readonly executed: ExecutedRun; readonly attempts: number }> => {
  let attempts = 0;
  const once = (): Promise<ExecutedRun> => {
    attempts += 1;
    return Promise.resolve(ports.execute(run, slice, { setting, memory }));
  };
  try {
    const bounds = retryBounds(config.engine_retry);
    const executed = await withRetries({ bounds, sleep: ports.sleep }, async () => once());
    return { executed, attempts };
  } catch (error) {
    const errorDetail = error instanceof Error ? error.message : String(error);
    return {
      executed: { outcome: { kind: 'failed', errorKind: 'engine_failure', errorDetail }, memory },
      attempts,
    };
  }
};
