/** One source of a venue: its adapters, the outbox they share, and how busy its symbols are. */
import type { MarketDataSource } from '#contracts/market/market-data-config.ts';
import type { RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import { cadenceAfter, noCadence } from '#domain/market/cadence.ts';
import type { Cadence } from '#domain/market/cadence.ts';
import { marketEventLine } from '#domain/market/decode/received.ts';
import { hasEnded } from '#domain/market/transport/adapter-status.ts';
import type { Adapter, AdapterEvent } from '#domain/market/transport/adapter.ts';
import type { VenueConnection } from '#domain/market/transport/binance.ts';
import { eventRemark, failureRemarks, summaryRemark, tallyKey } from '#domain/market/transport/remarks.ts';
import type { EventTally } from '#domain/market/transport/remarks.ts';
import { adapterSetting, pollSetting } from '#domain/market/transport/setting.ts';
import type { Remark } from '#domain/kernel/projection.ts';
import type { MarketRecord, MarketSink } from '#domain/ports/outside.ts';
import { partitionKeyOf } from '#cli/tape/tape-record.ts';
import type { OpenLink } from '#cli/venue/link.ts';
import { outbox } from '#cli/venue/outbox.ts';
import { runAdapter } from '#cli/venue/run-adapter.ts';
import type { RunningAdapter } from '#cli/venue/run-adapter.ts';
import type { Clock } from '#local/kernel/clock.ts';

export interface SourceSetting {
  readonly open: OpenLink;
  readonly sink: MarketSink;
  readonly clock: Clock;
  readonly pollEveryMs: number;
  readonly tell: (remarks: readonly Remark[]) => void;
  readonly onFailed: (errorDetail: string) => void;
}

/** What became of what was read. */
export interface SourceOutcome {
  readonly readCount: number;
  /** Not written. */
  readonly pendingCount: number;
  /** Why nothing more will be written. */
  readonly sinkFault?: string;
}

export interface RunningSource {
  readonly stop: () => void;
  /** Comes when what was read is written, or cannot be. */
  readonly drained: () => Promise<void>;
  readonly adapters: () => readonly Adapter[];
  /** Whether none of its adapters will read anything more. */
  readonly hasEnded: () => boolean;
  /** A line for each symbol; what is counted begins anew. */
  readonly summary: () => readonly Remark[];
  readonly outcome: () => SourceOutcome;
}

/** Lines about single failures from one summary to the next; beyond them the summary has their count. */
const FAILURE_LINES_MAX = 100;

/** What is counted of the events of a source, from one summary to the next. */
interface Counted {
  readonly cadences: Map<string, Cadence>;
  readonly tallies: Map<string, EventTally>;
  failuresTold: number;
}

/** Starts the adapters of a source, which has one connection at least. */
export const runSource = (
  connections: readonly [VenueConnection, ...VenueConnection[]],
  { open, sink, clock, pollEveryMs, tell, onFailed }: SourceSetting,
): RunningSource => {
  const { source } = connections[0];
  const setting = adapterSetting(source.limits);
  const counted: Counted = { cadences: new Map(), tallies: new Map(), failuresTold: 0 };
  let readCount = 0;
  let sinkFault: string | undefined;
  const stepAll = (event: AdapterEvent): void => running.forEach((adapter) => adapter.step(event));
  const own = outbox({
    ...{ sink, clock, bounds: setting },
    onFree: () => stepAll({ type: 'free' }),
    onBroken: (errorDetail) => {
      sinkFault = errorDetail;
      stepAll({ type: 'broken', errorDetail });
      // Adapters that have ended tell it no more.
      onFailed(errorDetail);
    },
  });
  const accept = (events: readonly RawMarketEvent[]): boolean => {
    readCount += events.length;
    tell(counting(counted, events));
    return own.accept(events.map(recordOf));
  };
  const running: readonly RunningAdapter[] = connections.map((connection) =>
    runAdapter({
      ...{ connection, open, clock, tell, accept, onFailed },
      setting: connection.entry === 'rest' ? pollSetting(setting, pollEveryMs) : setting,
    }),
  );
  return {
    stop: () => stepAll({ type: 'stop' }),
    drained: own.drained,
    adapters: () => running.map(({ current }) => current()),
    hasEnded: () => running.every(({ current }) => hasEnded(current())),
    summary: () => summaryOf(source, running, counted),
    outcome: () => ({
      readCount,
      pendingCount: own.pendingCount(),
      ...(sinkFault === undefined ? {} : { sinkFault }),
    }),
  };
};

const recordOf = (event: RawMarketEvent): MarketRecord => ({
  partitionKey: partitionKeyOf(event.source_id, event.symbol, event.channel ?? ''),
  body: marketEventLine(event),
});

/** Counts events; answers what is told of them at once. */
const counting = (counted: Counted, events: readonly RawMarketEvent[]): readonly Remark[] => {
  const { cadences, tallies } = counted;
  for (const event of events) {
    cadences.set(event.symbol, cadenceAfter(cadences.get(event.symbol) ?? noCadence, event));
    const key = tallyKey(event);
    tallies.set(key, { newest: event, count: (tallies.get(key)?.count ?? 0) + 1 });
  }
  const failures = failureRemarks(events).slice(0, FAILURE_LINES_MAX - counted.failuresTold);
  counted.failuresTold += failures.length;
  return failures;
};

/** Tells what was counted, and begins anew. */
const summaryOf = (
  { source_id: sourceId, symbol_map: symbolMap }: MarketDataSource,
  running: readonly RunningAdapter[],
  counted: Counted,
): readonly Remark[] => {
  const { cadences, tallies } = counted;
  const symbols = new Set<string>([...Object.values(symbolMap), ...cadences.keys()]);
  const lines = [...symbols].map((symbol) => {
    const own = running.filter(({ connection }) =>
      connection.streams.some((stream) => stream.symbol === symbol),
    );
    // What belongs to no stream may have come from any of them.
    const adapters = (own.length === 0 ? running : own).map(({ current }) => current());
    return summaryRemark({ sourceId, symbol, adapters }, cadences.get(symbol) ?? noCadence);
  });
  const events = [...tallies.values()].map(eventRemark);
  cadences.clear();
  tallies.clear();
  counted.failuresTold = 0;
  return [...events, ...lines];
};
