import type { KinesisStreamEvent } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RecordsIngested } from '#contracts/market/feed.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { createHandler as compactHandler } from '#functions/compact/handler.ts';
import { createHandler } from '#functions/ingest-market/handler.ts';
import { createHandler as sweepHandler } from '#functions/sweep/handler.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { adaptersOf, commandPorts, ledgerEvent, requestOf } from '#test/support/ledger.ts';
import { demoConfig, FEED_STREAM, marketEvent } from '#test/support/market-harness.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { queueEvent } from '#test/support/ports-assets.ts';

interface Sent {
  readonly sequence: number;
  readonly data: unknown;
}

/** Records of one shard as the mapping hands them over; text is sent as it is. */
const eventOf = (...records: readonly Sent[]): KinesisStreamEvent =>
  ({
    Records: records.map(({ sequence, data }) => ({
      eventID: `shardId-000000000000:${sequence}`,
      kinesis: {
        sequenceNumber: String(sequence),
        partitionKey: 'key',
        approximateArrivalTimestamp: (START_MS + sequence) / 1000,
        data: Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)).toString('base64'),
      },
    })),
  }) as unknown as KinesisStreamEvent;

const record = (sequence: number, over: object = {}): Sent => ({
  sequence,
  data: marketEvent({ recv_ts_ms: 1_000_000 + sequence, ...over }),
});

describe('ingesting market records', () => {
  let stage: LocalStage;
  let ingest: ReturnType<typeof createHandler>;
  beforeEach(async () => {
    stage = await localStage();
    await createFeed('demo');
    await compact();
    ingest = createHandler(stage.environment, stage.plugin);
  });

  const createFeed = async (feedId: string): Promise<void> => {
    const sources = [{ source_id: feedId === 'demo' ? 'venue' : 'other', symbols: ['AAA', 'BBB', 'CCC'] }];
    const command = { type: 'CreateFeed' as const, config: demoConfig({ sources }), start: true };
    await mailbox(commandPorts(stage)).send(feedAggregate, requestOf(`feed#acme/prod/${feedId}`, command));
  };
  const compact = () => compactHandler(stage.environment, stage.plugin)(ledgerEvent(stage));
  /** First and last number of what each commit took in. */
  const taken = async (stream = FEED_STREAM): Promise<readonly (readonly [number, number])[]> => {
    const commits = await adaptersOf(stage).ledger.read(stream, 1, 1_000);
    return commits
      .flatMap(({ events }) => events)
      .filter(({ type }) => type === 'RecordsIngested')
      .map(({ data }) => (data as unknown as RecordsIngested).chunk)
      .map(({ firstSeq, lastSeq }) => [firstSeq, lastSeq]);
  };
  const letters = async (): Promise<readonly unknown[]> =>
    (await stage.drain('market-dead-letters')).map(
      ({ Body }) => (JSON.parse(String(Body)) as { code: string }).code,
    );

  it('takes a batch in as one chunk and one commit', async () => {
    stage.requests();

    await ingest(eventOf(record(1), record(2), record(3)));

    expect(await taken()).toEqual([[1, 3]]);
    expect(stage.requests()['dynamodb.PutItem']).toBe(2);
  });

  it('takes nothing twice, whether redelivered whole, in part, or by another environment', async () => {
    await ingest(eventOf(record(1), record(2)));
    await ingest(eventOf(record(1), record(2)));
    await createHandler(stage.environment, stage.plugin)(eventOf(record(2), record(3)));

    expect(await taken()).toEqual([
      [1, 2],
      [3, 3],
    ]);
  });

  it('takes a batch again whose commit stood and whose answer was lost', async () => {
    stage.inject({
      service: 'dynamodb',
      operation: 'PutItem',
      resource: 'ledger',
      kind: 'lost-answer',
      calls: [2],
    });

    await ingest(eventOf(record(1), record(2)));
    await ingest(eventOf(record(1), record(2)));

    expect(await taken()).toEqual([[1, 2]]);
  });

  it('tells what it took in and what it could not decode, in the fields of the reference', async () => {
    const normalized = { error_kind: 'parse_error', error_detail: 'invalid price' };
    await ingest(
      eventOf(
        record(1, { exchange_ts_ms: 999_990 }),
        record(2, { event_type: 'DecodeFailure', symbol: 'BBB', exchange_ts_ms: null, normalized }),
        { sequence: 3, data: 'no JSON' },
      ),
    );

    const told = (message: string) => stage.lines().filter((line) => line['message'] === message);
    expect(told('orchestrator.ingest')).toMatchObject([
      {
        source_id: 'venue',
        symbol: 'AAA',
        ingest_seq: 3,
        recv_ts_ms: 1_000_001,
        exchange_ts_ms: 999_990,
      },
      { source_id: 'venue', symbol: 'BBB' },
      { source_id: 'unknown', symbol: 'key' },
    ]);
    expect(told('market_data.decode_failure')).toMatchObject([
      { level: 'warn', source_id: 'venue', symbol: 'BBB', ...normalized },
      { source_id: 'unknown', symbol: 'key', error_kind: 'decode_error' },
    ]);
    expect(told('orchestrator.ingest').filter((line) => 'withheld' in line)).toEqual([]);
  });

  it('sends what nobody takes to the dead letters with its reason, and takes the rest', async () => {
    await ingest(
      eventOf(
        record(1),
        record(2, { source_id: 'nobody' }),
        record(3, { symbol: 'ZZZ' }),
        { sequence: 4, data: { schema: 'other' } },
        record(5),
      ),
    );

    expect(await letters()).toEqual(['unlisted_source', 'unlisted_symbol', 'invalid_market_event']);
    expect(await taken()).toEqual([[1, 2]]);
  });

  it('keeps a batch of a feed together although the list of feeds is read again in its midst', async () => {
    await ingest(eventOf(record(1)));
    await createFeed('late');
    await compact();
    stage.clock.jump(START_MS + 1_000);

    await ingest(eventOf(record(2), record(3, { source_id: 'other' }), record(4), record(5)));

    expect(await taken()).toEqual([
      [1, 1],
      [2, 4],
    ]);
    expect(await taken('feed#acme/prod/late')).toEqual([[1, 1]]);
    expect(await letters()).toEqual([]);
  });

  it('asks for the feeds with every batch, once, so that one just listed misses nothing', async () => {
    await ingest(eventOf(record(1)));
    const command = { type: 'CreateFeed' as const, config: demoConfig(), start: true };
    await mailbox(commandPorts(stage)).send(feedAggregate, requestOf('feed#acme/prod/twin', command));
    await compact();

    await ingest(eventOf(record(2), record(3)));

    expect(await taken('feed#acme/prod/twin')).toEqual([[1, 2]]);
  });

  it('reads the list once more for a batch of many records that nobody lists', async () => {
    stage.requests();

    await ingest(eventOf(...[1, 2, 3, 4].map((sequence) => record(sequence, { source_id: 'nobody' }))));

    expect(stage.requests()).toEqual({
      'dynamodb.Query': 2,
      'dynamodb.BatchGetItem': 2,
      'sqs.SendMessageBatch': 1,
    });
  });

  it('plans the ticks of a silence before the record that ends it, in one commit however long it was', async () => {
    await ingest(eventOf(record(1)));

    await ingest(eventOf(record(2, { recv_ts_ms: 1_000_000 + 40_000_000 })));

    const commits = await adaptersOf(stage).ledger.read(FEED_STREAM, 1, 100);
    const events = commits.at(-1)?.events ?? [];
    expect(events.map(({ type }) => type)).toEqual(['RecordsIngested', 'TicksPlanned']);
    expect(await taken()).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it('fails the batch when what the feed owes cannot be sent, and sends it at the redelivery', async () => {
    stage.inject({ service: 'sqs', operation: 'SendMessageBatch', kind: 'server-error' });
    const batch = eventOf(record(1), record(2_500));

    await expect(ingest(batch)).rejects.toThrow();
    stage.inject();
    await ingest(batch);

    expect((await stage.drain('engine-runs.fifo')).length).toBeGreaterThan(0);
    expect(await taken()).toEqual([[1, 2]]);
  });

  describe('while the queue of engine runs is long', () => {
    const types = async (): Promise<readonly string[]> =>
      (await adaptersOf(stage).ledger.read(FEED_STREAM, 1, 1_000))
        .flatMap(({ events }) => events)
        .map(({ type }) => type);
    const second = (index: number) => record(index, { recv_ts_ms: index * 1_000 + 500 });
    const pass = (): void => stage.clock.jump(stage.clock.nowMs() + 5_000);
    const sweep = () =>
      sweepHandler(
        stage.environment,
        stage.plugin,
      )(queueEvent('sweep', [{ Body: JSON.stringify({ stream: FEED_STREAM }) }]));

    it('holds back what it plans from there on, and sends it in order when the queue is short again', async () => {
      const box = mailbox(commandPorts(stage));
      const config = demoConfig({
        sources: [{ source_id: 'venue', symbols: ['AAA', 'BBB', 'CCC'] }],
        output_publish: { max_pending: 2 },
      });
      await box.send(feedAggregate, requestOf(FEED_STREAM, { type: 'DrainFeed' as const }));
      const configure = { type: 'CreateFeed' as const, config, start: false };
      await box.send(feedAggregate, requestOf(FEED_STREAM, configure));
      await box.send(feedAggregate, requestOf(FEED_STREAM, { type: 'StartFeed' as const }));
      for (let index = 1; index <= 4; index++) await ingest(eventOf(second(index)));
      expect(await types()).not.toContain('SchedulingPaused');

      pass();
      await ingest(eventOf(second(5)));
      await ingest(eventOf(second(6)));

      expect((await types()).filter((type) => type === 'SchedulingPaused')).toHaveLength(1);
      const first = await stage.drain('engine-runs.fifo');
      expect(first).toHaveLength(3);
      pass();
      await sweep();
      stage.clock.jump(stage.clock.nowMs() + 60_000);
      await sweep();
      expect(await types()).toContain('SchedulingResumed');
      expect(await stage.drain('engine-runs.fifo')).toEqual([]);
      await sweep();

      expect((await types()).at(-1)).toBe('HeldRunsDispatched');
      const lines = stage.lines();
      expect(lines.filter((line) => 'orchestrator.backpressure.count' in line)).toHaveLength(1);
      const [blocked] = lines.flatMap((line) => line['orchestrator.backpressure.blocked_ms'] ?? []);
      expect(blocked).toBe(65_000);
      const runs = (await stage.drain('engine-runs.fifo')).map(
        ({ Body }) => (JSON.parse(String(Body)) as { runs: { runNo: number }[] }).runs[0]?.runNo,
      );
      expect(runs).toEqual([4, 5]);
    });
  });
});
