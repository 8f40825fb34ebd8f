/** Trades of many symbols as a venue would send them, in ticks of a few seconds, and where the stream takes them. */
import type { Cloud } from '#local/boot/cloud.ts';
import { drained } from '#bench/bench-cloud.ts';
import type { BenchCloud } from '#bench/bench-cloud.ts';

/** The feed that is measured. */
export const FEED = 'bench';
/** Its symbols. */
export const SYMBOLS = 10;
const START_MS = 1_767_225_600_000;
/** Where its schedule has a boundary. */
export const BOUNDARY_MS = 60_000;

const symbolAt = (index: number): string => `S${index % SYMBOLS}`;

/** Creates the feed; `over` are members of its configuration. */
export const createFeed = async (bench: BenchCloud, over: object = {}): Promise<void> => {
  await bench.ask('PUT', `/v1/workspaces/main/feeds/${FEED}`, {
    sources: [{ source_id: FEED, symbols: Array.from({ length: SYMBOLS }, (_, index) => symbolAt(index)) }],
    scheduler: { mode: 'boundary', boundary_interval_ms: BOUNDARY_MS, boundary_delay_ms: 0 },
    engine: { engine_mode: 'truth' },
    engine_options: { snapshot_source: 'composer' },
    clock: 'record',
    ...over,
  });
  // Ingestion finds feeds where they are listed, a moment after they were created.
  await drained(bench);
};

/** A record of the market stream. */
export interface MarketRecord {
  readonly Data: string;
  readonly PartitionKey: string;
}

/** The trade that arrives at an instant of the feed, in milliseconds from its beginning. */
export const tradeAt = (index: number, atMs: number): MarketRecord => {
  const recv_ts_ms = START_MS + atMs;
  const event = {
    schema: 'raw_market_event',
    schema_version: '1',
    event_type: 'TradeTick',
    source_id: FEED,
    symbol: symbolAt(index),
    exchange_ts_ms: recv_ts_ms - 4,
    recv_ts_ms,
    channel: 'aggTrade',
    source_event_id: String(index),
    raw_payload: `{"e":"aggTrade","a":${index},"p":"93512.40","q":"0.250","T":${recv_ts_ms - 4},"m":true}`,
    normalized: { price: 93_512.4 + (index % 97), quantity: 0.25, side: index % 3 === 0 ? 'sell' : 'buy' },
  };
  return { Data: Buffer.from(JSON.stringify(event)).toString('base64'), PartitionKey: event.symbol };
};

const PUT_RECORDS_MAX = 500;

/** Puts records in order, in as few requests as the service allows. */
export const putRecords = async (cloud: Cloud, records: readonly MarketRecord[]): Promise<void> => {
  for (let start = 0; start < records.length; start += PUT_RECORDS_MAX) {
    const Records = records.slice(start, start + PUT_RECORDS_MAX);
    const answer = await cloud.call('kinesis', 'PutRecords', {
      StreamName: 'sluice-dev-market-events',
      Records,
    });
    if (answer['FailedRecordCount'] !== 0) throw new Error('records were refused');
  }
};
