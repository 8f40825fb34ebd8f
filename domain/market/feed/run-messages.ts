/** Planned runs grouped into messages: consecutive runs of one symbol, with the chunks that hold their records. */
import type { ChunkRef, EngineRunsMessage, PlannedRun } from '#contracts/market/engine-run.ts';
import type { CutChunks, TicksPlanned } from '#contracts/market/feed.ts';
import type { MarketSymbol } from '#contracts/ids.ts';
import type { ExistingFeed, FeedSymbol } from '#domain/market/feed/state.ts';

/** Most runs of one message; with its chunks it stays far below the 256 KB of a queue message. */
export const RUNS_PER_MESSAGE_MAX = 100;

/** A planned run with its symbol. */
export interface SymbolRun {
  readonly symbol: MarketSymbol;
  readonly run: PlannedRun;
}

/** Every run of some planned ticks, tick by tick and by symbol within a tick. */
export const plannedRuns = (planned: Pick<TicksPlanned, 'ticks'>): readonly SymbolRun[] =>
  planned.ticks.flatMap(({ runs, plannedTsMs, engineTimestampMs, cutKind, cutEnd }) =>
    runs.map(({ symbol, runNo, cutStart }) => ({
      symbol,
      run: { runNo, plannedTsMs, engineTimestampMs, cutKind, cutStart, cutEnd },
    })),
  );

/** The runs that are not yet known to be terminal. */
export const pendingRuns = (
  planned: Pick<TicksPlanned, 'ticks'>,
  symbols: ReadonlyMap<string, Pick<FeedSymbol, 'acknowledged'>>,
): readonly SymbolRun[] =>
  plannedRuns(planned).filter(({ symbol, run }) => run.runNo > (symbols.get(symbol)?.acknowledged ?? 0));

const overlapping = (refs: readonly ChunkRef[], runs: readonly PlannedRun[]): ChunkRef[] => {
  const start = Math.min(...runs.map((run) => run.cutStart));
  const end = Math.max(...runs.map((run) => run.cutEnd));
  return refs.filter((ref) => ref.lastSeq >= start && ref.firstSeq <= end);
};

const bySymbol = (runs: readonly SymbolRun[]): ReadonlyMap<MarketSymbol, PlannedRun[]> => {
  const groups = new Map<MarketSymbol, PlannedRun[]>();
  for (const { symbol, run } of runs) groups.set(symbol, [...(groups.get(symbol) ?? []), run]);
  return groups;
};

const split = (runs: readonly PlannedRun[]): readonly PlannedRun[][] =>
  Array.from({ length: Math.ceil(runs.length / RUNS_PER_MESSAGE_MAX) }, (_, index) =>
    runs.slice(index * RUNS_PER_MESSAGE_MAX, (index + 1) * RUNS_PER_MESSAGE_MAX),
  );

/** The messages that run some planned runs, given in runNo order per symbol. */
export const runMessages = (
  feed: Pick<ExistingFeed, 'stream' | 'config' | 'configSequence'>,
  runs: readonly SymbolRun[],
  chunks: CutChunks,
): readonly EngineRunsMessage[] =>
  [...bySymbol(runs)].flatMap(([symbol, symbolRuns]) =>
    split(symbolRuns).map((part) => ({
      feedStream: feed.stream,
      symbol,
      engineMode: feed.config.engine.engine_mode,
      configSequence: feed.configSequence,
      runs: part,
      chunks: { ...chunks, refs: overlapping(chunks.refs, part) },
    })),
  );
