/**
 * The physical changes of SQS, and the only place that makes them: a live operation applies its change and
 * appends it to the journal, a boot applies what the journal holds. Being in flight is not among them: after a
 * restart every message that was in flight is visible at once, with the count of its receives.
 */
import type { StoredMessage } from './message.ts';
import type { Deduplication, Queue } from './queue.ts';
import { addMessage, dropMessage, emptyQueue, purge, redelay, showDue } from './queue.ts';

/** What of a queue outlives a restart besides its messages. */
export interface QueueFacts {
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  readonly purgedAtMs?: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly nextPosition: number;
}

/** A finished redrive of a dead-letter queue. */
export interface MoveTask {
  readonly handle: string;
  readonly startedAtMs: number;
  readonly destinationArn?: string;
  readonly perSecondMax?: number;
  readonly movedCount: number;
  readonly toMoveCount: number;
  readonly failureReason?: string;
}

/** A send that is remembered against duplicates. */
export type DeduplicationRow = readonly [key: string, sentAtMs: number, messageId: string, position: number];

/** A change as the journal has it. */
export type SqsChange =
  | readonly ['create', queue: string, facts: QueueFacts]
  | readonly ['delete', queue: string]
  | readonly ['attributes', queue: string, atMs: number, attributes: Readonly<Record<string, string>>]
  | readonly ['tags', queue: string, tags: Readonly<Record<string, string>>]
  | readonly ['send', queue: string, message: StoredMessage]
  | readonly ['place', queue: string, atMs: number, messages: readonly StoredMessage[]]
  | readonly ['deduplicate', queue: string, rows: readonly DeduplicationRow[]]
  | readonly ['receive', queue: string, atMs: number, positions: readonly number[]]
  | readonly ['remove', queue: string, positions: readonly number[]]
  | readonly ['purge', queue: string, atMs: number]
  | readonly ['move', queue: string, position: number, to: string, atMs: number, message: StoredMessage]
  | readonly ['moveTask', queue: string, task: MoveTask];

/** All that SQS knows. */
export interface SqsState {
  readonly queues: Map<string, Queue>;
  /** The latest move tasks of each queue that was a source, newest first. */
  readonly moveTasks: Map<string, readonly MoveTask[]>;
}

const DEDUPLICATION_MS = 300_000;
const FORGET_EVERY_MS = 60_000;
const MOVE_TASKS_KEPT = 10;

/** What a deduplication id is compared under: the queue, or the group when the queue says so. */
export const deduplicationKey = (queue: Queue, groupId: string, deduplicationId: string): string =>
  queue.attributes['DeduplicationScope'] === 'messageGroup'
    ? `${groupId} ${deduplicationId}`
    : deduplicationId;

/** Whether a send at the instant is a duplicate of the remembered one. */
export const isRemembered = ({ sentAtMs }: Deduplication, nowMs: number): boolean =>
  sentAtMs + DEDUPLICATION_MS > nowMs;

/**
 * Drops what is no longer remembered, at most once a minute: a map that loses its oldest entries one by one is
 * slow to find its first.
 */
const forgetDeduplications = (queue: Queue, nowMs: number): void => {
  if (nowMs < queue.forgottenAtMs + FORGET_EVERY_MS) return;
  queue.forgottenAtMs = nowMs;
  for (const [key, deduplication] of queue.deduplications) {
    if (isRemembered(deduplication, nowMs)) return;
    queue.deduplications.delete(key);
  }
};

const send = (queue: Queue, message: StoredMessage): void => {
  const { sentAtMs, groupId = '', deduplicationId, id, position } = message;
  addMessage(queue, message, sentAtMs);
  if (!queue.isFifo || deduplicationId === undefined) return;
  const key = deduplicationKey(queue, groupId, deduplicationId);
  forgetDeduplications(queue, sentAtMs);
  queue.deduplications.delete(key);
  queue.deduplications.set(key, { sentAtMs, messageId: id, position });
};

const receive = (queue: Queue, atMs: number, positions: readonly number[]): void => {
  for (const position of positions) {
    const message = queue.messages.get(position);
    if (!message) continue;
    message.receivedCount += 1;
    message.firstReceivedAtMs ??= atMs;
  }
};

const remove = (queue: Queue, positions: readonly number[]): void => {
  for (const position of positions) {
    const message = queue.messages.get(position);
    if (message) dropMessage(queue, message);
  }
};

const setAttributes = (queue: Queue, atMs: number, attributes: Readonly<Record<string, string>>): void => {
  const isRedelayed = queue.isFifo && attributes['DelaySeconds'] !== queue.attributes['DelaySeconds'];
  showDue(queue, atMs);
  queue.attributes = attributes;
  queue.modifiedAtMs = atMs;
  if (isRedelayed) redelay(queue, atMs);
};

const create = (state: SqsState, name: string, { purgedAtMs, ...facts }: QueueFacts): void => {
  state.queues.set(name, emptyQueue(name, { ...facts, purgedAtMs }));
};

const named = (state: SqsState, name: string): Queue => {
  const queue = state.queues.get(name);
  if (!queue) throw new Error(`the journal changes queue ${name}, which does not exist`);
  return queue;
};

/** Makes the change; a queue it names exists, because every change was made before in this order. */
export const applyChange = (state: SqsState, change: SqsChange): void => {
  const [kind, name] = change;
  if (kind === 'create') {
    create(state, name, change[2]);
    return;
  }
  const queue = named(state, name);
  switch (change[0]) {
    case 'delete':
      state.queues.delete(name);
      state.moveTasks.delete(name);
      break;
    case 'attributes':
      setAttributes(queue, change[2], change[3]);
      break;
    case 'tags':
      queue.tags = change[2];
      break;
    case 'send':
      send(queue, change[2]);
      break;
    case 'place':
      for (const message of change[3]) addMessage(queue, message, change[2]);
      break;
    case 'deduplicate':
      for (const [key, sentAtMs, messageId, position] of change[2]) {
        queue.deduplications.set(key, { sentAtMs, messageId, position });
      }
      break;
    case 'receive':
      receive(queue, change[2], change[3]);
      break;
    case 'remove':
      remove(queue, change[2]);
      break;
    case 'purge':
      purge(queue);
      queue.purgedAtMs = change[2];
      break;
    case 'move':
      remove(queue, [change[2]]);
      addMessage(named(state, change[3]), change[5], change[4]);
      break;
    case 'moveTask': {
      const earlier = state.moveTasks.get(name) ?? [];
      state.moveTasks.set(name, [change[2], ...earlier].slice(0, MOVE_TASKS_KEPT));
      break;
    }
  }
};
