/** RawInputBufferRecord v1: a market event in its place of the buffer (market reference, section 2.1). */
import * as z from 'zod';
import { MarketSymbol } from '#contracts/ids.ts';

const nullableText = z.string().nullable().optional();

/**
 * The event of a record, as far as a run reads it. Unknown members and event types are tolerated: a producer may be
 * newer than we are, and what the event was checked for when it was ingested is not checked again.
 */
export const BufferedMarketEvent = z.looseObject({
  schema: z.literal('raw_market_event').optional(),
  schema_version: z.literal('1').optional(),
  event_type: z.string().min(1),
  symbol: MarketSymbol,
  exchange_ts_ms: z.int().nullable().default(null),
  normalized: z.record(z.string(), z.unknown()),
  raw_payload: z.string().optional(),
  source_id: z.string().optional(),
  channel: nullableText,
  source_event_id: nullableText,
  payload_hash: nullableText,
});
export type BufferedMarketEvent = z.infer<typeof BufferedMarketEvent>;

/** A record of the buffer. */
export const RawInputBufferRecord = z.looseObject({
  /** 1, 2, 3… over all symbols. */
  ingest_seq: z.int().min(1),
  ingest_ts_ms: z.int(),
  event: BufferedMarketEvent,
});
export type RawInputBufferRecord = z.infer<typeof RawInputBufferRecord>;
