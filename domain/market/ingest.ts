/**
 * What happens to a record of the market stream before it gets a place in the buffer: its bytes are read as one
 * RawMarketEvent, checked, and matched with the feeds that list it. The text of a valid event is kept as received.
 */
import type { ErrorCode } from '#contracts/errors.ts';
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import {
  isMarketEventType,
  MARKET_RECORD_BYTES_MAX,
  normalizedShapes,
  RawMarketEvent,
  requiredNormalizedKeys,
  UNKNOWN_SOURCE,
} from '#contracts/market/raw-market-event.ts';
import type * as z from 'zod';

/** A record as the stream delivers it. */
export interface MarketRecord {
  readonly data: Uint8Array;
  readonly partitionKey: string;
  readonly arrivalMs: number;
}

/** An event that may be buffered, with its exact text. */
export interface DecodedEvent {
  readonly kind: 'event';
  readonly eventType: string;
  readonly sourceId: string;
  readonly symbol: string;
  /** The producer's receipt time; absent when the bytes could not be read. */
  readonly recvTsMs?: number;
  /** Time at the venue, when it gives one. */
  readonly exchangeTsMs?: number;
  /** Why it could not be decoded, of a DecodeFailure; at most 128 characters each. */
  readonly decodeFault?: { readonly errorKind: string; readonly errorDetail: string };
  readonly text: string;
}

/** Why a record is not buffered; it goes to the dead-letter queue with this reason. */
export interface RefusedRecord {
  readonly kind: 'refused';
  readonly code: ErrorCode;
  readonly message: string;
}

const refused = (code: ErrorCode, message: string): RefusedRecord => ({ kind: 'refused', code, message });

/**
 * How far ahead of its arrival a record's receipt time may be. Feed time never runs back: one record further ahead would
 * silence its feed until then. The past has no bound, since tapes replay it.
 */
const RECEIVED_AHEAD_MAX_MS = 86_400_000;

/** How much of what a record says its refusal repeats. */
const QUOTED_MAX = 128;

const quoted = (text: string): string => (text.length <= QUOTED_MAX ? text : `${text.slice(0, QUOTED_MAX)}…`);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const textOf = (data: Uint8Array): string | undefined => {
  try {
    return utf8.decode(data);
  } catch {
    return undefined;
  }
};

const jsonOf = (text: string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
};

const base64Of = (data: Uint8Array): string => {
  const binary = Array.from(data, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary);
};

/** A DecodeFailure in place of bytes that are no JSON: the payload is kept, the partition key is the symbol. */
const decodeFailure = (record: MarketRecord, text: string | undefined): DecodedEvent => {
  const event: RawMarketEvent = {
    schema: 'raw_market_event',
    schema_version: '1',
    event_type: 'DecodeFailure',
    source_id: UNKNOWN_SOURCE,
    symbol: record.partitionKey as RawMarketEvent['symbol'],
    exchange_ts_ms: null,
    recv_ts_ms: record.arrivalMs,
    raw_payload: text ?? base64Of(record.data),
    raw_payload_encoding: text === undefined ? 'base64' : 'text',
    normalized: {
      error_kind: 'decode_error',
      error_detail: text === undefined ? 'the bytes are no UTF-8' : 'the text is no JSON',
    },
  };
  return {
    kind: 'event',
    eventType: event.event_type,
    sourceId: event.source_id,
    symbol: event.symbol,
    ...faultOf(event),
    text: JSON.stringify(event),
  };
};

const faultOf = ({ event_type: type, normalized }: RawMarketEvent): Pick<DecodedEvent, 'decodeFault'> =>
  type === 'DecodeFailure'
    ? {
        decodeFault: {
          errorKind: quoted(String(normalized['error_kind'])),
          errorDetail: quoted(String(normalized['error_detail'])),
        },
      }
    : {};

const firstIssue = (error: z.ZodError, within: readonly string[] = []): string =>
  error.issues
    .slice(0, 1)
    .map(({ path, message }) => `${quoted([...within, ...path].join('.')) || 'the event'}: ${message}`)
    .join('');

const refuseNormalized = (event: RawMarketEvent): RefusedRecord | undefined => {
  const type = event.event_type;
  if (!isMarketEventType(type))
    return refused('unsupported_event_type', `unsupported event_type: ${quoted(type)}`);
  const missing = requiredNormalizedKeys(type).filter((key) => !Object.hasOwn(event.normalized, key));
  if (missing.length > 0)
    return refused('missing_normalized_keys', `missing normalized keys for ${type}: ${missing.join(', ')}`);
  const shape = normalizedShapes[type].safeParse(event.normalized);
  return shape.success ? undefined : refused('invalid_market_event', firstIssue(shape.error, ['normalized']));
};

const refuseFuture = (
  { recv_ts_ms: recvTsMs }: RawMarketEvent,
  { arrivalMs }: MarketRecord,
): RefusedRecord | undefined =>
  recvTsMs > arrivalMs + RECEIVED_AHEAD_MAX_MS
    ? refused(
        'invalid_market_event',
        `recv_ts_ms: ${recvTsMs} is more than a day after the record arrived at ${arrivalMs}`,
      )
    : undefined;

/**
 * Reads one record. Bytes that are no JSON become a DecodeFailure; JSON that is no RawMarketEvent v1 is refused
 * with the code of the first rule it breaks: size, envelope, type, keys, values.
 */
export const decodeRecord = (record: MarketRecord): DecodedEvent | RefusedRecord => {
  if (record.data.length > MARKET_RECORD_BYTES_MAX)
    return refused(
      'record_too_large',
      `the record has ${record.data.length} bytes, at most ${MARKET_RECORD_BYTES_MAX} are taken`,
    );
  const text = textOf(record.data);
  const json = text === undefined ? undefined : jsonOf(text);
  if (text === undefined || json === undefined) return decodeFailure(record, text);
  const parsed = RawMarketEvent.safeParse(json.value);
  if (!parsed.success) return refused('invalid_market_event', firstIssue(parsed.error));
  const event = parsed.data;
  return (
    refuseFuture(event, record) ??
    refuseNormalized(event) ?? {
      kind: 'event',
      eventType: event.event_type,
      sourceId: event.source_id,
      symbol: event.symbol,
      recvTsMs: event.recv_ts_ms,
      ...(event.exchange_ts_ms === null ? {} : { exchangeTsMs: event.exchange_ts_ms }),
      ...faultOf(event),
      text,
    }
  );
};

/** A started feed as routing sees it. */
export interface ListedFeed {
  readonly feedId: string;
  readonly config: Pick<FeedConfig, 'sources'>;
}

/** The feeds an event goes to, in the order given, or the reason why it goes to none. */
export type Route<Feed> = { readonly kind: 'routed'; readonly feeds: readonly Feed[] } | RefusedRecord;

const lists = (feed: ListedFeed, sourceId: string, symbol: string): boolean =>
  feed.config.sources.some(
    (source) => source.source_id === sourceId && source.symbols.some((listed) => listed === symbol),
  );

const namesFeed = (feed: ListedFeed, partitionKey: string): boolean => {
  const [sourceId = '', symbol = ''] = partitionKey.split('|');
  return (
    lists(feed, sourceId, symbol) ||
    feed.config.sources.some((source) => source.symbols.some((listed) => listed === partitionKey))
  );
};

/**
 * Matches an event with the started feeds of its workspace. What could not be decoded names no source: it goes to
 * the feeds its partition key points at (a symbol, or `source|symbol|channel`), otherwise to all of them.
 */
export const routeEvent = <Feed extends ListedFeed>(
  feeds: readonly Feed[],
  event: Pick<DecodedEvent, 'sourceId' | 'symbol' | 'recvTsMs'>,
): Route<Feed> => {
  const { sourceId, symbol } = event;
  if (event.recvTsMs === undefined && feeds.length > 0) {
    const named = feeds.filter((feed) => namesFeed(feed, symbol));
    return { kind: 'routed', feeds: named.length > 0 ? named : feeds };
  }
  const listing = feeds.filter((feed) => lists(feed, sourceId, symbol));
  if (listing.length > 0) return { kind: 'routed', feeds: listing };
  return feeds.some((feed) => feed.config.sources.some((source) => source.source_id === sourceId))
    ? refused('unlisted_symbol', `no started feed lists symbol ${symbol} for source ${sourceId}`)
    : refused('unlisted_source', `no started feed lists source ${sourceId}`);
};
