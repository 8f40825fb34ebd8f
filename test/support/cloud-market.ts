/** The market side of a test cloud: feeds, records put on the stream, and what comes out. */
import { EngineRunPage } from '#contracts/market/engine-run.ts';
import type { ChunkRef, EngineRunView } from '#contracts/market/engine-run.ts';
import { FeedView } from '#contracts/market/feed-view.ts';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import type { BufferedRecord } from '#domain/market/chunk.ts';
import { feedStream } from '#domain/market/streams.ts';
import { chunkReader } from '#functions/shared/market-chunks.ts';
import { readEvents } from '#functions/shared/read-events.ts';
import type { Cloud } from '#local/boot/cloud.ts';
import type { Json } from '#local/kernel/engine.ts';
import { inMain } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import { ledgerOf } from '#test/support/cloud-stores.ts';

/** A record as the producer puts it. */
export interface Put {
  readonly data: string | Uint8Array;
  readonly partitionKey: string;
}

/** A feed of two symbols of source `venue`, with boundaries each minute; its clock is the record's. */
export const minuteFeed = (more: object = {}): object => ({
  sources: [{ source_id: 'venue', symbols: ['AAA', 'BBB'] }],
  scheduler: { mode: 'boundary', boundary_interval_ms: 60_000, boundary_delay_ms: 0 },
  engine: { engine_mode: 'truth' },
  clock: 'record',
  ...more,
});

/** Creates and starts a feed, and waits until the list that ingestion reads has it. */
export const startFeed = async (api: Api, feedId = 'feed', config: object = minuteFeed()): Promise<void> => {
  await api.must('PUT', inMain(`/feeds/${feedId}`), config);
  await api.cloud.settle();
};

/** A RawMarketEvent as a producer sends it. */
export const marketEvent = (
  at: { readonly symbol: string; readonly recvTsMs: number; readonly sourceId?: string },
  eventType: string,
  normalized: object,
): Put => {
  const { symbol, recvTsMs, sourceId = 'venue' } = at;
  return {
    partitionKey: `${sourceId}|${symbol}|${eventType}`,
    data: JSON.stringify({
      schema: 'raw_market_event',
      schema_version: '1',
      event_type: eventType,
      source_id: sourceId,
      symbol,
      exchange_ts_ms: recvTsMs,
      recv_ts_ms: recvTsMs,
      raw_payload: '{}',
      normalized,
    }),
  };
};

/** A trade. */
export const trade = (symbol: string, recvTsMs: number, price = 100): Put =>
  marketEvent({ symbol, recvTsMs }, 'TradeTick', { price, quantity: 1, side: 'buy' });

/** The snapshot inputs of a boundary, received at the given instant. */
export const snapshotInputs = (symbol: string, boundaryMs: number, recvTsMs: number, price = 100): Put =>
  marketEvent({ symbol, recvTsMs }, 'SnapshotInputs', { timestamp_ms: boundaryMs, market: { price } });

const MARKET_STREAM = 'sluice-dev-market-events';
const OUTPUT_STREAM = 'sluice-dev-orchestrator-events';
const PUT_MAX = 500;

/** Puts records in order, like a producer: as many at once as the service takes, and again what it refused. */
export const putRecords = async (cloud: Cloud, records: readonly Put[]): Promise<void> => {
  for (let start = 0; start < records.length; start += PUT_MAX) {
    const Records = records.slice(start, start + PUT_MAX).map(({ data, partitionKey }) => ({
      Data: Buffer.from(data).toString('base64'),
      PartitionKey: partitionKey,
    }));
    const answer = await cloud.call('kinesis', 'PutRecords', { StreamName: MARKET_STREAM, Records });
    if (answer['FailedRecordCount'] !== 0) throw new Error(`records were refused: ${JSON.stringify(answer)}`);
  }
};

/** Everything on a stream, read from its beginning. */
export const readStream = async (cloud: Cloud, StreamName: string): Promise<readonly string[]> =>
  (await readShards(cloud, StreamName)).flat();

/** Everything on each shard of a stream, in its order. */
export const readShards = async (
  cloud: Cloud,
  StreamName: string,
): Promise<readonly (readonly string[])[]> => {
  const { Shards } = await cloud.call('kinesis', 'ListShards', { StreamName });
  const shards: string[][] = [];
  for (const { ShardId } of Shards as readonly { ShardId: string }[]) {
    const data: string[] = [];
    let { ShardIterator } = await cloud.call('kinesis', 'GetShardIterator', {
      StreamName,
      ShardId,
      ShardIteratorType: 'TRIM_HORIZON',
    });
    for (;;) {
      const page: Json = await cloud.call('kinesis', 'GetRecords', { ShardIterator });
      const records = page['Records'] as readonly { readonly Data: string }[];
      if (records.length === 0) break;
      data.push(...records.map(({ Data }) => Buffer.from(Data, 'base64').toString('utf8')));
      ShardIterator = page['NextShardIterator'];
    }
    shards.push(data);
  }
  return shards;
};

/** The published orchestrator events in the order of the stream. */
export const published = async (cloud: Cloud): Promise<readonly OrchestratorEvent[]> =>
  (await readStream(cloud, OUTPUT_STREAM)).map((text) => OrchestratorEvent.parse(JSON.parse(text)));

/** Published events as comparable texts, each once, however often it was delivered, in order of first delivery. */
export const distinct = (events: readonly OrchestratorEvent[]): readonly string[] => [
  ...new Set(events.map((event) => JSON.stringify(event))),
];

/** The distinct events of one symbol, in order of first delivery, as `run end type`. */
export const orderOf = (events: readonly OrchestratorEvent[], symbol: string): readonly string[] =>
  distinct(events.filter((event) => event.symbol === symbol));

/** A feed as the ledger has it. */
export const readFeed = async (api: Api, feedId = 'feed'): Promise<FeedView> =>
  FeedView.parse(await api.must('GET', inMain(`/feeds/${feedId}`)));

/** The buffer of a symbol as the ledger has it, in ingest order. */
export const buffered = async (
  cloud: Cloud,
  symbol: string,
  feedId = 'feed',
): Promise<readonly BufferedRecord[]> => {
  const ledger = ledgerOf(cloud);
  const stream = feedStream({ tenantId: 'local', workspaceId: 'main', feedId });
  const chunks = (await readEvents(ledger, stream, 1))
    .filter(({ type }) => type === 'RecordsIngested')
    .map(({ data }) => data['chunk'] as ChunkRef);
  return chunkReader(ledger)({ feedStream: stream, symbol }, chunks, [1, Number.MAX_SAFE_INTEGER]);
};

/** Every engine run of a feed, newest first. */
export const engineRuns = async (api: Api, feedId = 'feed'): Promise<readonly EngineRunView[]> => {
  const runs: EngineRunView[] = [];
  let cursor = '';
  for (;;) {
    const page = EngineRunPage.parse(
      await api.must('GET', inMain(`/feeds/${feedId}/runs?limit=200${cursor}`)),
    );
    runs.push(...page.runs);
    if (page.nextCursor === undefined) return runs;
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
};

/** Takes what lies in a queue. */
export const receiveAll = async (cloud: Cloud, queue: string): Promise<readonly Json[]> => {
  const QueueUrl = `http://127.0.0.1/000000000000/sluice-dev-${queue}`;
  const bodies: Json[] = [];
  for (;;) {
    const { Messages = [] } = await cloud.call('sqs', 'ReceiveMessage', {
      QueueUrl,
      MaxNumberOfMessages: 10,
    });
    const messages = Messages as readonly { readonly Body: string; readonly ReceiptHandle: string }[];
    if (messages.length === 0) return bodies;
    for (const { Body, ReceiptHandle } of messages) {
      bodies.push(JSON.parse(Body) as Json);
      await cloud.call('sqs', 'DeleteMessage', { QueueUrl, ReceiptHandle });
    }
  }
};
