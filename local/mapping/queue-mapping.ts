/**
 * An event source mapping over an SQS queue: several batches in flight up to its maximum concurrency, messages
 * deleted after success, failed ones left to their visibility timeout. Order within a FIFO group is the queue's:
 * it hands out a group only while none of its messages is in flight.
 */
import type { QueueMessage, QueueSource } from '#local/kernel/queue-source.ts';
import { recordFilter } from '#local/mapping/filter.ts';
import type { MappingSetting } from '#local/mapping/mapping-setting.ts';
import { zeroCounts } from '#local/mapping/mapping.ts';
import { deliverMessages, isWanted } from '#local/mapping/queue-delivery.ts';
import type { QueueDelivery } from '#local/mapping/queue-delivery.ts';
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
  let faults: MappingFaults = {};
  let isRunning = false;
  let isPumping = false;
  let inFlightCount = 0;
  let windowCount = 0;
  const collected: QueueMessage[] = [];
  const delivery: QueueDelivery = {
    ...parts,
    counts,
    passes: recordFilter(setting.patterns),
    faults: () => faults,
  };

  const begin = (messages: readonly QueueMessage[]): void => {
    const wanted = messages.filter((message) => isWanted(delivery, message));
    if (wanted.length === 0) return;
    inFlightCount++;
    const end = context.activity.begin();
    void deliverMessages(delivery, wanted).finally(() => {
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
      collected.push(...receiveUpTo(source, countMax - collected.length));
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

/** As many as are there, over several receives when the batch is larger than one. */
const receiveUpTo = (source: QueueSource, countMax: number): readonly QueueMessage[] => {
  const messages: QueueMessage[] = [];
  while (messages.length < countMax) {
    const more = source.receive(Math.min(RECEIVE_MAX, countMax - messages.length));
    if (more.length === 0) break;
    messages.push(...more);
  }
  return messages;
};
