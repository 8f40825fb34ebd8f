/** The slice of a run: the records of one symbol in a cut, in ingest order, read no further than is asked of it. */
import type { RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import type { BufferedRecord } from '#domain/market/chunk.ts';

/** What is read of a market event; the rest is opaque here. */
export interface SliceEvent {
  readonly event_type: string;
  readonly exchange_ts_ms: number | null;
  readonly recv_ts_ms?: number | undefined;
  readonly normalized: Readonly<Record<string, unknown>>;
  readonly source_id?: string | undefined;
  readonly channel?: string | null | undefined;
  readonly source_event_id?: string | null | undefined;
  readonly payload_hash?: string | null | undefined;
  readonly raw_payload?: string | undefined;
}

/** The `normalized` of a SnapshotInputs. */
export type SnapshotInputs = Readonly<Record<string, unknown>>;

/** A slice, whatever form its records are in. */
export interface Slice {
  /** Of the snapshot inputs meant for an engine timestamp, the one ingested last. */
  readonly snapshotInputs: (engineTimestampMs: number) => SnapshotInputs | undefined;
  /** Every event, in ingest order. */
  readonly events: () => readonly SliceEvent[];
}

const inputsOf = (event: SliceEvent, engineTimestampMs: number): SnapshotInputs | undefined =>
  event.event_type === 'SnapshotInputs' && event.normalized['timestamp_ms'] === engineTimestampMs
    ? event.normalized
    : undefined;

const lastDefined = <Item, Value>(
  items: readonly Item[],
  valueOf: (item: Item) => Value | undefined,
): Value | undefined => {
  for (const item of items.toReversed()) {
    const value = valueOf(item);
    if (value !== undefined) return value;
  }
  return undefined;
};

/** The slice of events that have been read. */
export const sliceOfEvents = (events: readonly SliceEvent[]): Slice => ({
  snapshotInputs: (engineTimestampMs) => lastDefined(events, (event) => inputsOf(event, engineTimestampMs)),
  events: () => events,
});

// They were checked when they were ingested.
const eventOf = ({ text }: BufferedRecord): RawMarketEvent => JSON.parse(text) as RawMarketEvent;

const inputsInText = (record: BufferedRecord, engineTimestampMs: number): SnapshotInputs | undefined => {
  // A cheap look first: most records of a slice are trades, and parsing them all would be most of the work. An
  // escaped name is as good as a plain one, so a text with escapes is parsed too.
  if (!record.text.includes('SnapshotInputs') && !record.text.includes('\\u')) return undefined;
  return inputsOf(eventOf(record), engineTimestampMs);
};

/** The slice of records as they are stored; for snapshot inputs alone, most of them are not parsed. */
export const sliceOfTexts = (records: readonly BufferedRecord[]): Slice => {
  let events: readonly SliceEvent[] | undefined;
  return {
    snapshotInputs: (engineTimestampMs) =>
      lastDefined(records, (record) => inputsInText(record, engineTimestampMs)),
    events: () => (events ??= records.map(eventOf)),
  };
};

/** How many events of each type a slice has, the type seen first before the others. */
export const countsByEventType = (slice: Slice): Readonly<Record<string, number>> => {
  const counts = new Map<string, number>();
  for (const { event_type: type } of slice.events()) counts.set(type, (counts.get(type) ?? 0) + 1);
  return Object.fromEntries(counts);
};

/**
 * What a redelivery of an event has in common with it; undefined when nothing tells it from another of its kind. A
 * correction under the same id is another event, because its payload is another.
 */
export const eventFingerprint = (event: SliceEvent): string | undefined => {
  const { source_id, event_type, channel, source_event_id: eventId, payload_hash: hash, raw_payload } = event;
  const isNamed = (eventId !== null && eventId !== undefined) || (hash !== null && hash !== undefined);
  return isNamed ? JSON.stringify([source_id, event_type, channel, eventId, hash ?? raw_payload]) : undefined;
};

/** The slice without redeliveries: of events with one fingerprint the first stays, in its place. */
export const withoutDuplicates = (slice: Slice): Slice => {
  const seen = new Set<string>();
  const isNew = (event: SliceEvent): boolean => {
    const fingerprint = eventFingerprint(event);
    if (fingerprint === undefined) return true;
    if (seen.has(fingerprint)) return false;
    seen.add(fingerprint);
    return true;
  };
  return sliceOfEvents(slice.events().filter(isNew));
};
