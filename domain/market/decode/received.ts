/** A message of a source as it was received, and the RawMarketEvents it becomes. */
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import type { MarketSymbol } from '#contracts/ids.ts';
import type { RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import type { Fault, Mapped, Payload } from '#domain/market/decode/mappers.ts';

/** What is known of a message besides its payload. */
export interface Received {
  readonly sourceId: string;
  readonly symbol: MarketSymbol;
  /** Set once, when the message arrived. */
  readonly recvTsMs: number;
  /** The untouched payload: text, or the bytes when it came as bytes. */
  readonly rawPayload: string | Uint8Array;
  readonly contentType?: string | null;
  readonly payloadHash?: string | null;
}

/** What a mapping adds to a message. */
export interface Addressed {
  readonly exchangeTsMs?: number | null;
  readonly channel?: string | null;
  readonly sourceEventId?: string | null;
  readonly sourceSeq?: number | null;
}

const base64Of = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));

const rawOf = (payload: string | Uint8Array): Pick<RawMarketEvent, 'raw_payload' | 'raw_payload_encoding'> =>
  typeof payload === 'string'
    ? { raw_payload: payload, raw_payload_encoding: 'text' }
    : { raw_payload: base64Of(payload), raw_payload_encoding: 'base64' };

const eventOf = (
  event_type: string,
  normalized: Payload,
  { received, addressed }: { readonly received: Received; readonly addressed: Addressed },
): RawMarketEvent => ({
  schema: 'raw_market_event',
  schema_version: '1',
  event_type,
  source_id: received.sourceId,
  symbol: received.symbol,
  exchange_ts_ms: addressed.exchangeTsMs ?? null,
  recv_ts_ms: received.recvTsMs,
  ...rawOf(received.rawPayload),
  normalized,
  source_event_id: addressed.sourceEventId ?? null,
  source_seq: addressed.sourceSeq ?? null,
  channel: addressed.channel ?? null,
  payload_content_type: received.contentType ?? null,
  payload_hash: received.payloadHash ?? null,
});

/** The failure to understand a message; everything else about it is kept. */
export const failureOf = (received: Received, fault: Fault, addressed: Addressed = {}): RawMarketEvent =>
  eventOf(
    'DecodeFailure',
    { error_kind: fault.errorKind, error_detail: fault.errorDetail },
    { received, addressed },
  );

/** The event a mapping led to, or the failure. */
export const eventOfMapping = (
  eventType: string,
  mapped: Mapped,
  { received, addressed }: { readonly received: Received; readonly addressed: Addressed },
): RawMarketEvent =>
  mapped.kind === 'mapped'
    ? eventOf(eventType, mapped.normalized, { received, addressed })
    : failureOf(received, mapped.fault, addressed);

/** A payload as an object, or why it is none. */
export const readPayload = (
  received: Received,
):
  | { readonly kind: 'read'; readonly payload: Payload }
  | { readonly kind: 'fault'; readonly fault: Fault } => {
  const fault = (errorKind: Fault['errorKind'], errorDetail: string) =>
    ({ kind: 'fault', fault: { errorKind, errorDetail } }) as const;
  const { contentType } = received;
  if (typeof contentType === 'string' && !contentType.toLowerCase().includes('json'))
    return fault('decode_error', 'unsupported content type');
  try {
    const json: unknown = JSON.parse(textOf(received.rawPayload));
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? { kind: 'read', payload: json as Payload }
      : fault('schema_mismatch', 'payload must be an object');
  } catch (error) {
    return fault('decode_error', String(error));
  }
};

const textOf = (payload: string | Uint8Array): string =>
  typeof payload === 'string' ? payload : new TextDecoder('utf-8', { fatal: true }).decode(payload);

/** An event as one line with every member and sorted keys: what it is stored and compared as. */
export const marketEventLine = (event: RawMarketEvent): string =>
  canonicalJson({
    source_event_id: null,
    source_seq: null,
    channel: null,
    payload_content_type: null,
    payload_hash: null,
    raw_payload_encoding: 'text',
    ...event,
  });
