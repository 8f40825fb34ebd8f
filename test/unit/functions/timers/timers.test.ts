import { describe, expect, it } from 'vitest';
import { createHandler } from '#functions/timers/handler.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { adaptersOf, commandPorts, requestOf, streamedCommits } from '#test/support/ledger.ts';
import { demoConfig, FEED_STREAM } from '#test/support/market-harness.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { queueEvent } from '#test/support/ports-assets.ts';

const timer = (beforeMs: number) => ({
  Body: JSON.stringify({ kind: 'feed-tick', feedStream: FEED_STREAM, beforeMs }),
});
const fire = (stage: LocalStage, beforeMs: number) =>
  createHandler(stage.environment, stage.plugin)(queueEvent('timers', [timer(beforeMs)]));

describe('timers', () => {
  it('that come early wait for the rest, at most fifteen minutes at a time', async () => {
    const stage = await localStage();

    expect(await fire(stage, START_MS + 3_600_000)).toEqual({ batchItemFailures: [] });

    expect(await stage.drain('timers')).toEqual([]);
    while (stage.clock.step(START_MS + 900_000)) continue;
    stage.clock.jump(START_MS + 900_000);
    expect(await stage.drain('timers')).toMatchObject([{ Body: timer(START_MS + 3_600_000).Body }]);
  });

  it('plan the ticks before their instant, once', async () => {
    const stage = await localStage();
    const create = { type: 'CreateFeed' as const, config: demoConfig({ clock: 'arrival' }), start: true };
    await mailbox(commandPorts(stage)).send(feedAggregate, requestOf(FEED_STREAM, create));
    const commitsBefore = streamedCommits(stage).length;

    await fire(stage, START_MS + 1);
    await fire(stage, START_MS + 1);

    const { ledger } = adaptersOf(stage);
    const events = (await ledger.read(FEED_STREAM, 1, 100)).flatMap((commit) => commit.events);
    const planned = events.filter(({ type }) => type === 'TicksPlanned');
    expect(planned.length).toBeLessThanOrEqual(1);
    expect(streamedCommits(stage).length - commitsBefore).toBe(planned.length);
  });

  it('fail for a message nobody would send', async () => {
    const stage = await localStage();
    const handler = createHandler(stage.environment, stage.plugin);

    expect((await handler(queueEvent('timers', [{ Body: '{}' }]))).batchItemFailures).toHaveLength(1);
  });
});
