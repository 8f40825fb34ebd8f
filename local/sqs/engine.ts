/**
 * SQS in memory, standard and FIFO. What AWS does within a minute is done at once here: deletes, purges, changed
 * attributes, redrives. Permissions are not imitated, hence refused by name.
 */
import type { Engine, EngineSetting, Json, Operation } from '#local/kernel/engine.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import type { QueueSource } from '#local/kernel/queue-source.ts';
import type { Availability } from './availability.ts';
import { createAvailability } from './availability.ts';
import type { SqsChange, SqsState } from './change.ts';
import { applyChange } from './change.ts';
import type { SqsContext } from './context.ts';
import { queueName } from './context.ts';
import { listMoveTasks, startMoveTask } from './move-tasks.ts';
import * as queues from './queues.ts';
import { receiveMessage } from './receive.ts';
import { sendMessage, sendMessageBatch } from './send.ts';
import {
  changeVisibility,
  changeVisibilityBatch,
  deleteMessage,
  deleteMessageBatch,
} from './settle-messages.ts';
import { snapshotQueue } from './snapshot.ts';
import { queueSource } from './source.ts';

/** SQS as the cloud uses it. */
export interface Sqs {
  readonly engine: Engine;
  /** The queue of that name, ARN or URL for event source mappings; it may be created later. */
  readonly source: (nameOrArnOrUrl: string) => QueueSource;
}

/** The name under which SQS journals. */
const JOURNAL_NAME = 'sqs';
const DEFAULT_BASE_URL = 'http://127.0.0.1:4566';

const operationsOf = (context: SqsContext, availability: Availability): Record<string, Operation> => ({
  ChangeMessageVisibility: changeVisibility(context),
  ChangeMessageVisibilityBatch: changeVisibilityBatch(context),
  CreateQueue: queues.createQueue(context),
  DeleteMessage: deleteMessage(context),
  DeleteMessageBatch: deleteMessageBatch(context),
  DeleteQueue: queues.deleteQueue(context),
  GetQueueAttributes: queues.getQueueAttributes(context),
  GetQueueUrl: queues.getQueueUrl(context),
  ListDeadLetterSourceQueues: queues.listSources(context),
  ListMessageMoveTasks: listMoveTasks(context),
  ListQueueTags: queues.listQueueTags(context),
  ListQueues: queues.listQueues(context),
  PurgeQueue: queues.purgeQueue(context),
  ReceiveMessage: receiveMessage(context, availability),
  SendMessage: sendMessage(context),
  SendMessageBatch: sendMessageBatch(context),
  SetQueueAttributes: queues.setQueueAttributes(context),
  StartMessageMoveTask: startMoveTask(context),
  TagQueue: queues.tagQueue(context),
  UntagQueue: queues.untagQueue(context),
});

const settledAfter =
  (operation: Operation, availability: Availability): Operation =>
  (input: Json) => {
    try {
      return operation(input);
    } finally {
      availability.settle();
    }
  };

/** SQS without queues; `baseUrl` is where its queue URLs begin, `http://127.0.0.1:4566` by default. */
export const createSqs = (setting: EngineSetting & { readonly baseUrl?: () => string }): Sqs => {
  const state: SqsState = { queues: new Map(), moveTasks: new Map() };
  const context: SqsContext = {
    setting: { ...setting, baseUrl: setting.baseUrl ?? (() => DEFAULT_BASE_URL) },
    state,
    touched: new Set(),
    commit: (change) => {
      applyChange(state, change);
      setting.journal.append(JOURNAL_NAME, change);
    },
  };
  const availability = createAvailability(context);
  const operations = Object.fromEntries(
    Object.entries(operationsOf(context, availability)).map(([name, operation]) => [
      name,
      settledAfter(operation, availability),
    ]),
  );
  return {
    engine: {
      operations,
      // Entries come from our own journal, which has checked them against their checksum.
      restore: (entry: JournalEntry) => applyChange(state, entry as unknown as SqsChange),
      *snapshot() {
        for (const queue of state.queues.values()) yield* snapshotQueue(context, queue);
      },
    },
    source: (nameOrArnOrUrl) => queueSource(context, queueName(nameOrArnOrUrl), availability),
  };
};
