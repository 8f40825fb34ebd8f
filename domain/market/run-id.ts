import type { EngineRunId } from '#contracts/ids.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';

/** What identifies a run: neither its cut's start nor its attempt, so that a repeat has the same id. */
export interface RunIdentity {
  readonly symbol: string;
  readonly engineTimestampMs: number;
  readonly cutEnd: number;
  readonly engineMode: string;
}

/** The id of an engine run: SHA-256 of `symbol|engine_timestamp_ms|cut_end_ingest_seq|engine_mode`. */
export const engineRunId = ({ symbol, engineTimestampMs, cutEnd, engineMode }: RunIdentity): EngineRunId =>
  sha256Hex(`${symbol}|${engineTimestampMs}|${cutEnd}|${engineMode}`) as EngineRunId;
