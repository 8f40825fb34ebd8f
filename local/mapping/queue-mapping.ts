/**
 * An event source mapping over an SQS queue: several batches in flight up to its maximum concurrency, messages
 * deleted after success, failed ones left to their visibility timeout. Order within a FIFO group is the queue's:
 * it hands out a group only while none of its messages is in flight.
 */
import type { QueueMessage, QueueSource } from '#local/kernel/queue-source.ts';
import { recordFilter } from '#local/mapping/filter.ts';
import { HOPS_MAX, addHop, mergeLineages, readTraceHeader, withLineage } from '#local/mapping/lineage.ts';
import type { MappingSetting } from '#local/mapping/mapping-setting.ts';
import { failedItems, invokeParked, messageOf, zeroCounts } from '#local/mapping/mapping.ts';
import type { Mapping, MappingContext, MappingFaults } from '#local/mapping/mapping.ts';

/** What a queue mapping is made of. */
export interface QueueMappingParts {
  readonly setting: MappingSetting;
  readonly source: QueueSource;
  readonly context: MappingContext;
  readonly functionName: string;
  /** The function sets `RecursiveLoop: Allow`. */
  readonly mayLoop: boolean;
}

/** SQS hands out at most this many messages in one receive. */
const RECEIVE_MAX = 10;

/** A queue mapping at rest; `start` makes it deliver. */
export const queueMapping = (parts: QueueMappingParts): Mapping => {
  const { setting, source, context } = parts;
  const counts = zeroCounts();
  const passes = recordFilter(setting.patterns);
  let faults: MappingFaults = {};
  let isRunning = false;
  let isPumping = false;
  let inFlightCount = 0;
  let windowCount = 0;
  const collected: QueueMessage[] = [];

  const receive = (countMax: number): QueueMessage[] => {
    const messages: QueueMessage[] = [];
    while (messages.length < countMax) {
      const more = source.receive(Math.min(RECEIVE_MAX, countMax - messages.length));
      if (more.length === 0) break;
      messages.push(...more);
    }
    return messages;
  };

  const keep = (message: QueueMessage): boolean => {
    if (!parts.mayLoop && hopsOf(message, parts.functionName) >= HOPS_MAX) {
      counts.loopsStopped++;
      counts.discarded++;
      context.log(`mapping ${setting.id}: stops a loop of ${parts.functionName} after ${HOPS_MAX} hops`);
      source.discard(message);
      return false;
    }
    if (passes(filterView(message))) return true;
    counts.filteredOut++;
    source.remove(message);
    return false;
  };

  const settleBatch = (
    messages: readonly QueueMessage[],
    failed: ReadonlySet<string>,
    isRedelivered: boolean,
  ) => {
    for (const message of messages) {
      if (failed.has(message.MessageId)) continue;
      counts.delivered++;
      if (!isRedelivered) source.remove(message);
    }
  };

  const deliver = async (messages: readonly QueueMessage[]): Promise<void> => {
    await context.journal.durable();
    const place = { mappingId: setting.id, recordCount: messages.length, delivery: counts.invocations };
    counts.invocations++;
    const lineage = addHop(
      mergeLineages(messages.map(({ Attributes }) => readTraceHeader(Attributes['AWSTraceHeader']))),
      parts.functionName,
    );
    try {
      const event = { Records: messages.map((message) => recordOf(message, source.arn)) };
      const answer = await withLineage(lineage, () => invokeParked(context, event));
      if (faults.loseAnswer?.(place) === true) throw new Error('the answer was lost on purpose');
      const failed = new Set(setting.reportsItemFailures ? failedItems(answer) : []);
      const known = new Set(messages.map(({ MessageId }) => MessageId));
      if ([...failed].some((item) => !known.has(item)))
        throw new Error('the function reported an item that is not in the batch');
      if (failed.size > 0) counts.failedInvocations++;
      settleBatch(messages, failed, faults.redeliver?.(place) === true);
    } catch (error) {
      counts.failedInvocations++;
      context.log(`mapping ${setting.id}: batch of ${messages.length} failed: ${messageOf(error)}`);
    }
  };

  const begin = (messages: readonly QueueMessage[]): void => {
    const wanted = messages.filter(keep);
    if (wanted.length === 0) return;
    inFlightCount++;
    const end = context.activity.begin();
    void deliver(wanted).finally(() => {
      inFlightCount--;
      kick();
      end();
    });
  };

  const pump = (): void => {
    isPumping = false;
    while (isRunning && inFlightCount < setting.concurrencyMax) {
      const place = { mappingId: setting.id, recordCount: 0, delivery: counts.invocations };
      const countMax = faults.take?.(place) ?? setting.batchSize;
      const isNew = collected.length === 0;
      collected.push(...receive(countMax - collected.length));
      if (collected.length === 0) return;
      if (collected.length < countMax && setting.batchingWindowMs > 0) {
        if (isNew) openWindow();
        return;
      }
      begin(collected.splice(0));
    }
  };

  /** Whatever has come when the window closes goes out, unless a full batch went before. */
  const openWindow = (): void => {
    const opened = ++windowCount;
    context.clock.at(context.clock.nowMs() + setting.batchingWindowMs, () => {
      if (opened === windowCount && collected.length > 0) begin(collected.splice(0));
    });
  };

  const kick = (): void => {
    if (!isRunning || isPumping) return;
    isPumping = true;
    const end = context.activity.begin();
    setImmediate(() => {
      pump();
      end();
    });
  };

  source.watch(kick);
  return {
    setting,
    counts: () => ({ ...counts }),
    idle: () => inFlightCount === 0 && !isPumping && collected.length === 0,
    inject: (next) => {
      faults = next;
    },
    start: () => {
      isRunning = setting.isEnabled;
      kick();
    },
    stop: () => {
      isRunning = false;
    },
  };
};

const hopsOf = ({ Attributes }: QueueMessage, functionName: string): number =>
  readTraceHeader(Attributes['AWSTraceHeader']).get(functionName) ?? 0;

const recordOf = (message: QueueMessage, arn: string): Readonly<Record<string, unknown>> => ({
  messageId: message.MessageId,
  receiptHandle: message.ReceiptHandle,
  body: message.Body,
  attributes: message.Attributes,
  messageAttributes: Object.fromEntries(
    Object.entries(message.MessageAttributes ?? {}).map(([name, attribute]) => [
      name,
      {
        dataType: attribute.DataType,
        ...(attribute.StringValue === undefined ? {} : { stringValue: attribute.StringValue }),
        ...(attribute.BinaryValue === undefined ? {} : { binaryValue: attribute.BinaryValue }),
        stringListValues: [],
        binaryListValues: [],
      },
    ]),
  ),
  md5OfBody: message.MD5OfBody,
  eventSource: 'aws:sqs',
  eventSourceARN: arn,
  awsRegion: arn.split(':')[3],
});

/** Queue patterns see the record with its body parsed when it is JSON. */
const filterView = (message: QueueMessage): unknown => {
  try {
    return { body: JSON.parse(message.Body) as unknown, attributes: message.Attributes };
  } catch {
    return { body: message.Body, attributes: message.Attributes };
  }
};
