import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';

import { parseMarketDataConfig } from '#contracts/market/market-data-config.ts';
import { connectionsOf } from '#domain/market/transport/binance.ts';
import type { MarketRecord, MarketSink } from '#domain/ports/outside.ts';
import { connectVenue } from '#cli/venue/connect.ts';
import type { VenueEnd } from '#cli/venue/connect.ts';
import { pollLinks } from '#cli/venue/poll-link.ts';
import { webSocketLinks } from '#cli/venue/web-socket-link.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import { inProject } from '#test/support/tracked-files.ts';
import { hearing, queueOf, startVenue } from '#test/support/venue.ts';
import type { VenueClient } from '#test/support/venue.ts';

const START_MS = 1_000_000;
const trade = (id: number): string => `{"a":${id},"p":"1.5","q":"2","T":${id},"m":true}`;
const TRADES = 'btcusdt@aggTrade';

interface Event {
  readonly event_type: string;
  readonly source_event_id: string | null;
  readonly channel: string | null;
  readonly recv_ts_ms: number;
}

/** A process that reads a venue, on a clock that is moved by hand. */
const reading = async (
  given: {
    readonly channels?: readonly string[];
    readonly symbols?: object;
    readonly limits?: object;
    readonly sink?: MarketSink;
    readonly endsOnFailure?: boolean;
    readonly websocketUrl?: string;
  } = {},
) => {
  const venue = await startVenue();
  const clock = virtualClock(START_MS);
  const told = hearing();
  const arrived = queueOf<MarketRecord>();
  const taken: MarketRecord[] = [];
  const stop = new AbortController();
  const parsed = parseMarketDataConfig({
    sources: [
      {
        source_id: 'binance',
        symbol_map: given.symbols ?? { BTCUSDT: 'BTC-PERP' },
        channels: given.channels ?? ['trades'],
        ...(given.limits ? { limits: given.limits } : {}),
      },
    ],
  });
  const found = parsed.kind === 'valid' ? connectionsOf(parsed.config) : parsed;
  if (found.kind === 'invalid') throw new Error(found.message);
  const sockets = webSocketLinks({ url: given.websocketUrl ?? venue.websocketUrl, wall: clock });
  const polls = pollLinks({ url: venue.restUrl, everyMs: 10_000, clock, wall: clock });
  let flushes = 0;
  const start = (): Promise<VenueEnd> =>
    connectVenue({
      connections: found.connections,
      open: (connection, heard) => (connection.entry === 'rest' ? polls : sockets)(connection, heard),
      sink: given.sink ?? {
        put: (records) => {
          taken.push(...records);
          records.forEach(arrived.put);
          return Promise.resolve([]);
        },
      },
      clock,
      tell: told.tell,
      flush: () => (flushes += 1),
      pollEveryMs: 10_000,
      drainMs: 25_000,
      endsOnFailure: given.endsOnFailure ?? false,
      summaryEveryMs: 60_000,
      signal: stop.signal,
    });
  /** Moves the clock to an instant, running what is due. */
  const moveTo = (atMs: number): void => {
    while (clock.step(atMs));
    clock.jump(atMs);
  };
  return {
    ...{ venue, clock, told, taken, stop, start, moveTo },
    flushes: () => flushes,
    arrival: async (): Promise<Event> => JSON.parse((await arrived.next()).body) as Event,
    /** Starts, and answers the first connection once it is subscribed. */
    running: async (): Promise<{ end: Promise<VenueEnd>; client: VenueClient }> => {
      const end = start();
      const client = await venue.next();
      await told.until(/"state":"running"/);
      return { end, client };
    },
  };
};

/** A sink that takes nothing until it is told. */
const slowSink = () => {
  const taken: MarketRecord[] = [];
  const asked = queueOf<() => void>();
  const sink: MarketSink = {
    put: (records) =>
      new Promise((resolve) =>
        asked.put(() => {
          taken.push(...records);
          resolve([]);
        }),
      ),
  };
  return { sink, taken, release: async () => (await asked.next())() };
};

const idsOf = (records: readonly MarketRecord[]) =>
  records.map(({ body }) => Number((JSON.parse(body) as Event).source_event_id));

describe('a venue that is read', () => {
  it('is asked for what the configuration lists, and every message becomes its events, received once', async () => {
    const at = await reading({
      channels: [
        'trades',
        'candle_3m',
        'book_top',
        'book_delta',
        'mark_price',
        'liquidation',
        'open_interest',
      ],
    });
    const end = at.start();
    const clients = [await at.venue.next(), await at.venue.next()];
    const asked = Object.fromEntries(
      await Promise.all(clients.map(async ({ path, asked: of }) => [path, await of])),
    );
    expect(asked).toEqual({
      '/public/stream': ['btcusdt@bookTicker', 'btcusdt@depth@100ms'],
      '/market/stream': ['aggTrade', 'kline_3m', 'markPrice@1s', 'forceOrder'].map(
        (name) => `btcusdt@${name}`,
      ),
    });
    expect(await at.arrival()).toMatchObject({ event_type: 'OpenInterest', channel: 'open_interest' });
    expect(at.venue.polls).toEqual(['/fapi/v1/openInterest?symbol=BTCUSDT']);

    at.clock.jump(START_MS + 7);
    const samples = readFileSync(inProject('events/venues/binance-usdm.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .slice(0, 6);
    const types: string[] = [];
    for (const line of samples) {
      const { stream, raw_payload: payload } = JSON.parse(line) as { stream: string; raw_payload: string };
      const isBook = stream === 'bookTicker' || stream === 'depth@100ms';
      clients
        .find(({ path }) => path.startsWith(isBook ? '/public' : '/market'))
        ?.say(`btcusdt@${stream}`, payload);
      const first = await at.arrival();
      types.push(first.event_type);
      expect(first.recv_ts_ms).toBe(START_MS + 7);
      if (stream === 'markPrice@1s')
        types.push((await at.arrival()).event_type, (await at.arrival()).event_type);
    }
    expect(types).toEqual([
      ...['TradeTick', 'Candle', 'BookTop', 'BookDelta', 'MarkPrice', 'IndexPrice', 'FundingRate'],
      'LiquidationPrint',
    ]);
    expect(at.taken.at(-1)?.partitionKey).toBe('binance|BTC-PERP|liquidation');

    at.stop.abort();
    expect(await end).toMatchObject({ readCount: 9, lostCount: 0 });
  });

  it('is subscribed again after it closed, and the gap is told', async () => {
    const at = await reading();
    const { end, client } = await at.running();
    at.clock.jump(START_MS + 6_000);
    client.say(TRADES, trade(1));
    await at.arrival();
    at.clock.jump(START_MS + 6_500);
    client.socket.close(1001, 'maintenance');
    expect(await at.told.until(/"reconnecting"/)).toContain(
      '"reconnect_count":1,"error_detail":"the venue closed the connection: 1001 maintenance"',
    );
    at.moveTo(START_MS + 6_750);
    const again = await at.venue.next();
    expect(await again.asked).toEqual([TRADES]);
    expect(await at.told.until(/"state":"running"/)).toContain('"reconnect_count":1,"gap_ms":750');
    again.say(TRADES, trade(2));
    expect((await at.arrival()).source_event_id).toBe('2');
    at.stop.abort();
    expect(await end).toMatchObject({ readCount: 2, lostCount: 0 });
  });

  it('is given up and read anew when it says nothing for the read timeout', async () => {
    const at = await reading();
    const { end } = await at.running();
    at.moveTo(START_MS + 29_999);
    expect(at.told.all.join()).not.toContain('reconnecting');
    at.moveTo(START_MS + 30_000);
    expect(await at.told.until(/"reconnecting"/)).toContain('nothing was read for 30000 ms');
    at.moveTo(START_MS + 30_250);
    await at.venue.next();
    expect(await at.told.until(/"state":"running"/)).toContain('"gap_ms":30250');
    at.stop.abort();
    await end;
  });

  it('ends the process when it never confirms, after five tries', async () => {
    const at = await reading();
    at.venue.confirm = undefined;
    const end = at.start();
    let nowMs = START_MS;
    for (const delayMs of [250, 500, 1_000, 2_000, 0]) {
      await (
        await at.venue.next()
      ).asked;
      at.moveTo((nowMs += 10_000));
      at.moveTo((nowMs += delayMs));
    }
    expect(await end).toMatchObject({
      readCount: 0,
      lostCount: 0,
      failure: 'not subscribed within 10000 ms',
    });
    expect(at.told.all.filter((text) => text.includes('market_data.transport.reconnects'))).toHaveLength(4);
    expect(await at.told.until(/cadence_summary/)).toContain('"adapter_status":"failed"');
  });

  it('that refuses what is asked is tried again, and so is one that nobody finds', async () => {
    const at = await reading({ limits: { retry: { min_delay_ms: 1, max_delay_ms: 1, max_attempts: 2 } } });
    at.venue.confirm = '{"error":{"code":2,"msg":"no such stream"},"id":1}';
    const end = at.start();
    await at.venue.next();
    expect(await at.told.until(/"reconnecting"/)).toContain('no such stream');
    at.moveTo(START_MS + 1);
    expect((await end).failure).toContain('no such stream');
  });

  it('may say what nobody understands: it is kept as a failure, and what follows is read', async () => {
    const at = await reading();
    const { end, client } = await at.running();
    client.socket.send('garbage');
    client.socket.send(Buffer.from([0xff, 0xfe]));
    client.say(TRADES, '{"p":"none"}');
    client.say(TRADES, trade(1));
    const types = [await at.arrival(), await at.arrival(), await at.arrival(), await at.arrival()];
    expect(types.map(({ event_type: type }) => type)).toEqual([
      ...['DecodeFailure', 'DecodeFailure', 'DecodeFailure'],
      'TradeTick',
    ]);
    expect(at.told.all.filter((text) => text.includes('market_data.decode_failure'))).toHaveLength(3);
    at.stop.abort();
    await end;
  });

  it('loses its connection with a message that is too long', async () => {
    const at = await reading();
    const { end, client } = await at.running();
    client.socket.send('x'.repeat(262_145));
    expect(await at.told.until(/"reconnecting"/)).toContain('Max payload size exceeded');
    at.stop.abort();
    await end;
  });

  it('is summed up for each symbol, and counted anew', async () => {
    const at = await reading();
    const { end, client } = await at.running();
    client.say(TRADES, trade(3));
    client.say(TRADES, '7');
    await at.arrival();
    await at.arrival();
    // Read again before the minute is over, so that its silence is none.
    at.clock.jump(START_MS + 29_000);
    client.say(TRADES, trade(4));
    await at.arrival();
    at.moveTo(START_MS + 58_000);
    client.say(TRADES, trade(5));
    await at.arrival();
    at.moveTo(START_MS + 60_000);
    expect(await at.told.until(/cadence_summary/)).toContain(
      '"source_id":"binance","symbol":"BTC-PERP","adapter_status":"running","raw_events_ingested":4,"decode_failures":1,"first_event_timestamp_ms":3,"last_event_timestamp_ms":5',
    );
    expect(await at.told.until(/market_data\.transport\.state/)).toContain('"value":1');
    expect(at.flushes()).toBe(1);
    at.stop.abort();
    await end;
    expect(await at.told.until(/cadence_summary/)).toContain(
      '"adapter_status":"stopped","raw_events_ingested":0',
    );
    expect(at.flushes()).toBe(2);
  });

  it('is told of by the newest event of each type, and how many there were', async () => {
    const at = await reading({ channels: ['trades', 'candle_3m'] });
    const { end, client } = await at.running();
    client.say(TRADES, trade(3));
    client.say(TRADES, '7');
    client.say(TRADES, trade(4));
    for (let events = 0; events < 3; events++) await at.arrival();
    at.stop.abort();
    await end;
    const of = (type: string, rest: string) =>
      `"fields":{"source_id":"binance","symbol":"BTC-PERP","channel":"trades","event_type":"${type}",${rest}}`;
    expect(at.told.all.filter((text) => text.includes('"market_data.event"'))).toEqual([
      expect.stringContaining(of('TradeTick', `"recv_ts_ms":${START_MS},"exchange_ts_ms":4,"count":2`)),
      expect.stringContaining(
        of('DecodeFailure', `"recv_ts_ms":${START_MS},"exchange_ts_ms":null,"count":1`),
      ),
    ]);
  });

  it('that says nothing but garbage has so many lines for it from one summary to the next', async () => {
    const at = await reading();
    const { end, client } = await at.running();
    for (let frames = 0; frames < 120; frames++) client.socket.send('garbage');
    for (let frames = 0; frames < 120; frames++) await at.arrival();
    const told = () => at.told.all.filter((text) => text.includes('market_data.decode_failure"'));
    expect(told()).toHaveLength(100);
    at.clock.jump(START_MS + 20_000);
    client.socket.send('garbage');
    await at.arrival();
    at.moveTo(START_MS + 49_000);
    client.socket.send('garbage');
    await at.arrival();
    at.moveTo(START_MS + 60_000);
    expect(await at.told.until(/"symbol":"unknown","adapter_status"/)).toContain(
      '"adapter_status":"running","raw_events_ingested":122,"decode_failures":122',
    );
    client.socket.send('garbage');
    await at.arrival();
    expect(told()).toHaveLength(101);
    at.stop.abort();
    await end;
    expect(await at.told.until(/"symbol":"unknown","adapter_status"/)).toContain('"stopped"');
  });

  it('is not read at all when the signal came before', async () => {
    const at = await reading();
    at.stop.abort();
    expect(await at.start()).toEqual({
      ...{ readCount: 0, lostCount: 0, isCutShort: false },
      adapters: { failedCount: 0, count: 1 },
    });
  });
});

describe('an adapter that has failed', () => {
  const limits = { retry: { min_delay_ms: 1, max_delay_ms: 1, max_attempts: 1 } };

  it('leaves the others reading, and is told when they are stopped', async () => {
    const at = await reading({ channels: ['trades', 'open_interest'], limits });
    at.venue.answer = (_request, response) => response.writeHead(400).end('{"msg":"Invalid symbol."}');
    const { end, client } = await at.running();
    expect(await at.told.until(/"failed"/)).toContain('"channel":"open_interest"');
    client.say(TRADES, trade(1));
    await at.arrival();
    at.moveTo(START_MS + 29_000);
    at.stop.abort();

    expect(await end).toMatchObject({
      ...{ readCount: 1, lostCount: 0, adapters: { failedCount: 1, count: 2 } },
      failure: 'the venue answered 400: {"msg":"Invalid symbol."}',
    });
    expect(await at.told.until(/cadence_summary/)).toContain('"adapter_status":"failed"');
    expect(await at.told.until(/market_data\.transport\.state/)).toContain('"value":0');
  });

  it('ends the process when it is the last one', async () => {
    const at = await reading({ channels: ['trades', 'book_top'], limits });
    const end = at.start();
    const clients = [await at.venue.next(), await at.venue.next()];
    await at.told.until(/"state":"running"/);
    await at.told.until(/"state":"running"/);
    for (const client of clients) {
      client.socket.close(1001, 'bye');
      await at.told.until(/"failed"/);
    }
    expect((await end).adapters).toEqual({ failedCount: 2, count: 2 });
  });

  it('ends the others where that is asked for', async () => {
    const at = await reading({ channels: ['trades', 'open_interest'], limits, endsOnFailure: true });
    at.venue.answer = (_request, response) => response.writeHead(500).end();
    expect(await at.start()).toMatchObject({
      ...{ failure: 'the venue answered 500', adapters: { failedCount: 1, count: 2 } },
    });
  });

  it('is tried again when the venue says so while it is connected to', async () => {
    const venue = createServer((_request, response) => response.writeHead(200).end()).on(
      'upgrade',
      (_request, socket: Socket) =>
        socket.end('HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n'),
    );
    await new Promise<void>((resolve) => venue.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void venue.close());
    const { port } = venue.address() as AddressInfo;
    const at = await reading({ websocketUrl: `ws://127.0.0.1:${port}` });
    const end = at.start();
    expect(await at.told.until(/"reconnecting"/)).toContain('the venue answered 429: not before 60000 ms');
    at.moveTo(START_MS + 59_999);
    expect(at.told.all.filter((text) => text.includes('reconnects'))).toHaveLength(1);
    at.moveTo(START_MS + 60_000);
    await at.told.until(/"reconnect_count":2/);
    at.stop.abort();
    await end;
  });
});

describe('open interest', () => {
  it('is asked for each ten seconds, and again after a failure', async () => {
    const at = await reading({ channels: ['open_interest'] });
    const end = at.start();
    await at.arrival();
    at.moveTo(START_MS + 9_999);
    expect(at.venue.polls).toHaveLength(1);
    at.moveTo(START_MS + 10_000);
    await at.arrival();
    at.venue.answer = (_request, response) => response.writeHead(429).end('slow down');
    at.moveTo(START_MS + 20_000);
    expect(await at.told.until(/"reconnecting"/)).toContain(
      '"error_detail":"the venue answered 429: slow down"',
    );
    at.venue.answer = (_request, response) => response.end('[]');
    at.moveTo(START_MS + 20_250);
    expect((await at.arrival()).event_type).toBe('DecodeFailure');
    expect(await at.told.until(/"reconnect_count":1,"gap_ms"/)).toContain('"gap_ms":10250');
    at.stop.abort();
    await end;
  });

  it('is not asked for while the venue asks for silence, by any symbol', async () => {
    const at = await reading({ channels: ['open_interest'], symbols: { BTCUSDT: 'BTC', ETHUSDT: 'ETH' } });
    const end = at.start();
    await at.arrival();
    await at.arrival();
    expect(at.venue.polls).toHaveLength(2);
    const askedForOther = new Promise<void>((resolve) => {
      at.venue.answer = (request, response) => {
        if (!String(request.url).includes('BTC')) resolve();
        else response.writeHead(418, { 'retry-after': '120' }).end('banned');
      };
    });
    at.moveTo(START_MS + 10_000);
    expect(await at.told.until(/"reconnecting"/)).toContain(
      '"error_detail":"the venue answered 418: banned: not before 120000 ms"',
    );
    // The question for the other symbol was on its way, and is given up.
    await askedForOther;
    at.moveTo(START_MS + 40_000);
    expect(await at.told.until(/"symbol":"ETH".*"reconnecting"/)).toContain('nothing was read');
    at.moveTo(START_MS + 40_250);
    expect(await at.told.until(/"symbol":"ETH".*"reconnecting"/)).toContain(
      'asked another symbol for silence',
    );
    at.moveTo(START_MS + 129_999);
    expect(at.venue.polls).toHaveLength(4);

    at.venue.answer = (_request, response) => response.end('{"openInterest":"7","time":1}');
    at.moveTo(START_MS + 130_000);
    await at.arrival();
    await at.arrival();
    at.stop.abort();
    expect(await end).toMatchObject({ readCount: 4 });
  });

  it('is asked for no more often by a sink that is full and free by turns', async () => {
    const slow = slowSink();
    const limits = { backpressure: { policy: 'block', max_pending: 1 } };
    const at = await reading({ channels: ['open_interest'], limits, sink: slow.sink });
    const end = at.start();
    await at.told.until(/backpressure.count/);
    at.clock.jump(START_MS + 4_000);
    await slow.release();
    await at.told.until(/backpressure.blocked_ms/);
    at.moveTo(START_MS + 9_999);
    expect(at.venue.polls).toHaveLength(1);
    at.moveTo(START_MS + 10_000);
    await at.told.until(/backpressure.count/);
    expect(at.venue.polls).toHaveLength(2);
    await slow.release();
    at.stop.abort();
    await end;
  });

  it('that is asked for more seldom than the read timeout is none the less read', async () => {
    const limits = { read_timeout_ms: 2_000 };
    const at = await reading({ channels: ['open_interest'], limits });
    const end = at.start();
    await at.arrival();
    at.moveTo(START_MS + 10_000);
    await at.arrival();
    at.venue.answer = () => undefined;
    at.moveTo(START_MS + 21_999);
    expect(at.told.all.join()).not.toContain('reconnecting');
    at.moveTo(START_MS + 22_000);
    expect(await at.told.until(/"reconnecting"/)).toContain('nothing was read for 12000 ms');
    at.stop.abort();
    await end;
  });

  it('that is not answered, or with too much, is given up', async () => {
    const at = await reading({ channels: ['open_interest'] });
    at.venue.answer = (_request, response) => response.end('x'.repeat(65_537));
    const end = at.start();
    expect(await at.told.until(/"reconnecting"/)).toContain('more than 65536 bytes');
    const asked = new Promise<void>((resolve) => (at.venue.answer = () => resolve()));
    at.moveTo(START_MS + 250);
    await asked;
    at.moveTo(START_MS + 10_250);
    expect(await at.told.until(/"reconnecting"/)).toContain('not subscribed within 10000 ms');
    at.venue.answer = (request) => void request.socket.destroy();
    at.moveTo(START_MS + 10_750);
    expect(await at.told.until(/"reconnecting"/)).toContain('fetch failed: ');
    at.stop.abort();
    await end;
  });
});

describe('a sink that is slow', () => {
  it('ends the adapter by the policy fail, and what was read is written', async () => {
    const slow = slowSink();
    const backpressure = { policy: 'fail', max_pending: 2 };
    const at = await reading({ limits: { backpressure }, sink: slow.sink });
    const { end, client } = await at.running();
    client.say(TRADES, trade(1));
    client.say(TRADES, trade(2));
    expect(await at.told.until(/"failed"/)).toContain('backpressure: the sink is full');
    await slow.release();
    await slow.release();
    expect(await end).toMatchObject({
      readCount: 2,
      lostCount: 0,
      failure: 'backpressure: the sink is full',
    });
    expect(idsOf(slow.taken)).toEqual([1, 2]);
  });

  it('holds back what is read by the policy block, and nothing is lost', async () => {
    const slow = slowSink();
    const backpressure = { policy: 'block', max_pending: 2, max_block_ms: 5_000 };
    const at = await reading({ limits: { backpressure }, sink: slow.sink });
    const { end, client } = await at.running();
    for (let id = 1; id <= 2; id++) client.say(TRADES, trade(id));
    await at.told.until(/backpressure.count/);
    client.say(TRADES, trade(3));
    at.clock.jump(START_MS + 4_999);
    await slow.release();
    expect(await at.told.until(/backpressure.blocked_ms/)).toContain('"value":4999');
    while (slow.taken.length < 3) await slow.release();
    at.stop.abort();
    expect(await end).toMatchObject({ readCount: 3, lostCount: 0 });
    expect(idsOf(slow.taken)).toEqual([1, 2, 3]);
  });

  it('that stays full for longer ends the adapter as well', async () => {
    const slow = slowSink();
    const backpressure = { policy: 'block', max_pending: 1, max_block_ms: 5_000 };
    const at = await reading({ channels: ['open_interest'], limits: { backpressure }, sink: slow.sink });
    const end = at.start();
    await at.told.until(/backpressure.count/);
    at.moveTo(START_MS + 5_000);
    await at.told.until(/the sink was full for 5000 ms/);
    await slow.release();
    expect(await end).toMatchObject({ readCount: 1, lostCount: 0 });
  });

  it('holds back polls too', async () => {
    const slow = slowSink();
    const backpressure = { policy: 'block', max_pending: 1 };
    const at = await reading({ channels: ['open_interest'], limits: { backpressure }, sink: slow.sink });
    const end = at.start();
    await at.told.until(/backpressure.count/);
    at.moveTo(START_MS + 50_000);
    expect(at.venue.polls).toHaveLength(1);
    await slow.release();
    await at.told.until(/backpressure.blocked_ms/);
    at.moveTo(START_MS + 50_000);
    await at.told.until(/backpressure.count/);
    expect(at.venue.polls).toHaveLength(2);
    await slow.release();
    at.stop.abort();
    expect(await end).toMatchObject({ readCount: 2, lostCount: 0 });
  });

  it('that takes nothing more is given so long at the end, and what it has not taken is lost', async () => {
    const slow = slowSink();
    const at = await reading({ sink: slow.sink });
    const { end, client } = await at.running();
    client.say(TRADES, trade(1));
    client.say(TRADES, '{"a":2}');
    await at.told.until(/decode_failure/);
    at.stop.abort();
    await at.told.until(/"stopped"/);
    at.moveTo(START_MS + 24_999);
    expect(at.flushes()).toBe(0);
    at.moveTo(START_MS + 25_000);

    expect(await end).toMatchObject({
      ...{ readCount: 2, lostCount: 2, isCutShort: true },
      sinkFault: 'the sink has not taken them within 25000 ms',
    });
  });

  it('that cannot be written at all ends the process, which tells what is lost', async () => {
    const sink: MarketSink = { put: () => Promise.reject(new Error('no such stream')) };
    const at = await reading({
      limits: { retry: { min_delay_ms: 5, max_delay_ms: 5, max_attempts: 1 } },
      sink,
    });
    const { end, client } = await at.running();
    client.say(TRADES, trade(1));
    expect(await end).toMatchObject({
      readCount: 1,
      lostCount: 1,
      failure: 'the sink cannot be written: Error: no such stream',
      sinkFault: 'the sink cannot be written: Error: no such stream',
    });
    expect(await at.told.until(/"failed"/)).toContain('no such stream');
  });
});
