/**
 * Reads a venue until it is told to stop, or until one of its adapters has failed: a process that has lost a part of
 * what it was asked for ends, so that whoever supervises it is told. What was read is written before it ends.
 */
import { groupBy } from '#domain/kernel/group-by.ts';
import type { Remark } from '#domain/kernel/projection.ts';
import type { VenueConnection } from '#domain/market/transport/binance.ts';
import { transportState } from '#domain/market/transport/remarks.ts';
import type { MarketSink } from '#domain/ports/outside.ts';
import { whenAborted } from '#cli/worker-kit/pause.ts';
import type { OpenLink } from '#cli/venue/link.ts';
import { runSource } from '#cli/venue/run-source.ts';
import type { RunningSource, SourceOutcome, SourceSetting } from '#cli/venue/run-source.ts';
import type { Clock, Timer } from '#local/kernel/clock.ts';

export interface VenueRun {
  readonly connections: readonly VenueConnection[];
  readonly open: OpenLink;
  readonly sink: MarketSink;
  readonly clock: Clock;
  /** Takes what is worth telling. */
  readonly tell: (remarks: readonly Remark[]) => void;
  /** Writes the metrics that were told; called after each summary, and last. */
  readonly flush: () => void;
  /** From one question for what is polled to the next, in ms. */
  readonly pollEveryMs: number;
  /** From one summary of the symbols to the next, in ms. */
  readonly summaryEveryMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** How it ended: `lostCount` events were read and could not be written. */
export interface VenueEnd {
  readonly readCount: number;
  readonly lostCount: number;
  /** Of the first adapter that failed. */
  readonly failure?: string;
  /** Why events were lost. */
  readonly sinkFault?: string;
}

/** Comes to its end after the signal, or a failure. */
export const connectVenue = async (run: VenueRun): Promise<VenueEnd> => {
  const ending = endingOf(run.signal);
  const sources = started(run, ending.fail);
  const summarize = summaries(run, sources);
  await ending.ended;
  sources.forEach(({ stop }) => stop());
  await Promise.all(sources.map(({ drained }) => drained()));
  summarize();
  return endOf(
    sources.map((source) => source.outcome()),
    ending.failure(),
  );
};

const endOf = (outcomes: readonly SourceOutcome[], failure: string | undefined): VenueEnd => {
  const sinkFault = outcomes.find((outcome) => outcome.sinkFault !== undefined)?.sinkFault;
  return {
    readCount: outcomes.reduce((sum, { readCount }) => sum + readCount, 0),
    lostCount: outcomes.reduce((sum, { pendingCount }) => sum + pendingCount, 0),
    ...(failure === undefined ? {} : { failure }),
    ...(sinkFault === undefined ? {} : { sinkFault }),
  };
};

const started = (run: VenueRun, onFailed: SourceSetting['onFailed']): readonly RunningSource[] =>
  [...groupBy(run.connections, ({ source }) => source.source_id).values()].flatMap(([first, ...others]) =>
    first ? [runSource([first, ...others], { ...run, onFailed })] : [],
  );

interface Ending {
  /** Comes with the signal, or the first failure. */
  readonly ended: Promise<void>;
  readonly fail: (errorDetail: string) => void;
  /** Why the first that failed did, also when that was after the signal. */
  readonly failure: () => string | undefined;
}

const endingOf = (signal: AbortSignal): Ending => {
  const end = new AbortController();
  let failure: string | undefined;
  return {
    ended: new Promise((resolve) => void whenAborted(AbortSignal.any([signal, end.signal]), resolve)),
    fail: (errorDetail) => {
      failure ??= errorDetail;
      end.abort();
    },
    failure: () => failure,
  };
};

/** Tells summaries from now on; what is answered tells the last one. */
const summaries = (
  { clock, tell, flush, summaryEveryMs }: VenueRun,
  sources: readonly RunningSource[],
): (() => void) => {
  let timer: Timer;
  const summarize = (): void => {
    tell(sources.flatMap((source) => source.summary()));
    tell([transportState(sources.flatMap((source) => source.adapters()))]);
    flush();
  };
  const again = (): void => {
    timer = clock.at(clock.nowMs() + summaryEveryMs, () => {
      summarize();
      again();
    });
  };
  again();
  return () => {
    clock.cancel(timer);
    summarize();
  };
};
