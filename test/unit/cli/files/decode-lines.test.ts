import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { normalizedShapes, RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import type { MarketEventType } from '#contracts/market/raw-market-event.ts';
import { BinanceStream, ReceivedMessage } from '#contracts/market/received-message.ts';
import { RefusedLine } from '#contracts/market/refused-line.ts';
import { decodeRecord } from '#domain/market/ingest.ts';
import { decodeLines } from '#cli/files/decode-lines.ts';
import { answered, linesOf, writtenLines } from '#test/support/answered-lines.ts';
import { inProject } from '#test/support/tracked-files.ts';

const recorded = readFileSync(inProject('events/venues/binance-usdm.jsonl'), 'utf8');
const messages = recorded
  .trim()
  .split('\n')
  .map((line) => ReceivedMessage.parse(JSON.parse(line)));

const trade = (over: object = {}) => ({
  source_id: 'binance',
  symbol: 'BTCUSDT',
  recv_ts_ms: 9,
  event_type: 'TradeTick',
  raw_payload: '{"price":1,"quantity":2}',
  ...over,
});
const decoded = async (config: unknown, ...given: readonly unknown[]) =>
  answered(decodeLines(config), linesOf(...given));
const refusal = (value: unknown) => RefusedLine.parse(value).error;

describe('recorded messages of Binance USD-M', () => {
  it('are one good and one bad of each stream', () => {
    expect(messages.map(({ stream }) => stream)).toEqual([
      ...BinanceStream.options,
      ...BinanceStream.options,
    ]);
  });

  it('become events of their types, and failures that keep their payload', async () => {
    const events = (await answered(decodeLines(undefined), recorded)).map((event) =>
      RawMarketEvent.parse(event),
    );

    expect(events.map(({ event_type: type, channel }) => [channel, type])).toEqual([
      ['trades', 'TradeTick'],
      ['candle_3m', 'Candle'],
      ['book_top', 'BookTop'],
      ['book_delta', 'BookDelta'],
      ['mark_price', 'MarkPrice'],
      ['mark_price', 'IndexPrice'],
      ['mark_price', 'FundingRate'],
      ['liquidation', 'LiquidationPrint'],
      ['open_interest', 'OpenInterest'],
      ['trades', 'DecodeFailure'],
      ['candle_3m', 'DecodeFailure'],
      ['book_top', 'DecodeFailure'],
      ['book_delta', 'DecodeFailure'],
      ['mark_price', 'MarkPrice'],
      ['mark_price', 'DecodeFailure'],
      ['mark_price', 'FundingRate'],
      ['liquidation', 'DecodeFailure'],
      ['open_interest', 'DecodeFailure'],
    ]);
    const payloads = new Set(messages.map(({ raw_payload: raw }) => raw));
    for (const event of events) {
      expect(payloads.has(event.raw_payload)).toBe(true);
      const shape = normalizedShapes[event.event_type as MarketEventType];
      expect(shape.safeParse(event.normalized).success, event.event_type).toBe(true);
    }
  });

  it('are taken in by a feed as they are written', async () => {
    for (const line of await writtenLines(decodeLines(undefined), recorded)) {
      const record = { data: Buffer.from(line), partitionKey: 'key', arrivalMs: 1_767_225_700_000 };
      expect(decodeRecord(record)).toMatchObject({ kind: 'event', symbol: 'BTCUSDT', text: line });
    }
  });
});

describe('market decode', () => {
  it('decodes what is said to be of a type, with what is said of it', async () => {
    const addressed = { exchange_ts_ms: 5, channel: 'trades', source_event_id: '7', source_seq: 8 };

    const [event, bare] = await decoded(undefined, trade(addressed), trade());

    expect(event).toMatchObject({ ...addressed, recv_ts_ms: 9, normalized: { price: 1, quantity: 2 } });
    expect(bare).toMatchObject({ exchange_ts_ms: null, channel: null, source_seq: null });
  });

  it('keeps bytes as base64', async () => {
    const raw_payload = Buffer.from('{"price":1,"quantity":2}').toString('base64');

    expect(await decoded(undefined, trade({ raw_payload, raw_payload_encoding: 'base64' }))).toMatchObject([
      { event_type: 'TradeTick', raw_payload, raw_payload_encoding: 'base64' },
    ]);
  });

  it.each([
    ['no JSON', '{', 'invalid_json'],
    ['no message', { source_id: 'binance' }, 'invalid_received_message'],
    ['neither a stream nor a type', trade({ event_type: undefined }), 'invalid_received_message'],
    ['a stream and a type', trade({ stream: 'aggTrade' }), 'invalid_received_message'],
    ['a stream nobody knows', trade({ event_type: undefined, stream: 'ticker' }), 'invalid_received_message'],
    [
      'what is no base64',
      trade({ raw_payload: '*', raw_payload_encoding: 'base64' }),
      'invalid_received_message',
    ],
    ['a symbol that is none', trade({ symbol: 'A\nB' }), 'invalid_received_message'],
  ])('refuses %s and goes on', async (_case, line, code) => {
    const [refused, next] = await decoded(undefined, line, trade());

    expect(refusal(refused).code).toBe(code);
    expect(next).toMatchObject({ event_type: 'TradeTick' });
  });

  it('takes what its configuration lists, under our names', async () => {
    const config = {
      sources: [{ source_id: 'binance', symbol_map: { BTCUSDT: 'BTC-PERP' }, channels: ['trades'] }],
    };
    const stream = messages[0];
    const quotes = messages[2];

    const answers = await decoded(
      config,
      stream,
      trade({ channel: 'trades' }),
      quotes,
      trade(),
      trade({ channel: 'trades', symbol: 'toString' }),
      trade({ source_id: 'other' }),
    );

    expect(answers.slice(0, 2)).toMatchObject([{ symbol: 'BTC-PERP' }, { symbol: 'BTC-PERP' }]);
    expect(answers.slice(2).map((answer) => refusal(answer).code)).toEqual([
      'unlisted_channel',
      'unlisted_channel',
      'unlisted_symbol',
      'unlisted_source',
    ]);
  });

  it('refuses a configuration that is none, in the words of the reference', () => {
    expect(() => decodeLines({ sources: [] })).toThrow(
      'the configuration is refused: market_data config must include at least one source',
    );
  });
});
