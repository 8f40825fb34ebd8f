/** Cuts: the slice of the buffer a run reads. All symbols of a feed share the end of a cut (reference, 4.2). */
import { compareText } from '#domain/kernel/compare-text.ts';

/** What planning knows of a symbol: its first record, and the last run planned for it (0 when none). */
export interface SymbolProgress {
  readonly firstSeq: number;
  readonly runNo: number;
}

/** The run of one symbol at a tick; its cut ends where the tick's does. */
export interface TickRun {
  readonly symbol: string;
  readonly runNo: number;
  readonly cutStart: number;
}

/**
 * The runs of a tick, by symbol in code-unit order: a symbol's first cut begins at its first record, each later
 * one right after the previous end. Nothing new since then means no runs; or, for feeds that say what they skip, runs
 * whose cuts are empty: they start right behind their end.
 */
export const cutRuns = (
  symbols: ReadonlyMap<string, SymbolProgress>,
  previousEnd: number,
  cutEnd: number,
  saysSkipped = false,
): readonly TickRun[] =>
  cutEnd <= previousEnd && !saysSkipped
    ? []
    : [...symbols]
        .filter(([, progress]) => progress.runNo > 0 || progress.firstSeq <= cutEnd)
        .map(([symbol, { runNo, firstSeq }]) => ({
          symbol,
          runNo: runNo + 1,
          cutStart: runNo === 0 ? firstSeq : previousEnd + 1,
        }))
        .sort((left, right) => compareText(left.symbol, right.symbol));

/** Whether the cut of a run is empty, so that the engine is not asked. */
export const isSkipped = ({
  cutStart,
  cutEnd,
}: {
  readonly cutStart: number;
  readonly cutEnd: number;
}): boolean => cutStart > cutEnd;
