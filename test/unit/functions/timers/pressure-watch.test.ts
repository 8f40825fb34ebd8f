import { beforeEach, describe, expect, it } from 'vitest';
import type { FeedCommand } from '#contracts/market/feed.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { createHandler } from '#functions/timers/handler.ts';
import type { Json } from '#local/kernel/engine.ts';
import { adaptersOf, commandPorts, requestOf } from '#test/support/ledger.ts';
import { batchRecord, demoConfig, FEED_STREAM, marketEvent } from '#test/support/market-harness.ts';
import { ingestCommand, planBatch } from '#domain/market/feed/plan-batch.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { queueEvent } from '#test/support/ports-assets.ts';

const LIMIT_MS = 20_000;

describe('a look at the queue of engine runs', () => {
  let stage: LocalStage;
  let taken: number;
  beforeEach(async () => {
    stage = await localStage();
    taken = 0;
    const output_publish = { max_pending: 2, max_block_ms: LIMIT_MS };
    await send({ type: 'CreateFeed', config: demoConfig({ output_publish }), start: true });
  });

  const send = (command: FeedCommand) =>
    mailbox(commandPorts(stage)).send(feedAggregate, requestOf(FEED_STREAM, command));
  const load = async () => {
    const { state } = await send({ type: 'ConfirmPublication', symbol: 'AAA' as never, blockedSinceMs: 1 });
    if (state.status === 'none') throw new Error('there is no feed');
    return state;
  };
  /** Takes in a record of the next second, so that the tick before it is planned. */
  const plan = async (): Promise<void> => {
    const record = batchRecord(++taken, marketEvent({ recv_ts_ms: taken * 1_000 + 500 }));
    const batch = planBatch(await load(), { shardId: 's', records: [record] });
    if (batch.kind === 'nothing-new') throw new Error('nothing was planned');
    await adaptersOf(stage).ledger.putDocument(`chunk#acme/prod/demo#${batch.chunk.hash}`, '');
    await send(ingestCommand(batch, 'item'));
  };
  const fill = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++)
      await stage.dispatcher.call('sqs', 'SendMessage', {
        QueueUrl: stage.queueUrl('engine-runs.fifo'),
        MessageBody: '{}',
        MessageGroupId: 'x',
        MessageDeduplicationId: `m${index}-${stage.clock.nowMs()}`,
      });
  };
  const environment = () => createHandler(stage.environment, stage.plugin);
  const look = async (dueMs?: number, feedStream = FEED_STREAM, handle = environment()): Promise<void> => {
    const body = { kind: 'feed-pressure', feedStream, ...(dueMs === undefined ? {} : { dueMs }) };
    const answer = await handle(queueEvent('timers', [{ Body: JSON.stringify(body) }]));
    expect(answer).toEqual({ batchItemFailures: [] });
  };
  const pass = (ms: number): void => {
    while (stage.clock.step(stage.clock.nowMs())) continue;
    stage.clock.jump(stage.clock.nowMs() + ms);
  };
  /** The looks that are due after a while, as their instants. */
  const asked = async (afterMs: number): Promise<readonly unknown[]> => {
    pass(afterMs);
    return (await stage.drain('timers'))
      .map(({ Body }) => JSON.parse(String(Body)) as Json)
      .filter(({ kind }) => kind === 'feed-pressure')
      .map(({ dueMs }) => dueMs);
  };
  const types = async (): Promise<readonly string[]> =>
    (await adaptersOf(stage).ledger.read(FEED_STREAM, 1, 1_000))
      .flatMap(({ events }) => events)
      .map(({ type, data }) => `${type}${typeof data['reason'] === 'string' ? ` ${data['reason']}` : ''}`)
      .filter((type) => type.startsWith('Scheduling'));

  it('asks for the next one as long as the queue holds the feed back, and resumes at half of the bound', async () => {
    await fill(3);
    await send({ type: 'PauseScheduling', reason: 'queue_depth', observed: 3, limit: 2 });
    await look();
    const [first, ...more] = await asked(5_000);
    expect(more).toEqual([]);
    expect(first).toBe(stage.clock.nowMs());
    await stage.dispatcher.call('sqs', 'ReceiveMessage', { QueueUrl: stage.queueUrl('engine-runs.fifo') });
    await look(Number(first));
    expect(await types()).toEqual(['SchedulingPaused queue_depth']);

    const [second] = await asked(5_000);
    await stage.dispatcher.call('sqs', 'PurgeQueue', { QueueUrl: stage.queueUrl('engine-runs.fifo') });
    await fill(1);
    await look(Number(second));

    expect(await types()).toEqual(['SchedulingPaused queue_depth', 'SchedulingResumed']);
    expect(await asked(60_000)).toEqual([]);
  });

  it('is taken by one of several messages, and by a new one when the watch is lost', async () => {
    await fill(3);
    await send({ type: 'PauseScheduling', reason: 'queue_depth', observed: 3, limit: 2 });
    await look();
    await look();
    const [due, ...more] = await asked(5_000);
    expect(more).toEqual([]);
    await look(Number(due) - 1);
    await look(Number(due));
    await look(Number(due));
    expect(await asked(5_000)).toHaveLength(1);

    pass(30_000);
    await look();
    expect(await asked(5_000)).toEqual([]);
    await look();
    expect(await asked(5_000)).toHaveLength(1);
  });

  it('holds the feed back when a run is older than it allows and not a moment before', async () => {
    await plan();
    await plan();
    pass(LIMIT_MS);
    await look();
    expect(await types()).toEqual([]);
    expect(await asked(5_000)).toHaveLength(1);

    await look(stage.clock.nowMs());

    expect(await types()).toEqual(['SchedulingPaused queue_age']);
    // The queue is short, but the run is still there: nothing is resumed.
    // The pause has asked for a watch of its own, which finds this one on.
    const [first, next, ...more] = await asked(5_000);
    expect([first, next, more]).toEqual([undefined, stage.clock.nowMs(), []]);
    await look();
    await look(Number(next));
    expect(await types()).toEqual(['SchedulingPaused queue_age']);
    expect(await asked(5_000)).toHaveLength(1);
  });

  it('goes by what others have said since its environment last heard of the feed', async () => {
    const warm = environment();
    await look(undefined, FEED_STREAM, warm);
    expect(await asked(5_000)).toEqual([]);
    await fill(3);
    await send({ type: 'PauseScheduling', reason: 'queue_depth', observed: 3, limit: 2 });
    expect(await asked(0)).toEqual([]);

    await look(undefined, FEED_STREAM, warm);

    expect(await asked(5_000)).toHaveLength(1);
  });

  it('ends where nothing is waited for, or there is no feed', async () => {
    await look();
    await look(undefined, 'feed#acme/prod/none');

    expect(await asked(60_000)).toEqual([]);
  });

  it('is also taken before a tick is planned', async () => {
    const tick = (feedStream: string) =>
      createHandler(
        stage.environment,
        stage.plugin,
      )(queueEvent('timers', [{ Body: JSON.stringify({ kind: 'feed-tick', feedStream, beforeMs: 1 }) }]));
    await fill(2);
    await tick(FEED_STREAM);
    expect(await types()).toEqual([]);
    pass(5_000);
    await fill(1);

    await tick(FEED_STREAM);
    await tick(FEED_STREAM);

    expect(await types()).toEqual(['SchedulingPaused queue_depth']);
    expect(await tick('feed#acme/prod/none')).toEqual({ batchItemFailures: [] });
  });
});
