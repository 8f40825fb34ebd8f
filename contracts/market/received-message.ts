/** A message of a venue as it was received, before it is a market event: what `market decode` reads, one a line. */
import * as z from 'zod';

/** The streams of Binance USD-M futures, and the one REST answer, that are understood. */
export const BinanceStream = z.enum([
  'aggTrade',
  'kline_3m',
  'bookTicker',
  'depth@100ms',
  'markPrice@1s',
  'forceOrder',
  'openInterest',
]);
export type BinanceStream = z.infer<typeof BinanceStream>;

const nullableText = z.string().nullable().optional();

/**
 * Either of a `stream` of the venue, whose payload tells everything else, or said to be of an `event_type`, with a
 * payload in the names of `normalized`.
 */
export const ReceivedMessage = z
  .strictObject({
    source_id: z.string().min(1).max(128),
    /** The instrument as the source calls it. */
    symbol: z.string().min(1).max(128),
    /** Set once, when the message arrived. */
    recv_ts_ms: z.int().min(0),
    /** The untouched text, or base64 of the bytes when `raw_payload_encoding` says so. */
    raw_payload: z.string(),
    raw_payload_encoding: z.enum(['text', 'base64']).optional(),
    payload_content_type: nullableText,
    payload_hash: nullableText,
    stream: BinanceStream.optional(),
    event_type: z.string().min(1).optional(),
    /** Of a message with an `event_type`. */
    exchange_ts_ms: z.int().nullable().optional(),
    channel: nullableText,
    source_event_id: nullableText,
    source_seq: z.int().nullable().optional(),
  })
  .refine(({ stream, event_type: type }) => (stream === undefined) !== (type === undefined), {
    error: 'a message has a stream or an event_type',
  })
  .refine(
    ({ raw_payload: raw, raw_payload_encoding: encoding }) =>
      encoding !== 'base64' || z.base64().safeParse(raw).success,
    { error: 'this is no base64', path: ['raw_payload'] },
  );
export type ReceivedMessage = z.infer<typeof ReceivedMessage>;
