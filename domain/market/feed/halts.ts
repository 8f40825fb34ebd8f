/**
 * Deliveries of a feed that wait for a person. The publisher says that a symbol's outputs are blocked for too long; a
 * person resumes all that are halted at once; the publisher confirms when it has caught up. `blockedSinceMs` tells one
 * blocked period from the next, so that a late or repeated word of an earlier one changes nothing.
 */
import type { MarketSymbol } from '#contracts/ids.ts';
import type {
  ConfirmPublication,
  FeedResumed,
  HaltPublication,
  PublicationHalted,
  PublicationRecovered,
  ResumeFeed,
} from '#contracts/market/feed.ts';
import type { FeedView } from '#contracts/market/feed-view.ts';
import type { PublicationMessage } from '#contracts/delivery.ts';
import type { ProposedEvent, Rejection, Waiting } from '#domain/kernel/aggregate.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import type { SendMessage } from '#domain/kernel/effect.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import { compareText } from '#domain/kernel/compare-text.ts';
import { sha256Base32 } from '#domain/kernel/hash.ts';
import { feedSymbolStream, parseFeedStream } from '#domain/market/streams.ts';
import type * as z from 'zod';

/** How the last blocked delivery of a symbol stands. */
export interface Halt {
  readonly status: 'halted' | 'resumed' | 'recovered';
  readonly blockedSinceMs: number;
  /** Since when it stands so. */
  readonly sinceMs: number;
  readonly errorDetail: string;
}

/** The last blocked delivery of each symbol that ever had one. */
export type Halts = ReadonlyMap<string, Halt>;

/** How long a resumed delivery may take before it is asked for again. */
export const RESUME_DEADLINE_MS = 120_000;

type HaltDecision = Decision<ProposedEvent, Rejection>;

/** The publisher's word that a symbol is blocked for too long. */
export const haltPublication = (
  halts: Halts,
  { type: _type, ...data }: z.infer<typeof HaltPublication>,
): HaltDecision => {
  const known = halts.get(data.symbol);
  if (known && known.blockedSinceMs >= data.blockedSinceMs) return accept();
  return accept({
    type: 'PublicationHalted',
    idempotencyKey: `publication-halted:${data.symbol}:${data.blockedSinceMs}`,
    data,
  });
};

/** A person's word that all that is halted may go on, and that a degraded feed may try again. */
export const resumeFeed = (
  { halts, status, stream, version }: Pick<ExistingFeed, 'halts' | 'status' | 'stream' | 'version'>,
  { reason }: z.infer<typeof ResumeFeed>,
): HaltDecision => {
  const halted = [...halts].filter((entry) => entry[1].status === 'halted');
  const isDegraded = status === 'degraded';
  if (halted.length === 0 && !isDegraded)
    return reject({
      code: 'feed_not_halted',
      message: 'no delivery of the feed is halted and it is not degraded; there is nothing to resume',
    });
  const named = (type: string, data: object): ProposedEvent => ({
    type,
    idempotencyKey: `${type}:${stream}:${version}`,
    data,
  });
  const symbols = halted.map(([symbol]) => symbol as MarketSymbol).sort();
  const resumed = named('FeedResumed', { reason, symbols });
  return isDegraded ? accept(resumed, named('FeedRecovered', {})) : accept(resumed);
};

/** The publisher's word that a resumed delivery has caught up. */
export const confirmPublication = (
  halts: Halts,
  { symbol, blockedSinceMs }: z.infer<typeof ConfirmPublication>,
): HaltDecision => {
  const known = halts.get(symbol);
  if (known?.status !== 'resumed' || known.blockedSinceMs !== blockedSinceMs) return accept();
  return accept({
    type: 'PublicationRecovered',
    idempotencyKey: `publication-recovered:${symbol}:${blockedSinceMs}`,
    data: { symbol, blockedSinceMs },
  });
};

/** The halts after an event of theirs. */
export const evolveHalts = {
  PublicationHalted: (
    halts: Halts,
    { symbol, blockedSinceMs, errorDetail }: PublicationHalted,
    atMs: number,
  ) => new Map(halts).set(symbol, { status: 'halted', blockedSinceMs, sinceMs: atMs, errorDetail }),
  FeedResumed: (halts: Halts, { symbols }: FeedResumed, atMs: number) =>
    symbols.reduce((all, symbol) => moved(all, symbol, { status: 'resumed', sinceMs: atMs }), halts),
  PublicationRecovered: (halts: Halts, { symbol }: PublicationRecovered, atMs: number) =>
    moved(halts, symbol, { status: 'recovered', sinceMs: atMs, errorDetail: '' }),
} as const satisfies Readonly<Record<string, (halts: Halts, data: never, atMs: number) => Halts>>;

const moved = (halts: Halts, symbol: string, change: Omit<Partial<Halt>, 'blockedSinceMs'>): Halts => {
  const known = halts.get(symbol);
  return known ? new Map(halts).set(symbol, { ...known, ...change }) : halts;
};

/** The halts as readers see them, by symbol: those that are over are left out. */
export const haltViews = (halts: Halts): NonNullable<FeedView['halts']> =>
  [...halts]
    .flatMap(([symbol, { status, blockedSinceMs, errorDetail }]) =>
      status === 'recovered' ? [] : [{ symbol, status, blockedSinceMs, errorDetail }],
    )
    .sort((one, other) => compareText(one.symbol, other.symbol));

/** The messages that let resumed deliveries go on. */
export const resumptions = (stream: string, halts: Halts): readonly SendMessage[] =>
  [...halts]
    .filter(([, { status }]) => status === 'resumed')
    .map(([symbol, { blockedSinceMs }]) => {
      const body: PublicationMessage = {
        stream: feedSymbolStream({ ...parseFeedStream(stream), symbol }),
        resumedBlockMs: blockedSinceMs,
      };
      return {
        kind: 'send-message',
        name: `resume-${sha256Base32(body.stream)}-${blockedSinceMs}`,
        queue: 'publications',
        body,
      };
    });

/** What resumed deliveries wait for; halted ones wait with their feed (`recovery.ts`). */
export const haltsWaiting = (halts: Halts): readonly Waiting[] =>
  [...halts].flatMap(([symbol, { status, sinceMs }]) =>
    status === 'resumed'
      ? [{ reason: 'publication', subject: symbol, deadlineMs: sinceMs + RESUME_DEADLINE_MS }]
      : [],
  );
