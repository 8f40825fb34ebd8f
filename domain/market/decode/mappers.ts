/** What a payload of each event type must hold, and how it becomes `normalized` (market reference, section 1.4). */
import type { MarketEventType } from '#contracts/market/raw-market-event.ts';
import { parseFlag, parseInteger, parseNumber, parseSide } from '#domain/market/decode/parse-values.ts';

/** A payload that has been read as an object. */
export type Payload = Readonly<Record<string, unknown>>;

/** Why a payload does not become an event. */
export interface Fault {
  readonly errorKind: 'decode_error' | 'schema_mismatch' | 'missing_required_field' | 'parse_error';
  readonly errorDetail: string;
}

/** Normalized members, or the first fault. */
export type Mapped =
  | { readonly kind: 'mapped'; readonly normalized: Payload }
  | { readonly kind: 'fault'; readonly fault: Fault };

type Reading = { readonly value: unknown } | { readonly fault: Fault };
type Reader = (payload: Payload) => Reading;

const invalid = (name: string): Reading => ({
  fault: { errorKind: 'parse_error', errorDetail: `invalid ${name}` },
});

const reading =
  (name: string, parse: (given: unknown) => { readonly value: unknown } | undefined): Reader =>
  (payload) =>
    parse(payload[name]) ?? invalid(name);

const required =
  (name: string, read: Reader): Reader =>
  (payload) =>
    Object.hasOwn(payload, name)
      ? read(payload)
      : { fault: { errorKind: 'missing_required_field', errorDetail: `missing ${name}` } };

const number = (name: string): Reader => required(name, reading(name, parseNumber));
const integer = (name: string): Reader => required(name, reading(name, parseInteger));

const levels = (name: string): Reader =>
  required(name, (payload) => {
    const given = payload[name];
    if (!Array.isArray(given)) return invalid(name);
    const parsed: (readonly [number, number])[] = [];
    for (const entry of given as readonly unknown[]) {
      if (!Array.isArray(entry) || entry.length !== 2) return invalid(name);
      const [price, quantity] = (entry as readonly unknown[]).map(parseNumber);
      if (!price) return invalid(`${name}.price`);
      if (!quantity) return invalid(`${name}.quantity`);
      parsed.push([price.value, quantity.value]);
    }
    return { value: parsed };
  });

/** A part that is left out, or null, is no part of what is normalized. */
const part =
  (name: string): Reader =>
  (payload) => {
    const given = payload[name] ?? undefined;
    return given === undefined || (typeof given === 'object' && !Array.isArray(given))
      ? { value: given }
      : invalid(name);
  };

type Readers = Readonly<Record<string, Reader>>;

const named = (read: (name: string) => Reader, ...names: readonly string[]): Readers =>
  Object.fromEntries(names.map((name) => [name, read(name)]));

const side: Readers = { side: reading('side', parseSide) };

const readers: Readonly<Record<Exclude<MarketEventType, 'DecodeFailure'>, Readers>> = {
  TradeTick: { ...named(number, 'price', 'quantity'), ...side },
  BookTop: named(number, 'best_bid_price', 'best_bid_quantity', 'best_ask_price', 'best_ask_quantity'),
  BookDelta: named(levels, 'bids', 'asks'),
  Candle: {
    ...named(number, 'open', 'high', 'low', 'close', 'volume'),
    interval_ms: integer('interval_ms'),
    is_final: reading('is_final', parseFlag),
  },
  FundingRate: named(number, 'funding_rate'),
  OpenInterest: named(number, 'open_interest'),
  MarkPrice: named(number, 'mark_price'),
  IndexPrice: named(number, 'index_price'),
  LiquidationPrint: { ...named(number, 'price', 'quantity'), ...side },
  SnapshotInputs: {
    timestamp_ms: integer('timestamp_ms'),
    ...named(part, 'market', 'derivatives', 'flow', 'context'),
  },
};

const known: ReadonlyMap<string, Readers> = new Map(Object.entries(readers));

/** Maps a payload of some event type. Members a type does not have are left out. */
export const mapPayload = (eventType: string, payload: Payload): Mapped => {
  const of = known.get(eventType);
  if (!of)
    return {
      kind: 'fault',
      fault: { errorKind: 'schema_mismatch', errorDetail: 'unsupported event_type' },
    };
  const normalized: Record<string, unknown> = {};
  for (const [name, read] of Object.entries(of)) {
    const result = read(payload);
    if ('fault' in result) return { kind: 'fault', fault: result.fault };
    if (result.value !== undefined) normalized[name] = result.value;
  }
  return { kind: 'mapped', normalized };
};
