/** What ingestion does when a feed moves under it, refuses a batch, or does not move when it is asked to. */
import type { KinesisStreamRecord } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import type { CommandOutcome } from '#domain/kernel/commit.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import type { Feed } from '#domain/market/feed/state.ts';
import { ingestBatch } from '#functions/ingest-market/ingest-market.ts';
import type { IngestPorts } from '#functions/ingest-market/ingest-market.ts';
import { adaptersOf, witness } from '#test/support/ledger.ts';
import { demoConfig, FEED_STREAM, FeedHarness, marketEvent } from '#test/support/market-harness.ts';
import { localStage } from '#test/support/ports.ts';

const record = (sequence: number): KinesisStreamRecord =>
  ({
    eventID: `shard:${sequence}`,
    kinesis: {
      sequenceNumber: String(sequence),
      partitionKey: 'key',
      approximateArrivalTimestamp: 1,
      data: Buffer.from(JSON.stringify(marketEvent({ recv_ts_ms: sequence }))).toString('base64'),
    },
  }) as unknown as KinesisStreamRecord;

type Outcome = CommandOutcome<Feed>;
type Answer = (command: string, count: number, feed: FeedHarness) => Outcome;

const refusal = (code: 'contention' | 'feed_state_conflict', state: Feed): Outcome => ({
  kind: 'rejected',
  rejection: { code, message: `${code} it is` },
  state,
  version: 1,
});
const committed = (state: Feed): Outcome =>
  ({ kind: 'committed', state, events: [], version: 1 }) as unknown as Outcome;

/** Ingests one batch against a feed whose mailbox answers so. */
const ingesting = async (answer: Answer, more: Partial<IngestPorts> = {}) => {
  const feed = new FeedHarness(demoConfig());
  const asked: string[] = [];
  const telemetry = witness();
  const { ledger } = adaptersOf(await localStage());
  const ports: IngestPorts = {
    ledger,
    telemetry,
    mailbox: {
      send: (_, { command }) => {
        asked.push(command.type);
        const outcome = answer(command.type, asked.length, feed);
        if (outcome.kind === 'committed' && command.type === 'IngestBatch') feed.send(command as never);
        return Promise.resolve({ ...outcome, state: feed.state } as never);
      },
    },
    loadFeed: () => Promise.resolve(feed.state),
    feeds: () => {
      const feeds = [{ feedId: 'demo', stream: FEED_STREAM, config: demoConfig() }];
      return { list: () => Promise.resolve(feeds), listAfresh: () => Promise.resolve(feeds) };
    },
    reloadFeed: () => Promise.reject(new Error('unused')),
    release: { releaseDocument: () => Promise.reject(new Error('unused')) },
    refuse: () => Promise.resolve(),
    engineDepth: () => Promise.resolve(0),
    sleep: () => Promise.resolve(),
    remainingMs: () => 60_000,
    nowMs: () => 0,
    ...more,
  };
  const done = ingestBatch(ports, [record(1), record(2)]);
  await done.catch(() => undefined);
  return { done, asked, telemetry };
};

describe('a batch', () => {
  it('is planned again when the feed has moved, and counted once', async () => {
    const { done, asked, telemetry } = await ingesting((_, count, { state }) =>
      count <= 2 ? refusal('contention', state) : committed(state),
    );

    await done;
    expect(asked).toEqual(['IngestBatch', 'IngestBatch', 'IngestBatch']);
    expect(telemetry.counted.get('orchestrator.ingest.count')).toBe(2);
  });

  it('is given back to the stream when the feed never stands still', async () => {
    const { done, asked } = await ingesting((_, __, { state }) => refusal('contention', state));

    await expect(done).rejects.toThrow(`${FEED_STREAM} refused a batch: it moved each time`);
    expect(asked).toHaveLength(21);
  });

  it('is given back to the stream at once when the feed refuses it', async () => {
    const { done, asked } = await ingesting((_, __, { state }) => refusal('feed_state_conflict', state));

    await expect(done).rejects.toThrow('refused a batch: feed_state_conflict it is');
    expect(asked).toHaveLength(1);
  });

  it('of a feed that is not there is given back to the stream', async () => {
    const { done } = await ingesting(() => committed(feedAggregate.initialState()), {
      loadFeed: () => Promise.resolve(feedAggregate.initialState()),
    });

    await expect(done).rejects.toThrow(`there is no feed ${FEED_STREAM}`);
  });
});
