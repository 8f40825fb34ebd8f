/** What a configuration says of runs, as the engine takes it. */
import type { EngineMode } from '#contracts/market/engine-run.ts';
import { chosenHysteresis } from '#contracts/market/run-options.ts';
import type { RunOptions } from '#contracts/market/run-options.ts';
import { engineOptions } from '#domain/market/engine/veto-thresholds.ts';
import type { RunSetting } from '#domain/market/execute-run.ts';

/** How the runs of these options are computed. The options have been checked. */
export const runSetting = (mode: EngineMode, options: RunOptions): RunSetting => {
  const { engine, no_data, vetoes, matrix, candle_window: window, snapshot_source: source } = options;
  return {
    source,
    engine: engineOptions({ engine, no_data, vetoes, matrix }),
    ...(mode === 'truth' ? {} : { hysteresis: hysteresisOf(options) }),
    ...(window === null ? {} : { candleWindow: window }),
    isDeduplicated: options.deduplicate,
  };
};

const hysteresisOf = (options: RunOptions): NonNullable<RunSetting['hysteresis']> => {
  const { kind, parsed } = chosenHysteresis(options);
  if (!parsed.success) throw parsed.error;
  return { kind, config: parsed.data } as NonNullable<RunSetting['hysteresis']>;
};
