import { describe, expect, it } from 'vitest';
import {
  countsByEventType,
  eventFingerprint,
  sliceOfEvents,
  sliceOfTexts,
  withoutDuplicates,
} from '#domain/market/slice.ts';
import type { SliceEvent } from '#domain/market/slice.ts';
import { marketEvent } from '#test/support/market-harness.ts';

const inputs = (timestamp: number, price: number) =>
  marketEvent({ event_type: 'SnapshotInputs', normalized: { timestamp_ms: timestamp, market: { price } } });
const record = (ingestSeq: number, event: object) => ({
  ingestSeq,
  ingestTsMs: 0,
  symbol: 'AAA',
  text: JSON.stringify(event),
});
const forms = [
  [
    'texts',
    (events: readonly object[]) => sliceOfTexts(events.map((event, index) => record(index + 1, event))),
  ],
  ['events', (events: readonly object[]) => sliceOfEvents(events as readonly SliceEvent[])],
] as const;

describe.each(forms)('a slice of %s', (_form, sliceOf) => {
  it('has the last ingested snapshot inputs meant for an engine timestamp', () => {
    const slice = sliceOf([inputs(1_000, 1), inputs(1_000, 2), inputs(2_000, 3), marketEvent()]);

    expect(slice.snapshotInputs(1_000)).toMatchObject({ market: { price: 2 } });
    expect(slice.snapshotInputs(999)).toBeUndefined();
  });

  it('is not misled by the name in another place, nor by a timestamp of another type', () => {
    const named = marketEvent({ raw_payload: 'SnapshotInputs' });
    const typed = marketEvent({ event_type: 'SnapshotInputs', normalized: { timestamp_ms: '1000' } });

    expect(sliceOf([named, typed]).snapshotInputs(1_000)).toBeUndefined();
  });

  it('counts its events by type', () => {
    const slice = sliceOf([marketEvent(), inputs(1, 1), marketEvent(), marketEvent({ event_type: 'New' })]);

    expect(countsByEventType(slice)).toEqual({ MarkPrice: 2, SnapshotInputs: 1, New: 1 });
  });
});

it('finds snapshot inputs whose type is written with escapes', () => {
  const text = JSON.stringify(inputs(1_000, 9)).replace('"SnapshotInputs"', '"Snapshot\\u0049nputs"');

  expect(sliceOfTexts([{ ...record(1, {}), text }]).snapshotInputs(1_000)).toMatchObject({
    market: { price: 9 },
  });
});

describe('a fingerprint', () => {
  const event = (over: Partial<SliceEvent> = {}): SliceEvent => ({
    event_type: 'TradeTick',
    exchange_ts_ms: 1,
    normalized: {},
    source_id: 'venue',
    channel: 'trades',
    source_event_id: '7',
    raw_payload: '{"p":1}',
    ...over,
  });

  it('is the same for a redelivery, whenever it was received', () => {
    expect(eventFingerprint(event())).toBe(eventFingerprint(event({ exchange_ts_ms: 2 })));
  });

  it.each([
    ['source', { source_id: 'other' }],
    ['type', { event_type: 'LiquidationPrint' }],
    ['channel', { channel: 'other' }],
    ['id', { source_event_id: '8' }],
    ['payload', { raw_payload: '{"p":2}' }],
    ['payload hash', { payload_hash: 'h' }],
  ])('differs with the %s', (_name, over) => {
    expect(eventFingerprint(event(over))).not.toBe(eventFingerprint(event()));
  });

  it.each([
    ['null', { source_event_id: null, payload_hash: null }],
    ['absent', { source_event_id: undefined }],
  ])('is none when id and hash are %s', (_name, over) => {
    expect(eventFingerprint(event(over))).toBeUndefined();
  });

  it('keeps the first of equals and everything without one', () => {
    const nameless = event({ source_event_id: null, normalized: { n: 1 } });
    const slice = withoutDuplicates(
      sliceOfEvents([event({ normalized: { n: 2 } }), nameless, event({ normalized: { n: 3 } }), nameless]),
    );

    expect(slice.events().map(({ normalized }) => normalized['n'])).toEqual([2, 1, 1]);
  });

  it('goes by the hash alone when there is no id', () => {
    const hashed = event({ source_event_id: null, payload_hash: 'h' });

    expect(withoutDuplicates(sliceOfEvents([hashed, hashed])).events()).toHaveLength(1);
  });
});
