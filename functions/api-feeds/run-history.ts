/** What the ledger recorded of some planned runs of a feed's symbols, and what was remembered before each of them. */
import type { RunMemory } from '#domain/market/execute-run.ts';
import { feedSymbolAggregate, terminalRun } from '#domain/market/feed-symbol/feed-symbol.ts';
import type { TerminalRun } from '#domain/market/feed-symbol/run-facts.ts';
import type { PlannedStep } from '#domain/market/feed/plan-page.ts';
import { feedSymbolStream } from '#domain/market/streams.ts';
import type { FeedRef } from '#domain/market/streams.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { stateBefore } from '#functions/shared/load-at.ts';
import { eachEvent } from '#functions/shared/read-events.ts';

/** A run that has ended, and what the runs of its symbol before it gave to be remembered. */
export interface RecordedRun {
  readonly run: TerminalRun;
  readonly memory: RunMemory;
}

/** The recorded run of a step; undefined when it has no outcome yet. */
export type RunHistory = (step: PlannedStep) => RecordedRun | undefined;

const READS_AT_ONCE = 16;
const COMMITS_PER_READ_MAX = 20;

/** Reads the outcomes of steps, which are in the order of the plan. */
export const readHistory = async (
  ledger: LedgerReader,
  feed: FeedRef,
  steps: readonly PlannedStep[],
): Promise<RunHistory> => {
  const known = new Map<string, ReadonlyMap<number, RecordedRun>>();
  const spans = [...spansOf(steps)];
  for (let start = 0; start < spans.length; start += READS_AT_ONCE) {
    await Promise.all(
      spans.slice(start, start + READS_AT_ONCE).map(async ([symbol, span]) => {
        known.set(symbol, await recordedRuns(ledger, feedSymbolStream({ ...feed, symbol }), span));
      }),
    );
  }
  return ({ symbol, run }) => known.get(symbol)?.get(run.runNo);
};

/** The first and the last run of a symbol; those between them are without gaps. */
interface Span {
  readonly first: number;
  readonly last: number;
}

const spansOf = (steps: readonly PlannedStep[]): ReadonlyMap<string, Span> => {
  const spans = new Map<string, Span>();
  for (const { symbol, run } of steps)
    spans.set(symbol, { first: spans.get(symbol)?.first ?? run.runNo, last: run.runNo });
  return spans;
};

/** A run is one event, and others may stand between: run n is at sequence n or behind it, never before. */
const recordedRuns = async (
  ledger: LedgerReader,
  stream: string,
  { first, last }: Span,
): Promise<ReadonlyMap<number, RecordedRun>> => {
  const runs = new Map<number, RecordedRun>();
  let memory = await stateBefore(ledger, feedSymbolAggregate, { stream, sequence: first });
  const commitsPerRead = Math.min(last - first + 1, COMMITS_PER_READ_MAX);
  for await (const event of eachEvent(ledger, stream, first, commitsPerRead)) {
    const run = terminalRun(event);
    if (!run) continue;
    if (run.data.runNo >= first) runs.set(run.data.runNo, { run, memory });
    memory = feedSymbolAggregate.evolve(memory, event);
    if (run.data.runNo >= last) break;
  }
  return runs;
};
