/**
 * RawMarketEvent v1, the record of the market stream. Unknown fields are tolerated and kept: a producer may be
 * newer than we are, and what it sent is stored as received. Names are the market reference's, section 1.
 */
import * as z from 'zod';
import { MarketSymbol } from '#contracts/ids.ts';

const side = z.enum(['buy', 'sell']).nullable();
const level = z.tuple([z.number(), z.number()]);

/** Required members of `normalized`, by event type; more may be present. */
export const normalizedShapes = {
  TradeTick: z.looseObject({ price: z.number(), quantity: z.number(), side }),
  BookTop: z.looseObject({
    best_bid_price: z.number(),
    best_bid_quantity: z.number(),
    best_ask_price: z.number(),
    best_ask_quantity: z.number(),
  }),
  BookDelta: z.looseObject({ bids: z.array(level), asks: z.array(level) }),
  Candle: z.looseObject({
    open: z.number(),
    high: z.number(),
    low: z.number(),
    close: z.number(),
    volume: z.number(),
    interval_ms: z.int(),
    is_final: z.boolean().nullable(),
  }),
  FundingRate: z.looseObject({ funding_rate: z.number() }),
  OpenInterest: z.looseObject({ open_interest: z.number() }),
  MarkPrice: z.looseObject({ mark_price: z.number() }),
  IndexPrice: z.looseObject({ index_price: z.number() }),
  LiquidationPrint: z.looseObject({ price: z.number(), quantity: z.number(), side }),
  /** The four optional sub-objects are free-form here: the snapshot builder decides what counts as given. */
  SnapshotInputs: z.looseObject({ timestamp_ms: z.int() }),
  DecodeFailure: z.looseObject({ error_kind: z.string(), error_detail: z.string() }),
} as const;

/** What a market event can be. */
export type MarketEventType = keyof typeof normalizedShapes;

/** True for the event types of v1; own members only, so `constructor` is no type. */
export const isMarketEventType = (type: string): type is MarketEventType =>
  Object.hasOwn(normalizedShapes, type);

/** The keys `normalized` must have for a type, sorted. */
export const requiredNormalizedKeys = (type: MarketEventType): readonly string[] =>
  Object.keys(normalizedShapes[type].shape).sort();

const nullableText = z.string().nullable().optional();

/** The envelope; the shape of `normalized` depends on `event_type` and is checked separately. */
export const RawMarketEvent = z.looseObject({
  schema: z.literal('raw_market_event'),
  schema_version: z.literal('1'),
  event_type: z.string().min(1),
  source_id: z.string().min(1).max(128),
  symbol: MarketSymbol,
  /** Time at the source in milliseconds, null when it gives none; never altered. */
  exchange_ts_ms: z.int().nullable(),
  /** When the producer received it; the feed's time when its clock is `record`. */
  recv_ts_ms: z.int().min(0),
  /** The untouched source text, or base64 of its bytes when `raw_payload_encoding` says so. */
  raw_payload: z.string(),
  raw_payload_encoding: z.enum(['text', 'base64']).optional(),
  normalized: z.record(z.string(), z.unknown()),
  source_event_id: nullableText,
  source_seq: z.int().nullable().optional(),
  channel: nullableText,
  payload_content_type: nullableText,
  payload_hash: nullableText,
});
export type RawMarketEvent = z.infer<typeof RawMarketEvent>;

/** The `source_id` of a record whose bytes name none, because they are no JSON. */
export const UNKNOWN_SOURCE = 'unknown';

/** The largest market record taken in, in bytes. */
export const MARKET_RECORD_BYTES_MAX = 1_048_576;
