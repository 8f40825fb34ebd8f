/**
 * An event source mapping over a sharded stream (Kinesis, DynamoDB Streams): per shard it reads a batch, waits until
 * what it read is on disk, delivers, and then moves its checkpoint.
 */
import { createHash } from 'node:crypto';

import type { RecordSource, SourceRecord } from '#local/kernel/record-source.ts';
import type { Checkpoints } from '#local/mapping/checkpoints.ts';
import { recordFilter } from '#local/mapping/filter.ts';
import type { MappingSetting } from '#local/mapping/mapping-setting.ts';
import { messageOf, zeroCounts } from '#local/mapping/mapping.ts';
import type { Mapping, MappingContext, MappingFaults } from '#local/mapping/mapping.ts';
import { pause } from '#local/mapping/pause.ts';
import { deliverRecords } from '#local/mapping/stream-delivery.ts';
import type { StreamDelivery } from '#local/mapping/stream-delivery.ts';

/** A Lambda event holds at most 6 MB; records are at most this big, so small batches need no measuring. */
const EVENT_BYTES_MAX = 6 * 1024 * 1024;
const RECORD_BYTES_TYPICAL_MAX = 1024 * 1024;

/** What a stream mapping is made of. */
export interface StreamMappingParts {
  readonly setting: MappingSetting;
  readonly source: RecordSource;
  readonly checkpoints: Checkpoints;
  readonly context: MappingContext;
}

/** A stream mapping at rest; `start` makes it deliver. */
export const streamMapping = ({ setting, source, checkpoints, context }: StreamMappingParts): Mapping => {
  const counts = zeroCounts();
  const draining = new Set<string>();
  const passes = recordFilter(setting.patterns);
  let isRunning = false;
  let faults: MappingFaults = {};
  const delivery: StreamDelivery = {
    setting,
    context,
    counts,
    sourceArn: source.arn,
    faults: () => faults,
    isStopped: () => !isRunning,
  };

  const positionOf = (shardId: string): number => {
    const known = checkpoints.position(setting.id, shardId);
    if (known !== undefined) return Math.max(known, source.trimHorizon(shardId));
    const first = setting.startsAt === 'LATEST' ? source.latest(shardId) : source.trimHorizon(shardId);
    checkpoints.advance(setting.id, shardId, first);
    return first;
  };

  const readBatch = async (shardId: string): Promise<readonly SourceRecord[]> => {
    const place = { mappingId: setting.id, shardId, recordCount: 0, delivery: counts.invocations };
    const countMax = faults.take?.(place) ?? setting.batchSize * setting.parallelizationFactor;
    const from = positionOf(shardId);
    const first = source.read(shardId, from, countMax);
    if (first.length === 0 || first.length >= countMax || setting.batchingWindowMs === 0) return first;
    await pause(context, setting.batchingWindowMs);
    return source.read(shardId, from, countMax);
  };

  const drain = async (shardId: string): Promise<void> => {
    while (isRunning) {
      const records = withinEventSize(await readBatch(shardId), setting.parallelizationFactor);
      const last = records.at(-1);
      if (last === undefined) return;
      await context.journal.durable();
      const wanted = records.filter((record) => passes(filterView(record)));
      counts.filteredOut += records.length - wanted.length;
      const deliveryNumber = counts.invocations;
      const lanes = inLanes(wanted, setting.parallelizationFactor);
      const ended = await Promise.all(lanes.map((lane) => deliverRecords(delivery, shardId, lane)));
      if (ended.includes(false)) return;
      const place = {
        mappingId: setting.id,
        shardId,
        recordCount: wanted.length,
        delivery: deliveryNumber,
      };
      if (faults.redeliver?.(place) !== true) checkpoints.advance(setting.id, shardId, last.position + 1);
    }
  };

  const kick = (shardId: string): void => {
    if (!isRunning || draining.has(shardId) || positionOf(shardId) >= source.latest(shardId)) return;
    draining.add(shardId);
    const end = context.activity.begin();
    setImmediate(() => {
      drain(shardId)
        .catch((error: unknown) => context.log(`mapping ${setting.id} stopped: ${messageOf(error)}`))
        .finally(() => {
          draining.delete(shardId);
          kick(shardId);
          end();
        });
    });
  };

  source.watch(kick);
  return {
    setting,
    counts: () => ({ ...counts }),
    idle: () =>
      draining.size === 0 &&
      (!isRunning || source.shardIds().every((shardId) => positionOf(shardId) >= source.latest(shardId))),
    inject: (next) => {
      faults = next;
    },
    start: () => {
      isRunning = setting.isEnabled;
      source.shardIds().forEach(kick);
    },
    stop: () => {
      isRunning = false;
    },
  };
};

/** With a parallelization factor, records of one partition key stay in one lane, in order. */
const inLanes = (
  records: readonly SourceRecord[],
  laneCount: number,
): readonly (readonly SourceRecord[])[] => {
  if (records.length === 0) return [];
  if (laneCount === 1) return [records];
  const lanes = Array.from({ length: laneCount }, (): SourceRecord[] => []);
  for (const record of records) {
    const [lane = 0] = createHash('md5').update(record.partitionKey).digest();
    lanes[lane % laneCount]?.push(record);
  }
  return lanes.filter((lane) => lane.length > 0);
};

const withinEventSize = (records: readonly SourceRecord[], laneCount: number): readonly SourceRecord[] => {
  const bytesMax = EVENT_BYTES_MAX * laneCount;
  if (records.length * RECORD_BYTES_TYPICAL_MAX <= bytesMax) return records;
  let bytes = 0;
  let count = 0;
  for (const { event } of records) {
    bytes += Buffer.byteLength(JSON.stringify(event));
    if (bytes > bytesMax && count > 0) break;
    count++;
  }
  return records.slice(0, count);
};

/** Kinesis patterns look into the decoded data; DynamoDB patterns see the record as the function gets it. */
const filterView = ({ event }: SourceRecord): unknown => {
  const { kinesis } = event;
  if (kinesis === null || typeof kinesis !== 'object' || !('data' in kinesis)) return event;
  const text = Buffer.from(String(kinesis.data), 'base64').toString('utf8');
  try {
    return { ...kinesis, data: JSON.parse(text) as unknown };
  } catch {
    return { ...kinesis, data: text };
  }
};
