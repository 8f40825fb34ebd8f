/**
 * Reads a venue until it is told to stop, or until all of its adapters have failed: what one of them lost is no reason to
 * lose what the others read. What was read is written before it ends, as far as the sink takes it in time.
 */
import { groupBy } from '#domain/kernel/group-by.ts';
import type { Remark } from '#domain/kernel/projection.ts';
import type { VenueConnection } from '#domain/market/transport/binance.ts';
import { transportState } from '#domain/market/transport/remarks.ts';
import type { MarketSink } from '#domain/ports/outside.ts';
import { whenAborted } from '#cli/worker-kit/pause.ts';
import type { OpenLink } from '#cli/venue/link.ts';
import { runSource } from '#cli/venue/run-source.ts';
import type { RunningSource, SourceSetting } from '#cli/venue/run-source.ts';
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
  /** How long what was read may take to be written at the end, in ms. */
  readonly drainMs: number;
  /** Whether the first failure of an adapter ends all of them, for a supervisor that begins anew. */
  readonly endsOnFailure?: boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** How it ended: `lostCount` events were read and could not be written. */
export interface VenueEnd {
  readonly readCount: number;
  readonly lostCount: number;
  /** Of the first adapter that failed. */
  readonly failure?: string;
  /** How many failed, of how many. */
  readonly adapters: { readonly failedCount: number; readonly count: number };
  /** Why events were lost. */
  readonly sinkFault?: string;
  /** The sink had not taken everything in time, and may still hold some of it. */
  readonly isCutShort: boolean;
}

/** Comes to its end after the signal, or when nothing is read any more. */
export const connectVenue = async (run: VenueRun): Promise<VenueEnd> => {
  const ending = endingOf(run);
  const sources = started(run, ending.fail);
  const summarize = summaries(run, sources);
  await ending.of(sources);
  sources.forEach(({ stop }) => stop());
  const isCutShort = !(await drainedInTime(run, sources));
  summarize();
  return endOf(sources, { failure: ending.failure(), isCutShort, drainMs: run.drainMs });
};

interface Outcome {
  readonly failure: string | undefined;
  readonly isCutShort: boolean;
  readonly drainMs: number;
}

const endOf = (sources: readonly RunningSource[], { failure, isCutShort, drainMs }: Outcome): VenueEnd => {
  const outcomes = sources.map((source) => source.outcome());
  const adapters = sources.flatMap((source) => source.adapters());
  const late = isCutShort ? `the sink has not taken them within ${drainMs} ms` : undefined;
  const sinkFault = outcomes.find((outcome) => outcome.sinkFault !== undefined)?.sinkFault ?? late;
  return {
    readCount: outcomes.reduce((sum, { readCount }) => sum + readCount, 0),
    lostCount: outcomes.reduce((sum, { pendingCount }) => sum + pendingCount, 0),
    adapters: {
      failedCount: adapters.filter(({ phase: { kind } }) => kind === 'failed').length,
      count: adapters.length,
    },
    isCutShort,
    ...(failure === undefined ? {} : { failure }),
    ...(sinkFault === undefined ? {} : { sinkFault }),
  };
};

/** Whether everything was written; a sink that takes nothing more must not keep the process for ever. */
const drainedInTime = async (
  { clock, drainMs }: VenueRun,
  sources: readonly RunningSource[],
): Promise<boolean> => {
  let timer: Timer | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = clock.at(clock.nowMs() + drainMs, () => resolve(false));
  });
  const drained = Promise.all(sources.map((source) => source.drained())).then(() => true);
  return Promise.race([drained, late]).finally(() => timer && clock.cancel(timer));
};

const started = (run: VenueRun, onFailed: SourceSetting['onFailed']): readonly RunningSource[] =>
  [...groupBy(run.connections, ({ source }) => source.source_id).values()].flatMap(([first, ...others]) =>
    first ? [runSource([first, ...others], { ...run, onFailed })] : [],
  );

interface Ending {
  /** Comes with the signal, or when nothing of these sources is read any more. */
  readonly of: (sources: readonly RunningSource[]) => Promise<void>;
  readonly fail: (errorDetail: string) => void;
  /** Why the first that failed did, also when that was after the signal. */
  readonly failure: () => string | undefined;
}

const endingOf = ({ signal, endsOnFailure = false }: VenueRun): Ending => {
  const end = new AbortController();
  let failure: string | undefined;
  let hasEnded = (): boolean => false;
  return {
    of: (sources) => {
      hasEnded = () => sources.every((source) => source.hasEnded());
      return new Promise((resolve) => void whenAborted(AbortSignal.any([signal, end.signal]), resolve));
    },
    fail: (errorDetail) => {
      failure ??= errorDetail;
      if (endsOnFailure || hasEnded()) end.abort();
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
