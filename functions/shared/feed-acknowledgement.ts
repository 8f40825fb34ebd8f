/**
 * Tells a feed which of its planned runs are terminal, which frees its buffer, and finds those that are not. A part of
 * the feed's history is read at a time, from the oldest commit whose runs are not all terminal.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { AcknowledgeRuns } from '#contracts/market/feed.ts';
import { feedSymbolAggregate } from '#domain/market/feed-symbol/feed-symbol.ts';
import { acknowledgement } from '#domain/market/feed/resend.ts';
import type { TerminalRuns } from '#domain/market/feed/resend.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import { feedSymbolStream, parseFeedStream } from '#domain/market/streams.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { loadStream } from '#functions/shared/load.ts';
import { readEvents } from '#functions/shared/read-events.ts';
import type * as z from 'zod';

const LOADS_AT_ONCE = 16;
/** Events of a feed that are read at once; what lies behind them is read with the next look. */
const EVENTS_MAX = 2_000;

/** What a feed should be told, and from what that was learned. */
export interface FeedProgress {
  readonly command: z.infer<typeof AcknowledgeRuns>;
  /** The feed's events from its oldest unacknowledged commit on. */
  readonly events: readonly RecordedEvent[];
  readonly terminal: TerminalRuns;
}

/** How far the runs of a feed have come, from a part of its history; undefined when all are acknowledged. */
export const feedProgress = async (
  ledger: LedgerReader,
  feed: ExistingFeed,
): Promise<FeedProgress | undefined> => {
  if (!feed.unacknowledged) return undefined;
  const terminal = await terminalRuns(ledger, feed);
  const events = await readSome(ledger, feed.stream, feed.unacknowledged.sequence);
  return { command: acknowledgement(events, terminal), events, terminal };
};

/** A bounded part of a feed's history. */
export const readSome = (
  ledger: LedgerReader,
  stream: string,
  fromSequence: number,
): Promise<readonly RecordedEvent[]> =>
  readEvents(ledger, stream, fromSequence, ({ sequence }) => sequence >= fromSequence + EVENTS_MAX);

const terminalRuns = async (
  ledger: LedgerReader,
  feed: ExistingFeed,
): Promise<ReadonlyMap<string, number>> => {
  const ref = parseFeedStream(feed.stream);
  const open = [...feed.symbols]
    .filter(([, { runNo, acknowledged }]) => runNo > acknowledged)
    .map(([symbol]) => symbol);
  const terminal = new Map<string, number>();
  for (let start = 0; start < open.length; start += LOADS_AT_ONCE) {
    await Promise.all(
      open.slice(start, start + LOADS_AT_ONCE).map(async (symbol) => {
        const { state } = await loadStream(ledger, feedSymbolAggregate, feedSymbolStream({ ...ref, symbol }));
        terminal.set(symbol, state.runNo);
      }),
    );
  }
  return terminal;
};
