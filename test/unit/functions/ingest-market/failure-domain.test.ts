/** The failure domain `ingest`: what ingestion does besides writing the buffer, and how it is tried again. */
import type { KinesisStreamRecord } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import type { Feed } from '#domain/market/feed/state.ts';
import { ingestBatch } from '#functions/ingest-market/ingest-market.ts';
import type { IngestPorts, RefusedLetter } from '#functions/ingest-market/ingest-market.ts';
import type { StartedFeed } from '#functions/ingest-market/started-feeds.ts';
import { adaptersOf, witness } from '#test/support/ledger.ts';
import { demoConfig, FEED_STREAM, FeedHarness, marketEvent } from '#test/support/market-harness.ts';
import { localStage } from '#test/support/ports.ts';

const OTHER_STREAM = 'feed#acme/prod/other';

const record = (sequence: number, over: object = {}): KinesisStreamRecord =>
  ({
    eventID: `shard:${sequence}`,
    kinesis: {
      sequenceNumber: String(sequence),
      partitionKey: 'key',
      approximateArrivalTimestamp: 1,
      data: Buffer.from(JSON.stringify(marketEvent({ recv_ts_ms: sequence, ...over }))).toString('base64'),
    },
  }) as unknown as KinesisStreamRecord;

/** Fails the first so many times it is asked, and answers from then on. */
const failing = <Result>(count: number, answer: () => Result): (() => Promise<Result>) => {
  let left = count;
  return () => (left-- > 0 ? Promise.reject(new Error('not now')) : Promise.resolve(answer()));
};

interface Given {
  readonly config?: FeedConfig;
  readonly failures?: number;
  readonly more?: Partial<IngestPorts>;
  readonly records?: readonly KinesisStreamRecord[];
}

/** Ingests a batch that two feeds take, the first of which cannot be read so many times. */
const ingesting = async ({ config = demoConfig(), failures = 0, more = {}, records }: Given) => {
  const feeds = new Map([
    [FEED_STREAM, new FeedHarness(config)],
    [OTHER_STREAM, new FeedHarness(demoConfig(), true, OTHER_STREAM)],
  ]);
  const stateOf = (stream: string): Feed => feeds.get(stream)?.state ?? { status: 'none' };
  const first = failing(failures, () => stateOf(FEED_STREAM));
  const waits: number[] = [];
  const letters: RefusedLetter[] = [];
  const telemetry = witness();
  const { ledger } = adaptersOf(await localStage());
  const list: readonly StartedFeed[] = [
    { feedId: 'demo', stream: FEED_STREAM, config },
    { feedId: 'other', stream: OTHER_STREAM, config: demoConfig() },
  ];
  const ports: IngestPorts = {
    ledger,
    telemetry,
    mailbox: {
      send: (_, { command, stream }) => {
        const feed = feeds.get(stream);
        const events = feed?.send(command as never) ?? [];
        return Promise.resolve({ kind: 'committed', state: feed?.state, events, version: 1 } as never);
      },
    },
    loadFeed: (stream) => (stream === FEED_STREAM ? first() : Promise.resolve(stateOf(stream))),
    feeds: () => ({ list: () => Promise.resolve(list), listAfresh: () => Promise.resolve(list) }),
    reloadFeed: () => Promise.reject(new Error('unused')),
    release: { releaseDocument: () => Promise.reject(new Error('unused')) },
    refuse: (refused) => Promise.resolve(void letters.push(...refused)),
    engineDepth: () => Promise.resolve(0),
    sleep: (waitMs) => Promise.resolve(void waits.push(waitMs)),
    remainingMs: () => 60_000,
    nowMs: () => 0,
    ...more,
  };
  const done = ingestBatch(ports, records ?? [record(1), record(2)]);
  await done.catch(() => undefined);
  const told = telemetry.logged.filter(({ message }) => message === 'orchestrator.failure');
  const takenBy = (stream: string) => feeds.get(stream)?.feed.lastSeq;
  return { done, waits, telemetry, told, letters, takenBy, typesOf: () => feeds.get(FEED_STREAM)?.events };
};

describe('ingestion of a feed that cannot be read', () => {
  it('is tried again after the delays of the feed, and says nothing once it works', async () => {
    const ingestion_retry = { min_delay_ms: 50, max_delay_ms: 80, max_attempts: 4 };
    const { done, waits, told, takenBy } = await ingesting({
      config: demoConfig({ ingestion_retry }),
      failures: 3,
    });

    await done;
    expect(waits).toEqual([50, 80, 80]);
    expect([takenBy(FEED_STREAM), takenBy(OTHER_STREAM)]).toEqual([2, 2]);
    expect(told).toEqual([]);
  });

  it('gives the batch back after its last try, leaves the feed as it was and keeps no other feed waiting', async () => {
    const { done, waits, told, telemetry, takenBy, typesOf } = await ingesting({ failures: 3 });

    await expect(done).rejects.toMatchObject({
      code: 'ingestion_failure',
      message: `ingestion retries exhausted: ${FEED_STREAM}: not now`,
    });
    expect(waits).toEqual([100, 200]);
    expect([takenBy(FEED_STREAM), takenBy(OTHER_STREAM)]).toEqual([0, 2]);
    expect(typesOf()?.map(({ type }) => type)).toEqual(['FeedCreated', 'FeedStarted']);
    expect(told).toEqual([
      {
        level: 'warn',
        message: 'orchestrator.failure',
        fields: {
          stream: FEED_STREAM,
          failure_domain: 'ingest',
          error_kind: 'ingestion_failure',
          error_detail: `ingestion retries exhausted: ${FEED_STREAM}: not now`,
        },
      },
    ]);
    expect(telemetry.counted.get('IngestionFailures')).toBe(1);
  });

  it('is tried once when its delays allow no second try', async () => {
    const ingestion_retry = { min_delay_ms: 100, max_delay_ms: 100, max_attempts: 3, max_elapsed_ms: 99 };
    const config = demoConfig({ ingestion_retry });

    expect((await ingesting({ config, failures: 0 })).takenBy(FEED_STREAM)).toBe(2);
    const { waits, takenBy } = await ingesting({ config, failures: 1 });
    expect([waits, takenBy(FEED_STREAM)]).toEqual([[], 0]);
  });

  it('waits as long as the invocation has time for another try, and not a moment longer', async () => {
    const ingestion_retry = { min_delay_ms: 40_000, max_delay_ms: 40_000, max_attempts: 9 };
    const config = demoConfig({ ingestion_retry });

    const intime = await ingesting({ config, failures: 1, more: { remainingMs: () => 60_000 } });
    expect([intime.waits, intime.takenBy(FEED_STREAM)]).toEqual([[40_000], 2]);
    const late = await ingesting({ config, failures: 1, more: { remainingMs: () => 59_999 } });
    expect([late.waits, late.takenBy(FEED_STREAM)]).toEqual([[], 0]);
  });
});

describe('ingestion of a batch that is not yet known to be of a feed', () => {
  const stranger = record(3, { source_id: 'nobody' });
  const feedsThatFail = (count: number): Partial<IngestPorts> => {
    const list = failing(count, (): readonly StartedFeed[] => [
      { feedId: 'demo', stream: FEED_STREAM, config: demoConfig() },
    ]);
    return { feeds: () => ({ list, listAfresh: list }) };
  };

  it('is tried again with the delays of the reference', async () => {
    const { done, waits, takenBy } = await ingesting({ more: feedsThatFail(2) });

    await done;
    expect([waits, takenBy(FEED_STREAM)]).toEqual([[100, 200], 2]);
  });

  it('is given back when the feeds cannot be listed', async () => {
    const { done, told, takenBy } = await ingesting({ more: feedsThatFail(3) });

    await expect(done).rejects.toThrow('ingestion retries exhausted: a batch: not now');
    expect(told[0]?.fields).toMatchObject({ stream: undefined, failure_domain: 'ingest' });
    expect(takenBy(FEED_STREAM)).toBe(0);
  });

  it('sends what nobody takes once every feed has its records, so that deliveries of a feed that waits repeat none', async () => {
    const full = demoConfig({ buffer_retention: { max_records: 1 } });
    const records = [record(1), record(2), stranger];
    const waiting = await ingesting({ config: full, records });
    await expect(waiting.done).rejects.toThrow('capacity exceeded');
    expect([waiting.letters, waiting.takenBy(OTHER_STREAM)]).toEqual([[], 2]);

    const taken = await ingesting({ records });
    await taken.done;
    expect(taken.letters).toHaveLength(1);
  });

  it('tries again to send what nobody takes, and the feeds go on when that is in vain', async () => {
    const sends = failing(1, () => undefined);
    const heals = await ingesting({ more: { refuse: sends }, records: [record(1), stranger] });
    expect([heals.waits, heals.telemetry.counted.get('RecordsRefused')]).toEqual([[100], 1]);

    const { done, takenBy, telemetry } = await ingesting({
      more: { refuse: failing(9, () => undefined) },
      records: [record(1), stranger],
    });
    await expect(done).rejects.toThrow('ingestion retries exhausted');
    expect(takenBy(FEED_STREAM)).toBe(1);
    expect(telemetry.counted.get('RecordsRefused')).toBeUndefined();
  });
});
