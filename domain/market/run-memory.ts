/** What is remembered of a symbol, as its events tell it: the same as what `executeRun` handed to the next run. */
import type { EngineRunCompleted, SeenCandle } from '#contracts/market/feed-symbol.ts';
import { addCandles } from '#domain/market/composer/candles.ts';
import type { RunMemory } from '#domain/market/execute-run.ts';
import { stateOfDecision } from '#domain/market/hysteresis/decision.ts';

/** What a terminal run says that is remembered. */
export interface RememberedRun extends Partial<
  Pick<EngineRunCompleted, 'hysteresisDecision' | 'hysteresisState'>
> {
  readonly engineTimestampMs: number;
  readonly candles?: { readonly window: number; readonly seen: readonly SeenCandle[] } | undefined;
}

/** The memory after a run: of a decision, what it selected is what is stable. */
export const memoryAfter = (memory: RunMemory, run: RememberedRun): RunMemory => {
  const { hysteresisDecision: decision, hysteresisState: belief, candles, engineTimestampMs } = run;
  return {
    ...memory,
    ...(decision ? { decision: stateOfDecision(decision, engineTimestampMs) } : {}),
    ...(belief ? { belief } : {}),
    ...(candles ? { candles: addCandles(memory.candles ?? [], candles.seen, candles.window) } : {}),
  };
};
