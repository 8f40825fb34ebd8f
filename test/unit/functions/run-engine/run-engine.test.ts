import type { KinesisStreamEvent } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { createHandler as compactHandler } from '#functions/compact/handler.ts';
import { createHandler as ingestHandler } from '#functions/ingest-market/handler.ts';
import { createHandler } from '#functions/run-engine/handler.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { createHandler as sweepHandler } from '#functions/sweep/handler.ts';
import type { Json } from '#local/kernel/engine.ts';
import { adaptersOf, commandPorts, ledgerEvent, requestOf } from '#test/support/ledger.ts';
import { demoConfig, FEED_STREAM, marketEvent } from '#test/support/market-harness.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { queueEvent } from '#test/support/ports-assets.ts';

/** One record a second of one symbol: a boundary run for each. */
const second = (sequence: number) => ({
  eventID: `shardId-000000000000:${sequence}`,
  kinesis: {
    sequenceNumber: String(sequence),
    partitionKey: 'key',
    approximateArrivalTimestamp: START_MS / 1000,
    data: Buffer.from(JSON.stringify(marketEvent({ recv_ts_ms: sequence * 1_000 + 500 }))).toString('base64'),
  },
});

describe('running the engine', () => {
  let stage: LocalStage;
  let run: ReturnType<typeof createHandler>;
  beforeEach(async () => {
    stage = await localStage();
    const command = { type: 'CreateFeed' as const, config: demoConfig(), start: true };
    await mailbox(commandPorts(stage)).send(feedAggregate, requestOf(FEED_STREAM, command));
    await compactHandler(stage.environment, stage.plugin)(ledgerEvent(stage));
    run = createHandler(stage.environment, stage.plugin);
  });

  /** Takes seconds in, each in a batch of its own, and gives the messages that were sent for them. */
  const planned = async (...sequences: readonly number[]): Promise<readonly Json[]> => {
    const ingest = ingestHandler(stage.environment, stage.plugin);
    for (const sequence of sequences)
      await ingest({ Records: [second(sequence)] } as unknown as KinesisStreamEvent);
    return stage.drain('engine-runs.fifo');
  };
  const deliver = (messages: readonly Json[]) => run(queueEvent('engine-runs.fifo', messages));
  const runNos = async (): Promise<readonly unknown[]> => {
    const commits = await adaptersOf(stage).ledger.read('feed-symbol#acme/prod/demo/AAA', 1, 1_000);
    return commits.flatMap(({ events }) => events).map(({ data }) => data['runNo']);
  };

  it('records each planned run once, in order', async () => {
    const messages = await planned(1, 2, 3, 4);

    expect(await deliver(messages)).toEqual({ batchItemFailures: [] });
    expect(await deliver(messages)).toEqual({ batchItemFailures: [] });

    expect(await runNos()).toEqual([1, 2, 3]);
  });

  it('makes up for messages that were lost before it goes on', async () => {
    const messages = await planned(1, 2, 3, 4, 5);

    await deliver(messages.slice(-1));

    expect(await runNos()).toEqual([1, 2, 3, 4]);
    await deliver(messages.slice(0, -1));
    expect(await runNos()).toEqual([1, 2, 3, 4]);
  });

  it('loses nothing when its commit stood and its answer was lost', async () => {
    const messages = await planned(1, 2, 3);
    stage.inject({
      service: 'dynamodb',
      operation: 'PutItem',
      resource: 'ledger',
      kind: 'lost-answer',
      calls: [1],
    });

    expect((await deliver(messages)).batchItemFailures.length).toBeGreaterThan(0);
    expect((await deliver(messages)).batchItemFailures).toEqual([]);

    expect(await runNos()).toEqual([1, 2]);
  });

  it('is told again by the sweep when every message was lost', async () => {
    await planned(1, 2, 3);
    stage.clock.jump(START_MS + 61_000);
    const sweep = sweepHandler(stage.environment, stage.plugin);

    await sweep(queueEvent('sweep', [{ Body: JSON.stringify({ stream: FEED_STREAM }) }]));
    await deliver(await stage.drain('engine-runs.fifo'));

    expect(await runNos()).toEqual([1, 2]);
    stage.clock.jump(START_MS + 122_000);
    await sweep(queueEvent('sweep', [{ Body: JSON.stringify({ stream: FEED_STREAM }) }]));
    expect(await stage.drain('engine-runs.fifo')).toEqual([]);
  });

  it('tells the feed when a message has waited for longer than it allows, and not a moment before', async () => {
    const types = async (): Promise<readonly string[]> =>
      (await adaptersOf(stage).ledger.read(FEED_STREAM, 1, 1_000))
        .flatMap(({ events }) => events)
        .map(({ type }) => type)
        .filter((type) => type.startsWith('Scheduling'));
    const config = demoConfig({ output_publish: { max_block_ms: 5_000 } });
    const box = mailbox(commandPorts(stage));
    await box.send(feedAggregate, requestOf(FEED_STREAM, { type: 'DrainFeed' as const }));
    const configure = { type: 'CreateFeed' as const, config, start: false };
    await box.send(feedAggregate, requestOf(FEED_STREAM, configure));
    await box.send(feedAggregate, requestOf(FEED_STREAM, { type: 'StartFeed' as const }));
    const messages = await planned(1, 2, 3);

    stage.clock.jump(START_MS + 5_000);
    await deliver(messages.slice(0, 1));
    expect(await types()).toEqual([]);
    stage.clock.jump(START_MS + 5_001);
    await deliver(messages.slice(1));

    expect(await types()).toEqual(['SchedulingPaused']);
    expect(await runNos()).toEqual([1, 2]);
  });

  it('fails a message whose chunk cannot be read, and the ones behind it in its group', async () => {
    const messages = await planned(1, 2, 3);
    stage.inject({ service: 'dynamodb', operation: 'GetItem', kind: 'server-error' });

    expect((await deliver(messages)).batchItemFailures).toHaveLength(messages.length);
    stage.inject();
    expect((await deliver(messages)).batchItemFailures).toEqual([]);
  });
});
