/**
 * What the sweep does for a feed whose runs stay unacknowledged: it reads the feed's ledger from the oldest such
 * commit, tells the feed which runs are terminal, and sends the others again.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { MarketSymbol } from '#contracts/ids.ts';
import type { ChunkRef, EngineRunsMessage } from '#contracts/market/engine-run.ts';
import type { FeedCommand, RecordsIngested, TicksPlanned } from '#contracts/market/feed.ts';
import { pendingRuns, plannedRuns, runMessages } from '#domain/market/feed/run-messages.ts';
import type { ConsumedMark } from '#domain/market/feed/flow-control.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';

/** The last terminal run of each symbol, as the feed-symbol streams have it. */
export type TerminalRuns = ReadonlyMap<string, number>;

/** Terminal runs in the form in which a feed keeps what is acknowledged. */
export const asAcknowledged = (
  terminal: TerminalRuns,
): ReadonlyMap<string, { readonly acknowledged: number }> =>
  new Map([...terminal].map(([symbol, runNo]) => [symbol, { acknowledged: runNo }]));

const plannedIn = (event: RecordedEvent): TicksPlanned | undefined =>
  event.type === 'TicksPlanned' ? (event.data as TicksPlanned) : undefined;

/** Messages for every run an event planned. */
export const messagesOf = (
  feed: Pick<ExistingFeed, 'stream' | 'config' | 'configSequence'>,
  event: RecordedEvent,
): readonly EngineRunsMessage[] => {
  const planned = plannedIn(event);
  return planned ? runMessages(feed, plannedRuns(planned), planned.chunks) : [];
};

/** Messages for every run planned in these events of a feed that is not terminal, oldest first. */
export const runsToResend = (
  feed: Pick<ExistingFeed, 'stream' | 'config' | 'configSequence'>,
  events: readonly RecordedEvent[],
  terminal: TerminalRuns,
): readonly EngineRunsMessage[] => {
  const acknowledged = asAcknowledged(terminal);
  return events.flatMap((event) => {
    const planned = plannedIn(event);
    return planned ? runMessages(feed, pendingRuns(planned, acknowledged), planned.chunks) : [];
  });
};

/**
 * The command that tells a feed what is terminal, from some of its events since the oldest unacknowledged commit; when
 * all of them are terminal, the feed's next look begins behind them.
 */
export const acknowledgement = (
  events: readonly RecordedEvent[],
  terminal: TerminalRuns,
): Extract<FeedCommand, { readonly type: 'AcknowledgeRuns' }> => {
  const acknowledged = asAcknowledged(terminal);
  const isOpen = (event: RecordedEvent): boolean => {
    const planned = plannedIn(event);
    return planned !== undefined && pendingRuns(planned, acknowledged).length > 0;
  };
  const openAt = events.findIndex(isOpen);
  const done = openAt < 0 ? events : events.slice(0, openAt);
  const next = openAt < 0 ? (events.at(-1)?.sequence ?? 0) + 1 : events[openAt]?.sequence;
  const consumed = consumedBy(done);
  return {
    type: 'AcknowledgeRuns',
    symbols: [...terminal]
      .filter(([, runNo]) => runNo > 0)
      .map(([symbol, runNo]) => ({ symbol: symbol as MarketSymbol, runNo })),
    ...(next === undefined || events.length === 0 ? {} : { firstUnacknowledgedSequence: next }),
    ...(consumed ? { consumed } : {}),
  };
};

/** The last tick of these events that had runs: what it cut is consumed when all of them are terminal. */
const consumedBy = (events: readonly RecordedEvent[]): ConsumedMark | undefined => {
  const tick = events.findLast((event) => (plannedIn(event)?.ticks.length ?? 0) > 0);
  const last = tick && plannedIn(tick)?.ticks.at(-1);
  return last ? { seq: last.cutEnd, tsMs: last.plannedTsMs } : undefined;
};

/** The chunks among a feed's events that hold records of a cut, for messages whose list is not complete. */
export const chunksOfCut = (
  events: readonly RecordedEvent[],
  [firstSeq, lastSeq]: readonly [number, number],
): readonly ChunkRef[] =>
  events
    .filter((event) => event.type === 'RecordsIngested')
    .map((event) => (event.data as RecordsIngested).chunk)
    .filter((chunk) => chunk.lastSeq >= firstSeq && chunk.firstSeq <= lastSeq);
