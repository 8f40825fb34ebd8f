import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MarketSymbol } from '#contracts/ids.ts';
import { normalizedShapes, RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import type { MarketEventType } from '#contracts/market/raw-market-event.ts';
import { BinanceStream } from '#contracts/market/received-message.ts';
import { binanceChannels, decodeBinance } from '#domain/market/decode/binance.ts';
import { decodePayload } from '#domain/market/decode/decoder.ts';
import { marketEventLine } from '#domain/market/decode/received.ts';
import type { Received } from '#domain/market/decode/received.ts';

const received = (rawPayload: string | Uint8Array, over: Partial<Received> = {}): Received => ({
  sourceId: 'venue',
  symbol: 'AAA' as MarketSymbol,
  recvTsMs: 6,
  rawPayload,
  ...over,
});
const decode = (eventType: string, payload: unknown, over: Partial<Received> = {}) =>
  RawMarketEvent.parse(
    decodePayload(eventType, received(typeof payload === 'string' ? payload : JSON.stringify(payload), over)),
  );
const normalized = (eventType: string, payload: unknown) => decode(eventType, payload).normalized;
const fault = (error_kind: string, error_detail: string) => ({ error_kind, error_detail });

const trade = { price: 1, quantity: 2 };
const candle = { open: 1, high: 2, low: 0.5, close: 1.5, volume: 10, interval_ms: 60_000 };

describe('the decoder', () => {
  it('keeps payload, address and receipt of a message, whatever becomes of it', () => {
    const over = { contentType: 'application/json', payloadHash: 'h' };
    const addressed = { exchangeTsMs: 5, channel: 'trades', sourceEventId: '7', sourceSeq: 8 };

    const good = decodePayload('TradeTick', received('{"price":1,"quantity":2}', over), addressed);
    const bad = decodePayload('TradeTick', received('{"price":1}', over), addressed);

    expect(good).toEqual({
      schema: 'raw_market_event',
      schema_version: '1',
      event_type: 'TradeTick',
      source_id: 'venue',
      symbol: 'AAA',
      exchange_ts_ms: 5,
      recv_ts_ms: 6,
      raw_payload: '{"price":1,"quantity":2}',
      raw_payload_encoding: 'text',
      normalized: { price: 1, quantity: 2, side: null },
      source_event_id: '7',
      source_seq: 8,
      channel: 'trades',
      payload_content_type: 'application/json',
      payload_hash: 'h',
    });
    expect(bad).toEqual({
      ...good,
      event_type: 'DecodeFailure',
      raw_payload: '{"price":1}',
      normalized: fault('missing_required_field', 'missing quantity'),
    });
  });

  it('keeps bytes as base64', () => {
    const bytes = new TextEncoder().encode('{"mark_price":1}');

    expect(decodePayload('MarkPrice', received(bytes))).toMatchObject({
      event_type: 'MarkPrice',
      raw_payload: btoa('{"mark_price":1}'),
      raw_payload_encoding: 'base64',
    });
  });

  it.each([
    ['text/csv', false],
    ['application/vnd.x+JSON', true],
    ['', false],
    [null, true],
    [undefined, true],
  ])('reads a content type of %s: %s', (contentType, isRead) => {
    const over = contentType === undefined ? {} : { contentType };

    expect(decode('MarkPrice', { mark_price: 1 }, over).normalized).toEqual(
      isRead ? { mark_price: 1 } : fault('decode_error', 'unsupported content type'),
    );
  });

  it.each([
    ['no JSON', '{"price":', 'decode_error'],
    ['not a number in JSON', '{"price":NaN}', 'decode_error'],
    ['a list', '[1]', 'schema_mismatch'],
    ['a text', '"x"', 'schema_mismatch'],
    ['null', 'null', 'schema_mismatch'],
  ])('fails on %s', (_name, payload, kind) => {
    expect(normalized('TradeTick', payload)).toMatchObject({ error_kind: kind });
  });

  it('fails on bytes that are no text', () => {
    expect(decodePayload('TradeTick', received(new Uint8Array([0xff, 0xfe]))).normalized).toMatchObject({
      error_kind: 'decode_error',
    });
  });

  it.each(['Auction', 'DecodeFailure', 'constructor'])('has no mapper for %s', (type) => {
    expect(normalized(type, { error_kind: 'x', error_detail: 'y' })).toEqual(
      fault('schema_mismatch', 'unsupported event_type'),
    );
  });

  it.each([
    ['101.5', 101.5],
    [' 7.5 ', 7.5],
    ['1e3', 1_000],
    ['-.5', -0.5],
    ['5.', 5],
    [true, undefined],
    [null, undefined],
    ['', undefined],
    ['1_000', undefined],
    ['nan', undefined],
    ['Infinity', undefined],
    ['0x10', undefined],
    ['1e999', undefined],
    [{}, undefined],
  ])('reads %j as the number %s', (price, expected) => {
    expect(normalized('TradeTick', { ...trade, price })).toEqual(
      expected === undefined
        ? fault('parse_error', 'invalid price')
        : { price: expected, quantity: 2, side: null },
    );
  });

  it.each([
    ['60000', 60_000],
    [60_000, 60_000],
    [' -5 ', -5],
    ['60000.0', undefined],
    [1.5, undefined],
    [true, undefined],
    ['9007199254740993', undefined],
    [1e300, undefined],
  ])('reads %j as the whole number %s', (interval_ms, expected) => {
    expect(normalized('Candle', { ...candle, interval_ms })).toMatchObject(
      expected === undefined ? fault('parse_error', 'invalid interval_ms') : { interval_ms: expected },
    );
  });

  it.each([
    ['BUY', 'buy'],
    ['sell', 'sell'],
    [null, null],
    ['hold', undefined],
    [5, undefined],
  ])('reads %j as the side %s', (side, expected) => {
    expect(normalized('LiquidationPrint', { ...trade, side })).toMatchObject(
      expected === undefined ? fault('parse_error', 'invalid side') : { side: expected },
    );
  });

  it.each([
    [true, true],
    ['FALSE', false],
    ['True', true],
    [null, null],
    ['yes', undefined],
    [1, undefined],
  ])('reads %j as the end of a candle: %s', (is_final, expected) => {
    expect(normalized('Candle', { ...candle, is_final })).toMatchObject(
      expected === undefined ? fault('parse_error', 'invalid is_final') : { is_final: expected },
    );
  });

  it.each([
    [
      { bids: [[1, '2']], asks: [] },
      { bids: [[1, 2]], asks: [] },
    ],
    [{ asks: [] }, fault('missing_required_field', 'missing bids')],
    [{ bids: {}, asks: [] }, fault('parse_error', 'invalid bids')],
    [{ bids: [1], asks: [] }, fault('parse_error', 'invalid bids')],
    [{ bids: [[1, 2, 3]], asks: [] }, fault('parse_error', 'invalid bids')],
    [{ bids: [['a', 1]], asks: [] }, fault('parse_error', 'invalid bids.price')],
    [{ bids: [], asks: [[1, 'a']] }, fault('parse_error', 'invalid asks.quantity')],
  ])('reads %j as a change of the book', (payload, expected) => {
    expect(normalized('BookDelta', payload)).toEqual(expected);
  });

  it.each([
    [
      { timestamp_ms: 5, market: { price: 1 }, flow: null, extra: 1 },
      { timestamp_ms: 5, market: { price: 1 } },
    ],
    [{ market: {} }, fault('missing_required_field', 'missing timestamp_ms')],
    [{ timestamp_ms: 1.5 }, fault('parse_error', 'invalid timestamp_ms')],
    [{ timestamp_ms: 5, market: 7 }, fault('parse_error', 'invalid market')],
    [{ timestamp_ms: 5, context: [] }, fault('parse_error', 'invalid context')],
  ])('reads %j as snapshot inputs', (payload, expected) => {
    expect(normalized('SnapshotInputs', payload)).toEqual(expected);
  });

  it('names the first member that is wrong, in the order of the type', () => {
    expect(normalized('TradeTick', {})).toEqual(fault('missing_required_field', 'missing price'));
    expect(normalized('BookTop', { best_bid_price: 'x' })).toEqual(
      fault('parse_error', 'invalid best_bid_price'),
    );
  });

  it('never throws, and what it answers is always a market event of its type or a failure', () => {
    const types = Object.keys(normalizedShapes) as MarketEventType[];
    const payload = fc.oneof(
      fc.json(),
      fc.string(),
      fc.record({ price: fc.anything(), quantity: fc.double(), side: fc.anything() }).map((value) => {
        try {
          return JSON.stringify(value);
        } catch {
          // What is no JSON, like a bigint, could not have been sent.
          return '{}';
        }
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...types), payload, (type, text) => {
        const event = RawMarketEvent.parse(decodePayload(type, received(text)));

        const kind = event.event_type as MarketEventType;
        expect([type, 'DecodeFailure']).toContain(kind);
        expect(normalizedShapes[kind].safeParse(event.normalized).success).toBe(true);
        expect(event.raw_payload).toBe(text);
      }),
    );
  });
});

describe('the line of an event', () => {
  it('has every member, sorted, and null where none was given', () => {
    const { raw_payload_encoding: _encoding, ...event } = decode('MarkPrice', { mark_price: 1.5 });

    expect(marketEventLine(RawMarketEvent.parse({ ...event, source_event_id: undefined }))).toBe(
      '{"channel":null,"event_type":"MarkPrice","exchange_ts_ms":null,"normalized":{"mark_price":1.5},' +
        '"payload_content_type":null,"payload_hash":null,"raw_payload":"{\\"mark_price\\":1.5}",' +
        '"raw_payload_encoding":"text","recv_ts_ms":6,"schema":"raw_market_event","schema_version":"1",' +
        '"source_id":"venue","source_seq":null,"symbol":"AAA"}',
    );
  });
});

describe('messages of Binance', () => {
  const events = (stream: BinanceStream, payload: unknown) =>
    decodeBinance(stream, received(JSON.stringify(payload))).map((event) => RawMarketEvent.parse(event));
  const told = (stream: BinanceStream, payload: unknown) =>
    events(stream, payload).map((event) => [event.event_type, event.exchange_ts_ms, event.normalized]);

  it('of aggregated trades take the side from who was the maker', () => {
    const payload = { e: 'aggTrade', a: 26129, p: '0.01', q: '100', T: 123, m: true };

    expect(events('aggTrade', payload)).toMatchObject([
      {
        event_type: 'TradeTick',
        exchange_ts_ms: 123,
        channel: 'trades',
        source_event_id: '26129',
        normalized: { price: 0.01, quantity: 100, side: 'sell' },
      },
    ]);
    const side = (m: unknown) => events('aggTrade', { ...payload, m })[0]?.normalized['side'];
    expect([side(false), side('TRUE'), side('maybe'), side(undefined)]).toEqual(['buy', 'sell', null, null]);
    const idOf = (a: unknown) => events('aggTrade', { ...payload, a })[0]?.source_event_id;
    expect([idOf(null), idOf(2 ** 53 - 1), idOf(2 ** 53), idOf('9007199254740993')]).toEqual([
      null,
      '9007199254740991',
      null,
      '9007199254740993',
    ]);
  });

  it('of candles are of three minutes, at their own end or else the time of the message', () => {
    const k = { T: 9, i: '3m', o: '1', h: '3', l: '0.5', c: '2', v: '10', x: true };

    expect(told('kline_3m', { E: 8, k })).toEqual([
      [
        'Candle',
        9,
        { open: 1, high: 3, low: 0.5, close: 2, volume: 10, interval_ms: 180_000, is_final: true },
      ],
    ]);
    expect(told('kline_3m', { E: 8, k: { ...k, T: undefined } })[0]?.[1]).toBe(8);
    expect(told('kline_3m', { E: 8, k: { ...k, i: '1m' } })).toEqual([
      ['DecodeFailure', 9, fault('parse_error', 'invalid interval')],
    ]);
    expect(told('kline_3m', { E: 8, k: 7 })[0]?.[0]).toBe('DecodeFailure');
  });

  it('of the top of the book and of its changes keep their sequence', () => {
    expect(told('bookTicker', { E: 1, b: '1', B: '2', a: '3', A: '4' })).toEqual([
      ['BookTop', 1, { best_bid_price: 1, best_bid_quantity: 2, best_ask_price: 3, best_ask_quantity: 4 }],
    ]);
    expect(events('depth@100ms', { E: 1, u: 160, b: [['1', '2']], a: [] })).toMatchObject([
      { event_type: 'BookDelta', source_seq: 160, normalized: { bids: [[1, 2]], asks: [] } },
    ]);
  });

  it('of mark prices are three events, of which a bad one leaves the others', () => {
    expect(told('markPrice@1s', { E: 1, p: '10', i: 'x', r: '0.0001' })).toEqual([
      ['MarkPrice', 1, { mark_price: 10 }],
      ['DecodeFailure', 1, fault('parse_error', 'invalid index_price')],
      ['FundingRate', 1, { funding_rate: 0.0001 }],
    ]);
  });

  it('of forced orders and of open interest are read where they say it', () => {
    expect(told('forceOrder', { E: 1, o: { S: 'SELL', p: '9910', q: '0.014', T: 2 } })).toEqual([
      ['LiquidationPrint', 2, { price: 9_910, quantity: 0.014, side: 'sell' }],
    ]);
    expect(told('openInterest', { openInterest: '10659.5', time: 3 })).toEqual([
      ['OpenInterest', 3, { open_interest: 10_659.5 }],
    ]);
  });

  it.each(BinanceStream.options)('of %s fail once when they cannot be read', (stream) => {
    expect(decodeBinance(stream, received('no json'))).toMatchObject([
      { event_type: 'DecodeFailure', channel: binanceChannels[stream] },
    ]);
  });

  it('name a member by what it means when it is missing', () => {
    expect(told('openInterest', {})).toEqual([
      ['DecodeFailure', null, fault('missing_required_field', 'missing open_interest')],
    ]);
  });
});
