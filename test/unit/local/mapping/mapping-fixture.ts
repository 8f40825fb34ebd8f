/** A tiny stream, queue and clock for mappings, until time and answers are under the test's control. */
import { activityCounter } from '#local/kernel/activity.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import type { Json } from '#local/kernel/engine.ts';
import { memoryJournal } from '#local/kernel/journal.ts';
import type { QueueMessage, QueueSource } from '#local/kernel/queue-source.ts';
import type { RecordSource, SourceRecord } from '#local/kernel/record-source.ts';
import type { MappingSetting } from '#local/mapping/mapping-setting.ts';
import type { MappingContext } from '#local/mapping/mapping.ts';

export const startMs = 1_800_000_000_000;

/** The records of a Lambda event, by the place their test gave them. */
export type Batch = readonly Json[];

export interface Bench {
  readonly clock: ReturnType<typeof virtualClock>;
  readonly context: MappingContext;
  readonly batches: Batch[];
  readonly failures: { readonly queueArn: string; readonly body: Json }[];
  readonly logs: string[];
  /** Lets everything happen that can happen now. */
  readonly settle: () => Promise<void>;
  /** Settles, and moves time over the given span, timer by timer. */
  readonly advance: (byMs: number) => Promise<void>;
}

/** A context whose function is the given one; it sees the records of each batch. */
export const bench = (answer: (batch: Batch, call: number) => unknown = () => undefined): Bench => {
  const clock = virtualClock(startMs);
  const activity = activityCounter();
  const batches: Batch[] = [];
  const failures: { queueArn: string; body: Json }[] = [];
  const logs: string[] = [];
  const settle = async (): Promise<void> => {
    for (let calm = 0; calm < 3; calm = activity.inFlightCount() === 0 ? calm + 1 : 0)
      await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    clock,
    batches,
    failures,
    logs,
    settle,
    advance: async (byMs) => {
      const limitMs = clock.nowMs() + byMs;
      await settle();
      while (clock.step(limitMs)) await settle();
      clock.jump(limitMs);
    },
    context: {
      clock,
      activity,
      journal: memoryJournal,
      log: (text) => logs.push(text),
      invoke: async (event) => {
        const batch = event['Records'] as Batch;
        batches.push(batch);
        const end = activity.begin();
        try {
          return await answer(batch, batches.length - 1);
        } finally {
          end();
        }
      },
      sendFailure: async (queueArn, body) => {
        failures.push({ queueArn, body: JSON.parse(body) as Json });
      },
    },
  };
};

export interface TestStream extends RecordSource {
  readonly add: (data: unknown, shardId?: string) => void;
  readonly trim: (count: number) => void;
}

/** A Kinesis stream with one shard that arrives when `add` is called. */
export const testStream = (
  nowMs: () => number,
  shardIds: readonly string[] = ['shardId-000000000000'],
): TestStream => {
  const shards = new Map(shardIds.map((shardId) => [shardId, [] as SourceRecord[]]));
  const listeners: ((shardId: string) => void)[] = [];
  let trimmedCount = 0;
  const only = shardIds[0] ?? '';
  return {
    arn: 'arn:aws:kinesis:us-east-1:000000000000:stream/market',
    shardIds: () => shardIds,
    trimHorizon: () => trimmedCount,
    latest: (shardId) => shards.get(shardId)?.length ?? 0,
    read: (shardId, from, limitCount) => (shards.get(shardId) ?? []).slice(from, from + limitCount),
    watch: (listener) => listeners.push(listener),
    trim: (count) => {
      trimmedCount = count;
    },
    add: (data, shardId = only) => {
      const records = shards.get(shardId) ?? [];
      const sequenceNumber = String(1000 + records.length);
      const partitionKey = typeof data === 'object' && data !== null ? JSON.stringify(data) : String(data);
      records.push({
        position: records.length,
        sequenceNumber,
        partitionKey,
        arrivalMs: nowMs(),
        event: {
          eventID: `${shardId}:${sequenceNumber}`,
          eventSource: 'aws:kinesis',
          kinesis: {
            partitionKey,
            sequenceNumber,
            data: Buffer.from(JSON.stringify(data)).toString('base64'),
          },
        },
      });
      for (const listener of listeners) listener(shardId);
    },
  };
};

/** What was put into the records of a batch. */
export const dataOf = (batch: Batch): readonly unknown[] =>
  batch.map(({ kinesis }): unknown =>
    JSON.parse(Buffer.from((kinesis as { data: string }).data, 'base64').toString('utf8')),
  );

export const sequencesOf = (batch: Batch): readonly string[] =>
  batch.map(({ kinesis }) => (kinesis as { sequenceNumber: string }).sequenceNumber);

export interface TestQueue extends QueueSource {
  readonly send: (body: string, options?: { readonly group?: string; readonly traceHeader?: string }) => void;
  readonly bodies: () => readonly string[];
  readonly discarded: readonly string[];
  /** Makes everything in flight visible again. */
  readonly expire: () => void;
}

/** A queue whose messages stay hidden until `expire`; groups are locked while one of them is in flight. */
export const testQueue = (): TestQueue => {
  const messages: { message: QueueMessage; group: string | undefined; isHidden: boolean }[] = [];
  const listeners: (() => void)[] = [];
  const discarded: string[] = [];
  let sentCount = 0;
  const notify = (): void => {
    for (const listener of listeners) listener();
  };
  const drop = ({ MessageId }: QueueMessage): void => {
    const index = messages.findIndex(({ message }) => message.MessageId === MessageId);
    if (index >= 0) messages.splice(index, 1);
    notify();
  };
  return {
    arn: 'arn:aws:sqs:us-east-1:000000000000:work.fifo',
    discarded,
    bodies: () => messages.map(({ message }) => message.Body),
    watch: (listener) => listeners.push(listener),
    receive: (countMax) => {
      const locked = new Set(messages.filter(({ isHidden }) => isHidden).map(({ group }) => group));
      const taken = messages
        .filter(({ group, isHidden }) => !isHidden && (group === undefined || !locked.has(group)))
        .slice(0, countMax);
      for (const entry of taken) entry.isHidden = true;
      return taken.map(({ message }) => message);
    },
    remove: drop,
    discard: (message) => {
      discarded.push(message.Body);
      drop(message);
    },
    expire: () => {
      for (const entry of messages) entry.isHidden = false;
      notify();
    },
    send: (body, { group, traceHeader } = {}) => {
      sentCount++;
      messages.push({
        group,
        isHidden: false,
        message: {
          MessageId: `message-${sentCount}`,
          ReceiptHandle: `handle-${sentCount}`,
          Body: body,
          MD5OfBody: '',
          Attributes: {
            ...(group === undefined ? {} : { MessageGroupId: group }),
            ...(traceHeader === undefined ? {} : { AWSTraceHeader: traceHeader }),
          },
        },
      });
      notify();
    },
  };
};

/** A setting with the defaults of AWS but for what the test says. */
export const setting = (given: Partial<MappingSetting> = {}): MappingSetting => ({
  id: 'stack/Mapping',
  sourceArn: 'arn:aws:kinesis:us-east-1:000000000000:stream/market',
  functionReference: 'fn',
  isEnabled: true,
  batchSize: 100,
  batchingWindowMs: 0,
  startsAt: 'TRIM_HORIZON',
  parallelizationFactor: 1,
  bisects: false,
  retriesMax: -1,
  recordAgeMaxMs: -1,
  reportsItemFailures: false,
  patterns: [],
  concurrencyMax: 5,
  ...given,
});
