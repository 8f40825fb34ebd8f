import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { parseMarketDataConfig } from '#contracts/market/market-data-config.ts';
import { createdAdapter } from '#domain/market/transport/adapter.ts';
import type { Adapter } from '#domain/market/transport/adapter.ts';
import { cadenceAfter, noCadence } from '#domain/market/cadence.ts';
import { marketEventLine } from '#domain/market/decode/received.ts';
import { binanceChannels } from '#domain/market/decode/binance.ts';
import {
  connectionsOf,
  readFrame,
  STREAMS_PER_CONNECTION_MAX,
  subscription,
} from '#domain/market/transport/binance.ts';
import type { VenueConnection } from '#domain/market/transport/binance.ts';
import {
  failureRemarks,
  summaryRemark,
  transportRemarks,
  transportState,
} from '#domain/market/transport/remarks.ts';
import { adapterSetting } from '#domain/market/transport/setting.ts';
import { takeFrame } from '#domain/market/transport/take-frame.ts';
import { inProject } from '#test/support/tracked-files.ts';

const allChannels = Object.values(binanceChannels);

const connected = (
  symbols: object,
  channels: readonly string[] = allChannels,
): readonly VenueConnection[] => {
  const parsed = parseMarketDataConfig({
    sources: [{ source_id: 'binance', symbol_map: symbols, channels }],
  });
  const found = parsed.kind === 'valid' ? connectionsOf(parsed.config) : parsed;
  if (found.kind === 'invalid') throw new Error(found.message);
  return found.connections;
};

const named = (connections: readonly VenueConnection[]) =>
  connections.map(({ entry, streams }) => [entry, streams.map(({ name }) => name)]);

describe('the connections of a configuration', () => {
  it('are one for order books, one for what else is streamed, and one for each symbol that is polled', () =>
    expect(named(connected({ BTCUSDT: 'BTC-PERP', ETHUSDT: 'ETH-PERP' }))).toEqual([
      ['public', ['btcusdt@bookTicker', 'btcusdt@depth@100ms', 'ethusdt@bookTicker', 'ethusdt@depth@100ms']],
      [
        'market',
        ['aggTrade', 'kline_3m', 'markPrice@1s', 'forceOrder']
          .flatMap((stream) => [`btcusdt@${stream}`])
          .concat(
            ['aggTrade', 'kline_3m', 'markPrice@1s', 'forceOrder'].map((stream) => `ethusdt@${stream}`),
          ),
      ],
      ['rest', ['btcusdt@openInterest']],
      ['rest', ['ethusdt@openInterest']],
    ]));

  it('are those of the listed channels alone', () =>
    expect(named(connected({ BTCUSDT: 'BTC-PERP' }, ['trades']))).toEqual([
      ['market', ['btcusdt@aggTrade']],
    ]));

  it('have so many streams and no more', () => {
    const symbols = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`S${index}`, `S${index}`]));
    const sizes = (count: number) =>
      connected(symbols(count), ['trades']).map(({ streams }) => streams.length);

    expect(sizes(STREAMS_PER_CONNECTION_MAX)).toEqual([200]);
    expect(sizes(STREAMS_PER_CONNECTION_MAX + 1)).toEqual([200, 1]);
  });

  it('are none when a channel is listed that the venue does not have', () =>
    expect(() => connected({ BTCUSDT: 'BTC-PERP' }, ['trades', 'candle_1m'])).toThrow(
      'source binance lists channel candle_1m; the venue has trades, candle_3m, book_top',
    ));
});

it('has no connections for symbols that are spelled twice, or that no venue can have', () => {
  expect(() => connected({ BTCUSDT: 'BTC-PERP', btcusdt: 'BTC' }, ['trades'])).toThrow(
    'symbol_map of source_id=binance has btcusdt in two spellings',
  );
  for (const name of ['', 'BTC USDT', 'BTC@trade', 'btcusdt/', 'A'.repeat(65)])
    expect(() => connected({ [name]: 'BTC-PERP' }, ['trades'])).toThrow('which the venue cannot have');
  expect(connected({ BTCUSDT_260327: 'BTC-26', ['A'.repeat(64)]: 'A' }, ['trades'])).toHaveLength(1);
});

it('subscribes a connection to all its streams at once', () => {
  const [first] = connected({ BTCUSDT: 'BTC-PERP' }, ['trades', 'candle_3m']);
  if (!first) throw new Error('there is one');

  expect(JSON.parse(subscription(first))).toEqual({
    method: 'SUBSCRIBE',
    params: ['btcusdt@aggTrade', 'btcusdt@kline_3m'],
    id: 1,
  });
});

describe('the bounds of an adapter', () => {
  const backpressure = { policy: 'block' as const, max_pending: 3, max_block_ms: null };

  it('are those of the source, and the reference’s where it has none', () => {
    expect(adapterSetting(null)).toEqual({
      connectTimeoutMs: 10_000,
      readTimeoutMs: 30_000,
      retry: { minDelayMs: 250, maxDelayMs: 5_000, attemptsMax: 5 },
      backpressure: { policy: 'fail', pendingMax: 10_000 },
    });
    const limits = {
      connect_timeout_ms: 1,
      read_timeout_ms: 2,
      retry: { min_delay_ms: 3, max_delay_ms: 4, max_attempts: 5, max_elapsed_ms: 6 },
      backpressure,
    };
    expect(adapterSetting(limits)).toEqual({
      connectTimeoutMs: 1,
      readTimeoutMs: 2,
      retry: { minDelayMs: 3, maxDelayMs: 4, attemptsMax: 5, elapsedMaxMs: 6 },
      backpressure: { policy: 'block', pendingMax: 3 },
    });
    expect(
      adapterSetting({ ...limits, backpressure: { ...backpressure, max_block_ms: 7 } }).backpressure,
    ).toEqual({ policy: 'block', pendingMax: 3, blockMaxMs: 7 });
  });
});

describe('a frame', () => {
  it('is the answer to the subscription', () => {
    expect(readFrame('{"result":null,"id":1}')).toEqual({ kind: 'subscribed' });
    expect(readFrame('{"result":null,"id":2}').kind).toBe('unknown');
    expect(readFrame('{"error":{"code":2,"msg":"no"},"id":1}')).toEqual({
      kind: 'refused',
      errorDetail: 'the venue refused: {"error":{"code":2,"msg":"no"},"id":1}',
    });
    expect(readFrame('{"code":2,"msg":"no"}').kind).toBe('refused');
  });

  it('is a message whose payload stays as it is written, also when it is cut off', () => {
    const payload = '{ "p" :"1.50",\n"q":2 }';
    expect(readFrame(` {"stream":"a@b" , "data": ${payload} }\n`)).toEqual({
      kind: 'message',
      name: 'a@b',
      payload: `${payload} `,
    });
    expect(readFrame('{"stream":"a@b","data":{"p":')).toEqual({
      kind: 'message',
      name: 'a@b',
      payload: '{"p":',
    });
  });

  it('is neither when it is anything else', () => {
    for (const text of ['', 'null', '[]', '7', '{"stream":"a@b"}', 'garbage'])
      expect(readFrame(text)).toEqual({ kind: 'unknown' });
  });
});

const samples = readFileSync(inProject('events/venues/binance-usdm.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { stream: string; raw_payload: string });

describe('what was read', () => {
  const [books, market] = connected({ BTCUSDT: 'BTC-PERP' });
  if (!books || !market) throw new Error('there are two entries');
  const take = (payload: string | Uint8Array, connection = market) =>
    takeFrame(connection, { payload, recvTsMs: 5 });
  const events = (payload: string | Uint8Array, connection = market) => {
    const taken = take(payload, connection);
    return taken.kind === 'events' ? taken.events : [];
  };

  it('is an answer', () => {
    expect(take('{"result":null,"id":1}')).toEqual({ kind: 'subscribed' });
    expect(take('{"code":1}')).toMatchObject({ kind: 'refused' });
  });

  it('is the events of its stream, or a failure that keeps its payload, symbol and channel', () => {
    for (const { stream, raw_payload: payload } of samples.filter(
      ({ stream: one }) => one !== 'openInterest',
    )) {
      const connection = stream === 'bookTicker' || stream === 'depth@100ms' ? books : market;
      const found = events(`{"stream":"btcusdt@${stream}","data":${payload}}`, connection);

      expect(found.length).toBeGreaterThan(0);
      for (const event of found)
        expect(event).toMatchObject({
          source_id: 'binance',
          symbol: 'BTC-PERP',
          channel: binanceChannels[stream as keyof typeof binanceChannels],
          raw_payload: payload,
          recv_ts_ms: 5,
        });
    }
  });

  it('is read from bytes as from text', () => {
    const [first] = samples;
    const text = `{"stream":"btcusdt@aggTrade","data":${String(first?.raw_payload)}}`;
    expect(events(Buffer.from(text))).toEqual(events(text));
  });

  it('is a failure without a symbol when it belongs to no subscribed stream', () => {
    const kinds = ['{"stream":"ethusdt@aggTrade","data":{}}', '{}', 'garbage', Buffer.from([0xff])].map(
      (payload) => {
        const [event] = events(payload);
        return [event?.event_type, event?.symbol, event?.normalized['error_kind'], event?.raw_payload];
      },
    );

    expect(kinds).toEqual([
      ['DecodeFailure', 'unknown', 'schema_mismatch', '{"stream":"ethusdt@aggTrade","data":{}}'],
      ['DecodeFailure', 'unknown', 'schema_mismatch', '{}'],
      ['DecodeFailure', 'unknown', 'decode_error', 'garbage'],
      ['DecodeFailure', 'unknown', 'decode_error', '/w=='],
    ]);
  });

  it('is told when it could not be decoded, and only then', () => {
    expect(failureRemarks(events('garbage'))).toMatchObject([
      {
        level: 'warn',
        message: 'market_data.decode_failure',
        fields: { source_id: 'binance', symbol: 'unknown', error_kind: 'decode_error', recv_ts_ms: 5 },
      },
    ]);
    expect(
      failureRemarks(events(`{"stream":"btcusdt@aggTrade","data":${String(samples[0]?.raw_payload)}}`)),
    ).toEqual([]);
  });
});

describe('what is told of adapters', () => {
  const [connection] = connected({ BTCUSDT: 'BTC-PERP' }, ['trades', 'mark_price']);
  if (!connection) throw new Error('there is one');
  const inState = (kind: 'created' | 'stopped' | 'failed'): Adapter => ({
    ...createdAdapter,
    phase: { kind },
  });
  const runs: Adapter = { ...createdAdapter, phase: { kind: 'running', sinceMs: 1, readAtMs: 1 } };
  const blocked: Adapter = { ...createdAdapter, phase: { kind: 'blocked', sinceMs: 1, fullSinceMs: 1 } };

  it('is a line for each stream whose state changed', () => {
    const at = { source_id: 'binance', symbol: 'BTC-PERP' };
    const remarks = transportRemarks(connection, {
      state: 'reconnecting',
      reconnectCount: 2,
      errorDetail: 'gone',
    });
    expect(remarks).toEqual(
      ['trades', 'mark_price'].map((channel) => ({
        kind: 'line',
        level: 'warn',
        message: 'market_data.transport_state',
        fields: { ...at, channel, state: 'reconnecting', reconnect_count: 2, error_detail: 'gone' },
      })),
    );
    expect(transportRemarks(connection, { state: 'running', gapMs: 7 })[0]).toMatchObject({
      level: 'info',
      fields: { ...at, channel: 'trades', state: 'running', gap_ms: 7 },
    });
    expect(transportRemarks(connection, { state: 'failed', errorDetail: 'gone' })[0]).toMatchObject({
      level: 'warn',
    });
  });

  it('is how busy a symbol was, with the worst state of those that read it', () => {
    const cadence = cadenceAfter(noCadence, { event_type: 'TradeTick', exchange_ts_ms: 3, recv_ts_ms: 4 });
    const status = (...adapters: readonly Adapter[]) => {
      const remark = summaryRemark({ sourceId: 'binance', symbol: 'BTC-PERP', adapters }, cadence);
      return remark.kind === 'line' ? remark.fields : {};
    };

    expect(status(runs, blocked)).toEqual({
      source_id: 'binance',
      symbol: 'BTC-PERP',
      adapter_status: 'running',
      raw_events_ingested: 1,
      decode_failures: 0,
      first_event_timestamp_ms: 3,
      last_event_timestamp_ms: 3,
    });
    expect(status(runs, inState('created'))).toMatchObject({ adapter_status: 'created' });
    expect(status(inState('created'), inState('stopped'))).toMatchObject({ adapter_status: 'stopped' });
    expect(status(inState('failed'), inState('stopped'))).toMatchObject({ adapter_status: 'failed' });
  });

  it('is 1 while all of them read, and 0 otherwise', () => {
    const value = (...adapters: readonly Adapter[]) => {
      const remark = transportState(adapters);
      return remark.kind === 'metric' ? remark.value : undefined;
    };
    expect(value(runs, blocked)).toBe(1);
    expect(value(runs, inState('created'))).toBe(0);
  });
});

describe('a message that would be too long for its record', () => {
  const taken = (payload: string) => {
    const [first] = connected({ BTCUSDT: 'BTC-PERP' }, ['book_delta']);
    if (!first) throw new Error('there is one');
    const read = takeFrame(first, { payload, recvTsMs: 1 });
    return read.kind === 'events' ? read.events : [];
  };
  const RECORD_BYTES_MAX = 1_048_576;
  const MESSAGE_BYTES_MAX = 262_144;

  it('is kept as bytes where it is control characters, and nowhere else', () => {
    const [garbage] = taken('\u0001'.repeat(MESSAGE_BYTES_MAX));
    expect(garbage).toMatchObject({ event_type: 'DecodeFailure', raw_payload_encoding: 'base64' });
    expect(marketEventLine(taken('\u0001'.repeat(99_000))[0] as never).length).toBeLessThan(RECORD_BYTES_MAX);
    expect(taken('\u0001'.repeat(99_000))[0]?.raw_payload_encoding).toBe('text');
    expect(marketEventLine(garbage as never).length).toBeLessThan(RECORD_BYTES_MAX);
  });

  it('is none of those whose text is long in itself, or full of quotes', () => {
    const levels = Array.from({ length: 14_000 }, () => '["0.10","1"]').join();
    for (const payload of [
      `{"stream":"btcusdt@depth@100ms","data":{"E":1,"u":2,"b":[${levels}],"a":[]}}`,
      '"'.repeat(MESSAGE_BYTES_MAX),
      'ü'.repeat(MESSAGE_BYTES_MAX / 2),
    ]) {
      const [event] = taken(payload);
      expect(event?.raw_payload_encoding).toBe('text');
      expect(Buffer.byteLength(marketEventLine(event as never))).toBeLessThan(RECORD_BYTES_MAX);
    }
  });
});
