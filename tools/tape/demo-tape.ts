/**
 * The demo tape: three symbols, forty minutes, everything a feed meets in real life. The same seed gives the same
 * bytes; `write-demo-tape.ts` writes them.
 */
import { DEMO_SOURCE, DEMO_START_MS, demoSymbols, venueEvents } from '#tools/tape/demo-market.ts';
import type { VenueEvent } from '#tools/tape/demo-market.ts';
import { snapshotEvents } from '#tools/tape/demo-snapshots.ts';
import { seededRandom } from '#tools/tape/random.ts';
import type { Random } from '#tools/tape/random.ts';

/** A tape and the configuration of the feed that lists what is on it. */
export interface DemoTape {
  /** One JSON object each, in order of receipt. */
  readonly lines: readonly string[];
  readonly feed: Readonly<Record<string, unknown>>;
}

interface Timed {
  readonly atMs: number;
  readonly line: string;
}

const DUPLICATE_SHARE = 0.015;

const lineOf = (event: VenueEvent, sourceEventId: string, recvTsMs = event.recvTsMs): Timed => ({
  atMs: recvTsMs,
  line: JSON.stringify({
    schema: 'raw_market_event',
    schema_version: '1',
    event_type: event.eventType,
    source_id: DEMO_SOURCE,
    symbol: event.symbol,
    exchange_ts_ms: event.exchangeTsMs,
    recv_ts_ms: recvTsMs,
    raw_payload: JSON.stringify(event.normalized),
    normalized: event.normalized,
    source_event_id: sourceEventId,
    source_seq: null,
    channel: event.channel,
    payload_content_type: 'application/json',
    payload_hash: null,
  }),
});

/** The events of a symbol, some of them delivered twice: the same id, received again a little later. */
const deliveries = (events: readonly VenueEvent[], random: Random): readonly Timed[] =>
  events.flatMap((event, index) => {
    const id = `${event.symbol}-${event.channel}-${index + 1}`;
    const again = random.next() < DUPLICATE_SHARE;
    return [
      lineOf(event, id),
      ...(again ? [lineOf(event, id, event.recvTsMs + random.integer(5, 900))] : []),
    ];
  });

/** Payloads the venue's own adapter could not decode. */
const adapterFailures = (random: Random): readonly Timed[] =>
  demoSymbols.map(({ symbol }, index) => {
    const atMs = DEMO_START_MS + random.integer(200_000, 2_200_000);
    const event: VenueEvent = {
      symbol,
      eventType: 'DecodeFailure',
      channel: 'trades',
      exchangeTsMs: atMs - 40,
      recvTsMs: atMs,
      normalized: { error_kind: 'parse_error', error_detail: 'invalid price' },
    };
    return lineOf(event, `${symbol}-broken-${index + 1}`);
  });

/** Records whose bytes are no JSON at all: cut off in the middle, plain text, no UTF-8. */
const undecodable = (random: Random): readonly Timed[] =>
  [
    { raw: '{"schema":"raw_market_event","price": 93', partition_key: 'demo|BTC-PERP|trades' },
    { raw: 'HTTP/1.1 502 Bad Gateway', partition_key: 'demo|ETH-PERP|trades' },
    { raw_base64: '//79AAECAw==', partition_key: 'demo|SOL-PERP|book_top' },
    { raw: 'mark=93501.5', partition_key: 'demo|BTC-PERP|mark_price' },
  ].map((line) => ({
    atMs: DEMO_START_MS + random.integer(100_000, 2_300_000),
    line: JSON.stringify(line),
  }));

/** Builds the tape of a seed. */
export const demoTape = (seed = 20_260_101): DemoTape => {
  const random = seededRandom(seed);
  const ofSymbols = demoSymbols.flatMap((symbol) => {
    const { events, closes } = venueEvents(symbol, random);
    return deliveries([...events, ...snapshotEvents(symbol, closes, random)], random);
  });
  const timed = [...ofSymbols, ...adapterFailures(random), ...undecodable(random)];
  return {
    // A stable sort: what is received in the same millisecond keeps the order in which it was generated.
    lines: timed.sort((left, right) => left.atMs - right.atMs).map(({ line }) => line),
    feed: {
      sources: [{ source_id: DEMO_SOURCE, symbols: demoSymbols.map(({ symbol }) => symbol) }],
      scheduler: { mode: 'boundary', boundary_interval_ms: 180_000, boundary_delay_ms: 2_000 },
      engine: { engine_mode: 'truth' },
      clock: 'record',
    },
  };
};
