/**
 * Two environments that ingest two shards of one feed, a third that plans its ticks by timer, and two engines, all at
 * once: every request to AWS is answered in an order of chance, and what failed is delivered again.
 */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { KinesisStreamEvent, SQSBatchResponse } from 'aws-lambda';
import type { RecordedEvent } from '#contracts/event.ts';
import type { RecordsIngested, TicksPlanned } from '#contracts/market/feed.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { plannedRuns } from '#domain/market/feed/run-messages.ts';
import { createHandler as compactHandler } from '#functions/compact/handler.ts';
import { createHandler as ingestHandler } from '#functions/ingest-market/handler.ts';
import { createHandler as engineHandler } from '#functions/run-engine/handler.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { chunkRecords } from '#functions/shared/market-chunks.ts';
import { createHandler as timersHandler } from '#functions/timers/handler.ts';
import type { Json } from '#local/kernel/engine.ts';
import { adaptersOf, commandPorts, ledgerEvent, requestOf } from '#test/support/ledger.ts';
import { demoConfig, FEED_STREAM, marketEvent } from '#test/support/market-harness.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { queueEvent } from '#test/support/ports-assets.ts';

const SECOND_MS = 1_000;
const SYMBOLS = ['AAA', 'BBB'];

interface Arrival {
  readonly afterMs: number;
  readonly symbol: string;
}
const arrivals = fc.array(
  fc.record({ afterMs: fc.integer({ min: 0, max: 1_200 }), symbol: fc.constantFrom(...SYMBOLS) }),
  { minLength: 1, maxLength: 5 },
);

/** A batch of one shard for each record, as small batches race the most. */
const batchesOf = (shardId: string, records: readonly Arrival[]): readonly KinesisStreamEvent[] => {
  let arrivalMs = START_MS;
  return records.map(({ afterMs, symbol }, index) => {
    arrivalMs += afterMs;
    const text = JSON.stringify(
      marketEvent({ symbol, recv_ts_ms: index, raw_payload: `${shardId}:${index}` }),
    );
    const kinesis = {
      sequenceNumber: String(index + 1),
      partitionKey: symbol,
      approximateArrivalTimestamp: arrivalMs / SECOND_MS,
      data: Buffer.from(text).toString('base64'),
    };
    return { Records: [{ eventID: `${shardId}:${index}`, kinesis }] } as unknown as KinesisStreamEvent;
  });
};

const TRIES_MAX = 20;

/** Delivers until it is taken, as a mapping would. */
const untilTaken = async (deliver: () => Promise<unknown>): Promise<void> => {
  for (let tries = 1; ; tries++) {
    try {
      const { batchItemFailures } = (await deliver()) as SQSBatchResponse;
      if (batchItemFailures.length === 0) return;
    } catch (error) {
      if (tries === TRIES_MAX) throw error;
    }
    if (tries === TRIES_MAX) throw new Error('a message fails for ever');
  }
};

const inTurn = async (acts: readonly (() => Promise<unknown>)[]): Promise<void> => {
  for (const act of acts) await untilTaken(act);
};

const prepare = async (gate: () => Promise<unknown>): Promise<LocalStage> => {
  const stage = await localStage({ gate });
  const config = demoConfig({
    sources: [{ source_id: 'venue', symbols: SYMBOLS }],
    clock: 'arrival',
    emit_skipped: true,
  });
  const command = { type: 'CreateFeed' as const, config, start: true };
  await mailbox(commandPorts(stage)).send(feedAggregate, requestOf(FEED_STREAM, command));
  await compactHandler(stage.environment, stage.plugin)(ledgerEvent(stage));
  stage.clock.jump(START_MS + 10 * SECOND_MS);
  return stage;
};

const eventsOf = async (stage: LocalStage, stream: string): Promise<readonly RecordedEvent[]> =>
  (await adaptersOf(stage).ledger.read(stream, 1, 1_000)).flatMap(({ events }) => events);

const ingestedOf = (events: readonly RecordedEvent[]): readonly RecordsIngested[] =>
  events.filter(({ type }) => type === 'RecordsIngested').map(({ data }) => data as RecordsIngested);

const plannedOf = (events: readonly RecordedEvent[]): readonly TicksPlanned[] =>
  events.filter(({ type }) => type === 'TicksPlanned').map(({ data }) => data as TicksPlanned);

/** Numbers that go up by one from 1. */
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

const expectWholeBuffer = async (
  stage: LocalStage,
  events: readonly RecordedEvent[],
  sent: readonly KinesisStreamEvent[],
): Promise<void> => {
  const chunks = ingestedOf(events).map(({ chunk }) => chunk);
  const { ledger } = adaptersOf(stage);
  const records = (await Promise.all(chunks.map((chunk) => chunkRecords(ledger, FEED_STREAM, chunk)))).flat();
  expect(records.map(({ ingestSeq }) => ingestSeq)).toEqual(upTo(sent.length));
  const times = records.map(({ ingestTsMs }) => ingestTsMs);
  expect([...times].sort((one, other) => one - other)).toEqual(times);
  const texts = sent.flatMap(({ Records }) =>
    Records.map(({ kinesis }) => Buffer.from(kinesis.data, 'base64').toString('utf8')),
  );
  expect(records.map(({ text }) => text).sort()).toEqual([...texts].sort());
};

const expectEachTickOnce = (events: readonly RecordedEvent[]): void => {
  const planned = plannedOf(events);
  const ticks = planned.flatMap((data) => data.ticks);
  const idleCount = planned.reduce((sum, data) => sum + data.idleCount, 0);
  const [startMs = 0] = ingestedOf(events).flatMap(({ scheduleStartMs }) => scheduleStartMs ?? []);
  const lastMs = planned.at(-1)?.lastTickMs;
  const passed = lastMs === undefined ? 0 : lastMs / SECOND_MS - Math.floor(startMs / SECOND_MS);
  expect(ticks.length + idleCount).toBe(passed);
  expect(new Set(ticks.map(({ plannedTsMs }) => plannedTsMs)).size).toBe(ticks.length);
  for (const symbol of SYMBOLS) {
    const runs = plannedRuns({ ticks }).filter((each) => each.symbol === symbol);
    expect(runs.map(({ run }) => run.runNo)).toEqual(upTo(runs.length));
    for (const [index, { run }] of runs.entries()) {
      const before = runs[index - 1]?.run;
      if (before) expect(run.cutStart).toBe(before.cutEnd + 1);
      expect(run.engineTimestampMs).toBeGreaterThanOrEqual(before?.engineTimestampMs ?? 0);
    }
  }
};

it('take each record and plan each tick once, and run the runs of a symbol one after the other', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), arrivals, arrivals, async (scheduler, left, right) => {
      let isRacing = false;
      const gate = (): Promise<unknown> =>
        isRacing ? scheduler.schedule(Promise.resolve()) : Promise.resolve();
      const stage = await prepare(gate);
      const race = async (...actors: readonly Promise<void>[]): Promise<void> => {
        await scheduler.waitFor(Promise.all(actors));
        isRacing = false;
      };
      const [one, other] = [batchesOf('shard-0', left), batchesOf('shard-1', right)];
      const build = <Handler>(
        create: (from: LocalStage['environment'], plugin: object) => Handler,
      ): Handler => create(stage.environment, stage.plugin);
      const [ingestOne, ingestOther] = [build(ingestHandler), build(ingestHandler)];
      const [tickOne, tickOther] = [build(timersHandler), build(timersHandler)];
      const tick = (afterSeconds: number) => {
        const body = {
          kind: 'feed-tick',
          feedStream: FEED_STREAM,
          beforeMs: START_MS + afterSeconds * SECOND_MS + 1,
        };
        return queueEvent('timers', [{ Body: JSON.stringify(body) }]);
      };

      isRacing = true;
      await race(
        inTurn(one.map((batch) => () => ingestOne(batch))),
        inTurn(other.map((batch) => () => ingestOther(batch))),
        inTurn(upTo(4).map((seconds) => () => tickOne(tick(seconds)))),
        inTurn(upTo(4).map((seconds) => () => tickOther(tick(seconds)))),
      );

      const events = await eventsOf(stage, FEED_STREAM);
      expect(events.map(({ sequence }) => sequence)).toEqual(upTo(events.length));
      await expectWholeBuffer(stage, events, [...one, ...other]);
      expectEachTickOnce(events);

      const messages: readonly Json[] = await stage.drain('engine-runs.fifo');
      const [runOne, runOther] = [build(engineHandler), build(engineHandler)];
      isRacing = true;
      await race(
        inTurn(messages.map((message) => () => runOne(queueEvent('engine-runs.fifo', [message])))),
        inTurn(
          [...messages].reverse().map((message) => () => runOther(queueEvent('engine-runs.fifo', [message]))),
        ),
      );

      const runs = plannedRuns({
        ticks: plannedOf(events).flatMap(({ ticks }) => ticks),
      });
      for (const symbol of SYMBOLS) {
        const done = (await eventsOf(stage, `feed-symbol#acme/prod/demo/${symbol}`))
          .filter(({ type }) => type.startsWith('EngineRun'))
          .map(({ data }) => [data['runNo'], data['engineTimestampMs']]);
        const wanted = runs
          .filter((each) => each.symbol === symbol)
          .map(({ run }) => [run.runNo, run.engineTimestampMs]);
        expect(done).toEqual(wanted);
      }
    }),
    { numRuns: 12 },
  );
});
