/**
 * The generic decoder: a JSON payload of a known event type becomes its event, whatever else becomes a DecodeFailure
 * that keeps the payload (market reference, section 1.4).
 */
import type { RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import { mapPayload } from '#domain/market/decode/mappers.ts';
import { eventOfMapping, failureOf, readPayload } from '#domain/market/decode/received.ts';
import type { Addressed, Received } from '#domain/market/decode/received.ts';

/** The event of a message that is said to be of some event type. It never throws. */
export const decodePayload = (
  eventType: string,
  received: Received,
  addressed: Addressed = {},
): RawMarketEvent => {
  const read = readPayload(received);
  return read.kind === 'fault'
    ? failureOf(received, read.fault, addressed)
    : eventOfMapping(eventType, mapPayload(eventType, read.payload), { received, addressed });
};
