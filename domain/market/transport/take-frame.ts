/** What a connection makes of what it has read: market events, or an answer of the venue. It never throws. */
import { MarketSymbol } from '#contracts/ids.ts';
import type { RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import { decodeBinance } from '#domain/market/decode/binance.ts';
import { failureOf, readPayload } from '#domain/market/decode/received.ts';
import type { Received } from '#domain/market/decode/received.ts';
import { readFrame } from '#domain/market/transport/binance.ts';
import type { VenueConnection, VenueStream } from '#domain/market/transport/binance.ts';

/** Something read, and when. */
export interface Reading {
  readonly payload: string | Uint8Array;
  readonly recvTsMs: number;
}

/** What it is. */
export type Taken =
  | { readonly kind: 'subscribed' }
  | { readonly kind: 'refused'; readonly errorDetail: string }
  | { readonly kind: 'events'; readonly events: readonly RawMarketEvent[] };

/** The symbol of what no stream can be named for: ingestion refuses it with a reason, and keeps it. */
const NO_SYMBOL = MarketSymbol.parse('unknown');

/** Takes a frame of a WebSocket. What belongs to no subscribed stream is a DecodeFailure without a symbol. */
export const takeFrame = (connection: VenueConnection, { payload, recvTsMs }: Reading): Taken => {
  const text = typeof payload === 'string' ? payload : textOf(payload);
  if (text !== undefined && isTooLong(text))
    return { kind: 'events', events: [strayOf(connection, { payload: bytesOf(text), recvTsMs })] };
  const frame = text === undefined ? ({ kind: 'unknown' } as const) : readFrame(text);
  if (frame.kind === 'subscribed' || frame.kind === 'refused') return frame;
  const stream =
    frame.kind === 'message' ? connection.streams.find(({ name }) => name === frame.name) : undefined;
  return frame.kind === 'message' && stream
    ? { kind: 'events', events: takeMessage(connection, stream, { payload: frame.payload, recvTsMs }) }
    : { kind: 'events', events: [strayOf(connection, { payload, recvTsMs })] };
};

/** The events of a message of one stream. */
export const takeMessage = (
  { source }: VenueConnection,
  { stream, symbol }: VenueStream,
  { payload, recvTsMs }: Reading,
): readonly RawMarketEvent[] =>
  decodeBinance(stream, { sourceId: source.source_id, symbol, recvTsMs, rawPayload: payload });

const strayOf = ({ source }: VenueConnection, { payload, recvTsMs }: Reading): RawMarketEvent => {
  const received: Received = {
    sourceId: source.source_id,
    symbol: NO_SYMBOL,
    recvTsMs,
    rawPayload: payload,
  };
  const read = readPayload(received);
  return failureOf(
    received,
    read.kind === 'fault'
      ? read.fault
      : {
          errorKind: 'schema_mismatch',
          errorDetail: 'neither an answer nor a message of a subscribed stream',
        },
  );
};

/** Of a text as it stands in an event, whose record the stream takes up to 1 MiB. */
const WRITTEN_BYTES_MAX = 600_000;

/** The most one character of a text takes there, as a control character does. */
const CHARACTER_BYTES_MAX = 6;

/**
 * Whether a text would be too long in an event. Of what the venue may send only control characters are, which JSON has
 * none of, and one such message would keep the sink from taking any other. As bytes it takes four thirds of its length.
 */
const isTooLong = (text: string): boolean =>
  text.length * CHARACTER_BYTES_MAX > WRITTEN_BYTES_MAX &&
  bytesOf(JSON.stringify(text)).length > WRITTEN_BYTES_MAX;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
};
