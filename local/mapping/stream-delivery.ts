/** Delivers the records of one shard read: retries, bisects, and gives up as the mapping's setting says. */
import type { SourceRecord } from '#local/kernel/record-source.ts';
import type { MappingSetting } from '#local/mapping/mapping-setting.ts';
import { failedItems, invokeParked, messageOf } from '#local/mapping/mapping.ts';
import type { BatchPlace, MappingContext, MappingFaults, MutableCounts } from '#local/mapping/mapping.ts';
import { pause } from '#local/mapping/pause.ts';

const BACKOFF_FIRST_MS = 200;
const BACKOFF_MAX_MS = 60_000;

/** What the deliveries of one stream mapping share. */
export interface StreamDelivery {
  readonly setting: MappingSetting;
  readonly context: MappingContext;
  readonly counts: MutableCounts;
  readonly sourceArn: string;
  readonly faults: () => MappingFaults;
  readonly isStopped: () => boolean;
}

interface Attempted {
  readonly records: readonly SourceRecord[];
  readonly failureCount: number;
}

/** Ends when every record was delivered or given up; false when the mapping was stopped before. */
export const deliverRecords = async (
  delivery: StreamDelivery,
  shardId: string,
  records: readonly SourceRecord[],
): Promise<boolean> => {
  const work: Attempted[] = [{ records, failureCount: 0 }];
  for (let current = work.shift(); current !== undefined; current = work.shift()) {
    if (delivery.isStopped()) return false;
    const batch = await discardOld(delivery, shardId, current);
    if (batch.records.length === 0) continue;
    const deliveredCount = await attempt(delivery, shardId, batch.records);
    delivery.counts.delivered += deliveredCount;
    if (deliveredCount === batch.records.length) continue;
    const rest = await afterFailure(delivery, shardId, {
      records: batch.records.slice(deliveredCount),
      failureCount: (deliveredCount > 0 ? 0 : batch.failureCount) + 1,
    });
    work.unshift(...rest);
  }
  return true;
};

const discardOld = async (
  delivery: StreamDelivery,
  shardId: string,
  batch: Attempted,
): Promise<Attempted> => {
  const { recordAgeMaxMs } = delivery.setting;
  if (recordAgeMaxMs < 0) return batch;
  const oldestMs = delivery.context.clock.nowMs() - recordAgeMaxMs;
  const old = batch.records.filter(({ arrivalMs }) => arrivalMs < oldestMs);
  if (old.length === 0) return batch;
  await discard(delivery, {
    shardId,
    records: old,
    condition: 'RecordAgeExceeded',
    count: batch.failureCount,
  });
  return { ...batch, records: batch.records.filter(({ arrivalMs }) => arrivalMs >= oldestMs) };
};

/** Number of records, from the first, that the function has dealt with. */
const attempt = async (
  delivery: StreamDelivery,
  shardId: string,
  records: readonly SourceRecord[],
): Promise<number> => {
  const { setting, context, counts, sourceArn } = delivery;
  const place: BatchPlace = {
    mappingId: setting.id,
    shardId,
    recordCount: records.length,
    delivery: counts.invocations,
  };
  counts.invocations++;
  try {
    const answer = await invokeParked(context, {
      Records: records.map(({ event }) => ({ ...event, eventSourceARN: sourceArn })),
    });
    if (delivery.faults().loseAnswer?.(place) === true) throw new Error('the answer was lost on purpose');
    const failed = setting.reportsItemFailures ? failedItems(answer) : [];
    if (failed.length === 0) return records.length;
    counts.failedInvocations++;
    return Math.min(
      ...failed.map((item) =>
        Math.max(
          0,
          records.findIndex(({ sequenceNumber }) => sequenceNumber === item),
        ),
      ),
    );
  } catch (error) {
    counts.failedInvocations++;
    context.log(`mapping ${setting.id}: batch of ${records.length} failed: ${messageOf(error)}`);
    return 0;
  }
};

const afterFailure = async (
  delivery: StreamDelivery,
  shardId: string,
  { records, failureCount }: Attempted,
): Promise<readonly Attempted[]> => {
  const { setting, context, counts } = delivery;
  if (setting.bisects && records.length > 1) {
    counts.bisections++;
    await pause(context, backoffMs(failureCount));
    const middle = records.length >> 1;
    return [
      { records: records.slice(0, middle), failureCount: failureCount - 1 },
      { records: records.slice(middle), failureCount: failureCount - 1 },
    ];
  }
  if (setting.retriesMax >= 0 && failureCount > setting.retriesMax) {
    await discard(delivery, { shardId, records, condition: 'RetryAttemptsExhausted', count: failureCount });
    return [];
  }
  await pause(context, backoffMs(failureCount));
  return [{ records, failureCount }];
};

const backoffMs = (failureCount: number): number =>
  Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(20, failureCount - 1));

interface Discarded {
  readonly shardId: string;
  readonly records: readonly SourceRecord[];
  readonly condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded';
  readonly count: number;
}

const discard = async (delivery: StreamDelivery, discarded: Discarded): Promise<void> => {
  const { setting, context, counts } = delivery;
  counts.discarded += discarded.records.length;
  context.log(
    `mapping ${setting.id}: gives up ${discarded.records.length} records of ${discarded.shardId}: ${discarded.condition}`,
  );
  if (setting.failureQueueArn === undefined) return;
  await context.sendFailure(setting.failureQueueArn, JSON.stringify(failureRecord(delivery, discarded)));
};

const failureRecord = (
  { setting, context, sourceArn }: StreamDelivery,
  { shardId, records, condition, count }: Discarded,
): Readonly<Record<string, unknown>> => {
  const first = records[0];
  const last = records.at(-1);
  return {
    requestContext: {
      requestId: `${setting.id}/${shardId}/${first?.position ?? 0}`,
      functionArn: setting.functionReference,
      condition,
      approximateInvokeCount: count,
    },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    version: '1.0',
    timestamp: new Date(context.clock.nowMs()).toISOString(),
    [sourceArn.includes(':kinesis:') ? 'KinesisBatchInfo' : 'DDBStreamBatchInfo']: {
      shardId,
      startSequenceNumber: first?.sequenceNumber,
      endSequenceNumber: last?.sequenceNumber,
      approximateArrivalOfFirstRecord: new Date(first?.arrivalMs ?? 0).toISOString(),
      approximateArrivalOfLastRecord: new Date(last?.arrivalMs ?? 0).toISOString(),
      batchSize: records.length,
      streamArn: sourceArn,
    },
  };
};
