/** Cuts: the slice of the buffer a run reads. All symbols of a feed share the end of a cut (reference, 4.2). */

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

/** Where a symbol's cut begins and ends, both included, or why there is none. */
export type Cut =
  | { readonly kind: 'cut'; readonly start: number; readonly end: number }
  | { readonly kind: 'none'; readonly message: string };

const none = (message: string): Cut => ({ kind: 'none', message });

/**
 * The cut of a symbol that ends at a sequence: its first begins at its first record, each later one right after the
 * previous end, whoever's record that is.
 */
export const cutOf = (firstSeq: number | undefined, previousEnd: number | undefined, end: number): Cut => {
  if (end <= 0) return none('cut_end_ingest_seq must be > 0');
  const start = previousEnd === undefined ? firstSeq : previousEnd + 1;
  if (start === undefined || (previousEnd === undefined && start > end))
    return none('no buffered records available for symbol');
  return start > end
    ? none('cut_start_ingest_seq must be <= cut_end_ingest_seq')
    : { kind: 'cut', start, end };
};

const compareText = (left: string, right: string): number => (left < right ? -1 : 1);

/** The runs of a tick, by symbol in code-unit order; nothing new since the previous end means no runs. */
export const cutRuns = (
  symbols: ReadonlyMap<string, SymbolProgress>,
  previousEnd: number,
  cutEnd: number,
): readonly TickRun[] =>
  cutEnd <= previousEnd
    ? []
    : [...symbols]
        .flatMap(([symbol, { runNo, firstSeq }]) => {
          const cut = cutOf(firstSeq, runNo === 0 ? undefined : previousEnd, cutEnd);
          return cut.kind === 'cut' ? [{ symbol, runNo: runNo + 1, cutStart: cut.start }] : [];
        })
        .sort((left, right) => compareText(left.symbol, right.symbol));
