import { describe, expect, it } from 'vitest';
import { MARKET_RECORD_BYTES_MAX } from '#contracts/market/raw-market-event.ts';
import { decodeRecord, routeEvent } from '#domain/market/ingest.ts';
import {
  parseFeedStream,
  parseFeedSymbolStream,
  feedStream,
  feedSymbolStream,
  orderKey,
} from '#domain/market/streams.ts';
import { demoConfig, marketEvent, validConfig } from '#test/support/market-harness.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const decode = (data: Uint8Array) => decodeRecord({ data, partitionKey: 'venue|AAA|trades', arrivalMs: 77 });
const decodeJson = (value: unknown) => decode(bytes(JSON.stringify(value)));

describe('decoding', () => {
  it('keeps the text of a valid event as received, unknown members included', () => {
    const text = JSON.stringify(marketEvent({ recv_ts_ms: 5, brand_new: { a: 1 } }), null, 2);

    expect(decode(bytes(text))).toEqual({
      kind: 'event',
      eventType: 'MarkPrice',
      sourceId: 'venue',
      symbol: 'AAA',
      recvTsMs: 5,
      text,
    });
  });

  it.each([
    ['text that is no JSON', bytes('{"price": 1'), '{"price": 1', 'text', 'the text is no JSON'],
    ['bytes that are no UTF-8', new Uint8Array([255, 254, 1]), '//4B', 'base64', 'the bytes are no UTF-8'],
    ['nothing', new Uint8Array(), '', 'text', 'the text is no JSON'],
  ])(
    'turns %s into a DecodeFailure that keeps the payload',
    (_name, data, ...[payload, encoding, detail]) => {
      const decoded = decode(data);

      expect(decoded).toMatchObject({
        kind: 'event',
        eventType: 'DecodeFailure',
        sourceId: 'unknown',
        symbol: 'venue|AAA|trades',
      });
      expect(decoded).not.toHaveProperty('recvTsMs');
      expect(JSON.parse(decoded.kind === 'event' ? decoded.text : '')).toMatchObject({
        source_id: 'unknown',
        symbol: 'venue|AAA|trades',
        recv_ts_ms: 77,
        raw_payload: payload,
        raw_payload_encoding: encoding,
        normalized: { error_kind: 'decode_error', error_detail: detail },
      });
    },
  );

  it.each([
    ['no object', 5, 'invalid_market_event', 'the event: '],
    ['another schema', marketEvent({ schema: 'x' }), 'invalid_market_event', 'schema: '],
    ['no receipt time', marketEvent({ recv_ts_ms: undefined }), 'invalid_market_event', 'recv_ts_ms: '],
    [
      'no exchange time, not even null',
      marketEvent({ exchange_ts_ms: undefined }),
      'invalid_market_event',
      'exchange_ts_ms: ',
    ],
    [
      'a symbol with a control character',
      marketEvent({ symbol: 'A\u0000' }),
      'invalid_market_event',
      'symbol: ',
    ],
    [
      'an unknown type',
      marketEvent({ event_type: 'Nope' }),
      'unsupported_event_type',
      'unsupported event_type: Nope',
    ],
    [
      'a type every object has',
      marketEvent({ event_type: 'constructor' }),
      'unsupported_event_type',
      'unsupported event_type: constructor',
    ],
    [
      'missing keys',
      marketEvent({ event_type: 'TradeTick', normalized: { price: 1 } }),
      'missing_normalized_keys',
      'missing normalized keys for TradeTick: quantity, side',
    ],
    [
      'a price that is text',
      marketEvent({ normalized: { mark_price: '1' } }),
      'invalid_market_event',
      'normalized.mark_price: ',
    ],
  ])('refuses an event with %s', (_name, value, code, message) => {
    const decoded = decodeJson(value);

    expect(decoded).toMatchObject({ kind: 'refused', code });
    expect(decoded.kind === 'refused' && decoded.message.startsWith(message)).toBe(true);
  });

  it('takes a receipt time up to a day ahead of the arrival, and any before it', () => {
    const received = (recvTsMs: number) => decodeJson(marketEvent({ recv_ts_ms: recvTsMs }));

    expect(received(0).kind).toBe('event');
    expect(received(77 + 86_400_000).kind).toBe('event');
    expect(received(77 + 86_400_001)).toMatchObject({ kind: 'refused', code: 'invalid_market_event' });
  });

  it('repeats at most 128 characters of what a record says', () => {
    const messageFor = (length: number) => {
      const decoded = decodeJson(marketEvent({ event_type: 'T'.repeat(length) }));
      return decoded.kind === 'refused' ? decoded.message : undefined;
    };

    expect(messageFor(128)).toBe(`unsupported event_type: ${'T'.repeat(128)}`);
    expect(messageFor(129)).toBe(`unsupported event_type: ${'T'.repeat(128)}…`);
  });

  it('takes a record of exactly the largest size and refuses one byte more', () => {
    const empty = JSON.stringify(marketEvent({ raw_payload: '' })).length;
    const sized = (size: number) => decodeJson(marketEvent({ raw_payload: 'x'.repeat(size - empty) }));

    expect(sized(MARKET_RECORD_BYTES_MAX).kind).toBe('event');
    expect(sized(MARKET_RECORD_BYTES_MAX + 1)).toMatchObject({ kind: 'refused', code: 'record_too_large' });
  });

  it('accepts snapshot inputs whose parts are missing or of another shape', () => {
    const snapshot = { timestamp_ms: 1, market: null, flow: 'x' };

    expect(decodeJson(marketEvent({ event_type: 'SnapshotInputs', normalized: snapshot })).kind).toBe(
      'event',
    );
  });
});

describe('routing', () => {
  const feed = (feedId: string, source: string, symbols: readonly string[]) => ({
    feedId,
    config: validConfig({ sources: [{ source_id: source, symbols }] }),
  });
  const feeds = [
    feed('one', 'venue', ['AAA']),
    feed('two', 'venue', ['AAA', 'BBB']),
    feed('three', 'other', ['CCC', 'X|USDT']),
  ];
  const ids = (sourceId: string, symbol: string, recvTsMs?: number) => {
    const route = routeEvent(feeds, { sourceId, symbol, ...(recvTsMs === undefined ? {} : { recvTsMs }) });
    return route.kind === 'routed' ? route.feeds.map((each) => each.feedId) : route.code;
  };

  it('sends an event to every feed that lists its source and symbol', () => {
    expect(ids('venue', 'AAA', 1)).toEqual(['one', 'two']);
    expect(ids('venue', 'BBB', 1)).toEqual(['two']);
  });

  it('refuses a symbol its source is not listed with, and a source nobody lists', () => {
    expect(ids('venue', 'CCC', 1)).toBe('unlisted_symbol');
    expect(ids('unknown', 'AAA', 1)).toBe('unlisted_source');
  });

  it('sends what could not be decoded where its partition key points, otherwise to every feed', () => {
    expect(ids('unknown', 'venue|BBB|trades')).toEqual(['two']);
    expect(ids('unknown', 'CCC')).toEqual(['three']);
    for (const key of ['other|X|USDT|trades', 'other|X|USDT', 'X|USDT'])
      expect(ids('unknown', key)).toEqual(['three']);
    expect(ids('unknown', 'other|X|USD')).toEqual(['one', 'two', 'three']);
    expect(ids('unknown', 'garbage')).toEqual(['one', 'two', 'three']);
  });

  it('refuses what could not be decoded when no feed is started', () => {
    expect(routeEvent([], { sourceId: 'unknown', symbol: 'x' })).toMatchObject({ code: 'unlisted_source' });
  });
});

describe('stream names', () => {
  const ref = { tenantId: 'acme', workspaceId: 'prod', feedId: 'demo' };

  it('lead back to what they name, whatever the symbol contains', () => {
    const symbol = 'SOL-PERP/USDT#1|x';

    expect(parseFeedStream(feedStream(ref))).toEqual(ref);
    expect(parseFeedSymbolStream(feedSymbolStream({ ...ref, symbol }))).toEqual({ ...ref, symbol });
    expect(orderKey({ ...ref, symbol: 'A' })).toBe('prod/demo|A');
  });

  it('are refused when they name something else', () => {
    expect(() => parseFeedStream('run#acme/prod/x')).toThrow('is no feed stream');
    expect(() => parseFeedSymbolStream('feed#acme/prod/x')).toThrow('is no feed-symbol stream');
  });

  it('are those of a started feed in the demo configuration', () => {
    expect(demoConfig().sources[0]?.symbols).toEqual(['AAA', 'BBB', 'CCC']);
  });
});
