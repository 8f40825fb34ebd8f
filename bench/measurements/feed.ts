/**
 * A live feed: how fast it takes events in and what that costs the ledger, how long it is from the record that ends a
 * tick to its last output on the stream, and how much memory a replay of a file needs.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { bootBenchCloud, drained } from '#bench/bench-cloud.ts';
import type { BenchCloud } from '#bench/bench-cloud.ts';
import { BOUNDARY_MS, createFeed, putRecords, SYMBOLS, tradeAt } from '#bench/market-load.ts';
import type { MarketRecord } from '#bench/market-load.ts';
import type { Measure, Row } from '#bench/measurement.ts';
import { percentile } from '#bench/percentile.ts';
import { runSluice } from '#bench/sluice-process.ts';

/** Intake, latency and memory. */
export const measure: Measure = async ({ root }) => [
  ...(await measureFunction(root)),
  ...(await measureFeed(root)),
  ...(await measureLatency(root)),
  ...(await measureMemory(root)),
];

const EVENTS = 60_000;
const WARM_EVENTS = 10_000;
/** A trade every 6 ms: a boundary, and so 10 runs, every 10,000 events. */
const GAP_MS = 6;
const BATCH = 500;
const NEVER_MS = 86_400_000;

/** Batches as the mapping hands them over, one after the other: the function, its commits and the disk, no stream. */
const measureFunction = async (root: string): Promise<readonly Row[]> => {
  const bench = await bootBenchCloud(root, { throttle: false });
  try {
    await createFeed(bench, {
      scheduler: { mode: 'boundary', boundary_interval_ms: NEVER_MS, boundary_delay_ms: 0 },
      buffer_retention: { max_records: EVENTS + 1 },
    });
    const arrivalMs = Date.now();
    const ingest = async (from: number, to: number): Promise<void> => {
      for (let start = from; start < to; start += BATCH) {
        const Records = Array.from({ length: BATCH }, (_, index) =>
          streamRecord(start + index, tradeAt(start + index, (start + index) * GAP_MS), arrivalMs),
        );
        await bench.cloud.host.invoke('sluice-dev-ingest-market', { Records });
      }
    };
    await ingest(0, WARM_EVENTS);
    await drained(bench);
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    await ingest(WARM_EVENTS, EVENTS);
    const seconds = (performance.now() - startedMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const events = EVENTS - WARM_EVENTS;
    return [
      {
        what: 'intake by direct calls',
        value: events / seconds,
        unit: 'events/s',
        target: 'at least 20,000',
      },
      { what: 'intake by direct calls: CPU', value: (user + system) / events, unit: 'us/event' },
    ];
  } finally {
    await bench.close();
  }
};

/** A record as Lambda gets it. */
const streamRecord = (index: number, { Data, PartitionKey }: MarketRecord, arrivalMs: number): object => {
  const sequenceNumber = String(10n ** 55n + BigInt(index));
  return {
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey: PartitionKey,
      sequenceNumber,
      data: Data,
      approximateArrivalTimestamp: arrivalMs / 1000,
    },
    eventSource: 'aws:kinesis',
    eventID: `shardId-000000000009:${sequenceNumber}`,
    eventName: 'aws:kinesis:record',
  };
};

/** Through the local stream, with ticks, runs, outputs and read models. */
const measureFeed = async (root: string): Promise<readonly Row[]> => {
  const bench = await bootBenchCloud(root, { throttle: false, isMetered: true });
  try {
    await createFeed(bench);
    await play(bench, 0, WARM_EVENTS);
    bench.resetCounts();
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    await play(bench, WARM_EVENTS, EVENTS);
    const seconds = (performance.now() - startedMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const events = EVENTS - WARM_EVENTS;
    const writes = bench.counts().capacity['sluice-dev-ledger']?.writes ?? Number.NaN;
    const runs = (events * GAP_MS * SYMBOLS) / BOUNDARY_MS;
    return [
      {
        what: 'feed: from the first record put to the last output published',
        value: events / seconds,
        unit: 'events/s',
      },
      { what: 'feed: CPU of all of it', value: (user + system) / events, unit: 'us/event' },
      {
        what: 'feed: ledger writes, less 2 a run',
        value: ((writes - 2 * runs) / events) * 100,
        unit: '/100 events',
        target: 'at most 2',
      },
    ];
  } finally {
    await bench.close();
  }
};

const play = async (bench: BenchCloud, from: number, to: number): Promise<void> => {
  const records = Array.from({ length: to - from }, (_, index) =>
    tradeAt(from + index, (from + index) * GAP_MS),
  );
  await putRecords(bench.cloud, records);
  await drained(bench);
};

const TICKS = 60;
const WARM_TICKS = 10;

/** One tick after the other, each of all symbols, with nothing else to do. */
const measureLatency = async (root: string): Promise<readonly Row[]> => {
  const bench = await bootBenchCloud(root, { host: 'worker', apiPort: 0, throttle: false });
  try {
    await createFeed(bench);
    await putRecords(bench.cloud, symbolTrades(0));
    const outputs = await outputReader(bench);
    const latencies: number[] = [];
    for (let tick = 1; tick <= TICKS; tick++) {
      const startedMs = performance.now();
      await putRecords(bench.cloud, symbolTrades(tick));
      await outputs.completed(tick * SYMBOLS);
      if (tick > WARM_TICKS) latencies.push(performance.now() - startedMs);
    }
    return [50, 99].map((percent) => ({
      what: `tick to published, ${SYMBOLS} symbols: p${percent}`,
      value: percentile(latencies, percent),
      unit: 'ms',
    }));
  } finally {
    await bench.close();
  }
};

/** A trade of each symbol behind a boundary; the first of them ends the tick before it. */
const symbolTrades = (tick: number) =>
  Array.from({ length: SYMBOLS }, (_, index) => tradeAt(index, tick * BOUNDARY_MS + 1 + index));

/** Reads the output stream until so many runs have completed. */
const outputReader = async ({
  cloud,
}: BenchCloud): Promise<{ readonly completed: (count: number) => Promise<void> }> => {
  const StreamName = 'sluice-dev-orchestrator-events';
  const { Shards } = (await cloud.call('kinesis', 'ListShards', { StreamName })) as {
    readonly Shards: readonly { readonly ShardId: string }[];
  };
  const { ShardIterator } = await cloud.call('kinesis', 'GetShardIterator', {
    StreamName,
    ShardId: Shards[0]?.ShardId ?? '',
    ShardIteratorType: 'TRIM_HORIZON',
  });
  let iterator = ShardIterator;
  let seen = 0;
  const completed = async (count: number): Promise<void> => {
    while (seen < count) {
      const answer = (await cloud.call('kinesis', 'GetRecords', { ShardIterator: iterator ?? '' })) as {
        readonly Records: readonly { readonly Data: string }[];
        readonly NextShardIterator: string;
      };
      iterator = answer.NextShardIterator;
      seen += answer.Records.filter(({ Data }) =>
        Buffer.from(Data, 'base64').includes('"EngineRunCompleted"'),
      ).length;
      if (seen < count) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  return { completed };
};

/** The second is eight times the first: memory that grows with it would show. */
const FILE_EVENTS = [50_000, 400_000] as const;

const measureMemory = async (root: string): Promise<readonly Row[]> => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-bench-'));
  try {
    const rows: Row[] = [];
    for (const count of FILE_EVENTS) {
      const log = path.join(folder, 'log.jsonl');
      writeBuffer(log, count);
      const config = path.join(folder, 'config.json');
      writeFileSync(
        config,
        JSON.stringify({
          scheduler: { mode: 'boundary', boundary_interval_ms: BOUNDARY_MS, boundary_delay_ms: 0 },
          scheduler_start_now_ms: 1_767_225_600_000,
          snapshot_source: 'composer',
        }),
      );
      const words = ['feed', 'simulate', '--config', config, '--log', log];
      const { peakMemoryMb, seconds } = await runSluice({ root, words });
      const what = `replay of a file of ${count.toLocaleString('en')} events`;
      rows.push(
        { what: `${what}: peak memory`, value: peakMemoryMb, unit: 'MiB', target: 'the same for both' },
        { what: `${what}: the whole process`, value: count / seconds, unit: 'events/s' },
      );
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const LINES_AT_ONCE = 10_000;

const writeBuffer = (file: string, count: number): void => {
  writeFileSync(file, '');
  for (let from = 0; from < count; from += LINES_AT_ONCE) {
    const lines = Array.from({ length: Math.min(LINES_AT_ONCE, count - from) }, (_, index) => {
      const event = JSON.parse(
        Buffer.from(tradeAt(from + index, (from + index) * GAP_MS).Data, 'base64').toString(),
      ) as { readonly recv_ts_ms: number };
      return `${JSON.stringify({ ingest_seq: from + index + 1, ingest_ts_ms: event.recv_ts_ms, event })}\n`;
    });
    writeFileSync(file, lines.join(''), { flag: 'a' });
  }
};
