/** Delivers one batch of a queue: filters it, runs the function in the chain of its messages, deletes what succeeded. */
import type { QueueMessage, QueueSource } from '#local/kernel/queue-source.ts';
import type { RecordFilter } from '#local/mapping/filter.ts';
import { HOPS_MAX, addHop, mergeLineages, readTraceHeader, withLineage } from '#local/mapping/lineage.ts';
import type { MappingSetting } from '#local/mapping/mapping-setting.ts';
import { failedItems, invokeParked, messageOf } from '#local/mapping/mapping.ts';
import type { BatchPlace, MappingContext, MappingFaults, MutableCounts } from '#local/mapping/mapping.ts';

/** What the deliveries of one queue mapping share. */
export interface QueueDelivery {
  readonly setting: MappingSetting;
  readonly source: QueueSource;
  readonly context: MappingContext;
  readonly counts: MutableCounts;
  readonly functionName: string;
  readonly mayLoop: boolean;
  readonly passes: RecordFilter;
  readonly faults: () => MappingFaults;
}

/** Whether the function shall see the message; one of too long a chain is discarded, an unwanted one removed. */
export const isWanted = (delivery: QueueDelivery, message: QueueMessage): boolean => {
  const { setting, source, context, counts, functionName } = delivery;
  if (!delivery.mayLoop && hopsOf(message, functionName) >= HOPS_MAX) {
    counts.loopsStopped++;
    counts.discarded++;
    context.log(`mapping ${setting.id}: stops a loop of ${functionName} after ${HOPS_MAX} hops`);
    source.discard(message);
    return false;
  }
  if (delivery.passes(filterView(message))) return true;
  counts.filteredOut++;
  source.remove(message);
  return false;
};

/** Ends when the function has answered or failed; what it did not finish stays hidden until its timeout. */
export const deliverMessages = async (
  delivery: QueueDelivery,
  messages: readonly QueueMessage[],
): Promise<void> => {
  const { setting, context, counts } = delivery;
  const place = { mappingId: setting.id, recordCount: messages.length, delivery: counts.invocations };
  counts.invocations++;
  try {
    await context.journal.durable();
    const failed = await invokeWith(delivery, messages, place);
    if (failed.size > 0) counts.failedInvocations++;
    const isRedelivered = delivery.faults().redeliver?.(place) === true;
    for (const message of messages) {
      if (failed.has(message.MessageId)) continue;
      counts.delivered++;
      if (!isRedelivered) delivery.source.remove(message);
    }
  } catch (error) {
    counts.failedInvocations++;
    context.log(`mapping ${setting.id}: batch of ${messages.length} failed: ${messageOf(error)}`);
  }
};

/** Ids of the messages the function reported as failed. */
const invokeWith = async (
  { setting, source, context, functionName, faults }: QueueDelivery,
  messages: readonly QueueMessage[],
  place: BatchPlace,
): Promise<ReadonlySet<string>> => {
  const chains = messages.map(({ Attributes }) => readTraceHeader(Attributes['AWSTraceHeader']));
  const event = { Records: messages.map((message) => recordOf(message, source.arn)) };
  const answer = await withLineage(addHop(mergeLineages(chains), functionName), () =>
    invokeParked(context, event),
  );
  if (faults().loseAnswer?.(place) === true) throw new Error('the answer was lost on purpose');
  const failed = new Set(setting.reportsItemFailures ? failedItems(answer) : []);
  const known = new Set(messages.map(({ MessageId }) => MessageId));
  if ([...failed].some((item) => !known.has(item)))
    throw new Error('the function reported an item that is not in the batch');
  return failed;
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
