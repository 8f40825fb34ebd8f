/**
 * The public streams of Binance USD-M futures: which connections a configuration asks for, what is sent on them, and
 * what comes back. Order books have an entry of their own beside that of other streams; open interest is polled.
 */
import type { MarketSymbol } from '#contracts/ids.ts';
import type { MarketDataConfig, MarketDataSource } from '#contracts/market/market-data-config.ts';
import { BinanceStream } from '#contracts/market/received-message.ts';
import { binanceChannels } from '#domain/market/decode/binance.ts';

/** Who publishes a stream: one of the two entries for WebSockets, or the REST interface. */
export type VenueEntry = 'public' | 'market' | 'rest';

/** One stream of one symbol. */
export interface VenueStream {
  /** `btcusdt@aggTrade`, as the venue calls it. */
  readonly name: string;
  readonly stream: BinanceStream;
  /** The instrument as the venue calls it. */
  readonly venueSymbol: string;
  readonly symbol: MarketSymbol;
  readonly channel: string;
}

/** What one adapter reads. */
export interface VenueConnection {
  readonly source: MarketDataSource;
  readonly entry: VenueEntry;
  readonly streams: readonly VenueStream[];
}

/** The connections, or why there are none. */
export type Connections =
  | { readonly kind: 'valid'; readonly connections: readonly VenueConnection[] }
  | { readonly kind: 'invalid'; readonly message: string };

/** Streams of one connection at most; the venue allows 1,024, and what is lost with one connection is to be bounded. */
export const STREAMS_PER_CONNECTION_MAX = 200;

const streamOf: ReadonlyMap<string, BinanceStream> = new Map(
  BinanceStream.options.map((stream) => [binanceChannels[stream], stream]),
);

const entryOf = (stream: BinanceStream): VenueEntry => {
  if (stream === 'openInterest') return 'rest';
  return stream === 'bookTicker' || stream === 'depth@100ms' ? 'public' : 'market';
};

/** What the venue calls an instrument. */
const VENUE_SYMBOL = /^[\p{L}\p{N}_]{1,64}$/u;

/** Everything a configuration lists: sources, entries and streams in order, and an adapter for each polled symbol. */
export const connectionsOf = ({ sources }: MarketDataConfig): Connections => {
  for (const { source_id: sourceId, channels } of sources) {
    const unknown = channels.find((channel) => !streamOf.has(channel));
    if (unknown !== undefined)
      return {
        kind: 'invalid',
        message: `source ${sourceId} lists channel ${unknown}; the venue has ${[...streamOf.keys()].join(', ')}`,
      };
  }
  const fault = sources.map(faultOfSymbols).find((name) => name !== undefined);
  if (fault !== undefined) return { kind: 'invalid', message: fault };
  return { kind: 'valid', connections: sources.flatMap(connectionsOfSource) };
};

/** Streams have names of small letters: of two spellings of an instrument one would never be heard of. */
const faultOfSymbols = ({
  source_id: sourceId,
  symbol_map: symbols,
}: MarketDataSource): string | undefined => {
  const names = Object.keys(symbols);
  const odd = names.find((one) => !VENUE_SYMBOL.test(one));
  if (odd !== undefined)
    return `symbol_map of source_id=${sourceId} has ${JSON.stringify(odd)}, which the venue cannot have`;
  const name = names.find(
    (one, index) => names.findIndex((other) => other.toLowerCase() === one.toLowerCase()) < index,
  );
  return name === undefined ? undefined : `symbol_map of source_id=${sourceId} has ${name} in two spellings`;
};

const connectionsOfSource = (source: MarketDataSource): readonly VenueConnection[] => {
  const streams = streamsOf(source);
  return (['public', 'market', 'rest'] as const).flatMap((entry) =>
    inParts(
      streams.filter(({ stream }) => entryOf(stream) === entry),
      entry === 'rest' ? 1 : STREAMS_PER_CONNECTION_MAX,
    ).map((part) => ({ source, entry, streams: part })),
  );
};

const streamsOf = ({ symbol_map: symbols, channels }: MarketDataSource): readonly VenueStream[] =>
  Object.entries(symbols).flatMap(([venueSymbol, symbol]) =>
    [...streamOf]
      .filter(([channel]) => channels.includes(channel))
      .map(([channel, stream]) => ({
        name: `${venueSymbol.toLowerCase()}@${stream}`,
        ...{ stream, venueSymbol, symbol, channel },
      })),
  );

const inParts = <Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, part) =>
    items.slice(part * size, (part + 1) * size),
  );

/** The number of the one request a connection makes. */
const SUBSCRIPTION_ID = 1;

/** The request that subscribes a connection to its streams. */
export const subscription = ({ streams }: Pick<VenueConnection, 'streams'>): string =>
  JSON.stringify({ method: 'SUBSCRIBE', params: streams.map(({ name }) => name), id: SUBSCRIPTION_ID });

/** What a frame says. */
export type Frame =
  | { readonly kind: 'subscribed' }
  | { readonly kind: 'refused'; readonly errorDetail: string }
  /** A message of a stream: its payload is the text as it stands in the frame. */
  | { readonly kind: 'message'; readonly name: string; readonly payload: string }
  /** Neither an answer nor a message. */
  | { readonly kind: 'unknown' };

/** How a message of a stream begins. */
const MESSAGE = /^\s*\{\s*"stream"\s*:\s*"([^"\\]*)"\s*,\s*"data"\s*:/;

/** Reads a frame. It never throws. */
export const readFrame = (text: string): Frame => {
  const [head, name] = MESSAGE.exec(text) ?? [];
  if (head !== undefined && name !== undefined)
    return { kind: 'message', name, payload: text.slice(head.length).trim().replace(/\}$/, '') };
  const answer = objectOf(text);
  if (answer?.['id'] === SUBSCRIPTION_ID && answer['result'] === null) return { kind: 'subscribed' };
  // The venue tells a fault as a member `error`, or with its code and text at the top.
  return answer && ('error' in answer || 'code' in answer)
    ? { kind: 'refused', errorDetail: `the venue refused: ${text.slice(0, ERROR_DETAIL_MAX)}` }
    : { kind: 'unknown' };
};

const ERROR_DETAIL_MAX = 300;

const objectOf = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
};
