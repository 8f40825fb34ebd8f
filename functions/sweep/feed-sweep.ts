/**
 * A sweep of a feed with unacknowledged runs: reads which runs its symbols have finished, sends the others again,
 * and tells the feed. A feed with a live clock plans the ticks that have passed.
 */
import type { FeedCommand } from '#contracts/market/feed.ts';
import { feedSymbolAggregate } from '#domain/market/feed-symbol/feed-symbol.ts';
import { sendRuns } from '#domain/market/feed/effects.ts';
import { acknowledgement, runsToResend } from '#domain/market/feed/resend.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import { feedSymbolStream, parseFeedStream } from '#domain/market/streams.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { Queues } from '#domain/ports/outside.ts';
import { loadStream } from '#functions/shared/load.ts';
import { readEvents } from '#functions/shared/read-events.ts';

export interface FeedSweepPorts {
  readonly ledger: LedgerReader;
  readonly queues: Queues;
  readonly nowMs: () => number;
}

/** Messages one sweep sends at most; the next one goes on from there. */
const RESENDS_MAX = 200;
const LOADS_AT_ONCE = 16;

/** The sweep command of a feed, after what is missing was sent again. */
export const feedSweepCommand = async (ports: FeedSweepPorts, feed: Feed): Promise<FeedCommand> => {
  if (feed.status === 'none') return { type: 'StartFeed' };
  if (!feed.unacknowledged) return { type: 'PlanTicks', clock: 'arrival', beforeMs: ports.nowMs() };
  const terminal = await terminalRuns(ports.ledger, feed);
  const events = await readEvents(ports.ledger, feed.stream, feed.unacknowledged.sequence);
  const messages = runsToResend(feed, events, terminal).slice(0, RESENDS_MAX);
  await ports.queues.send(messages.map((message) => sendRuns(message, ports.nowMs())));
  return acknowledgement(events, terminal);
};

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
