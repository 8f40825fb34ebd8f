/**
 * One queue and its messages, arranged so that nothing scans them: heaps by place, by instant and by expiry.
 * In a FIFO queue the messages of a group wait in the group, and the group is open while none is in flight.
 */
import { heapAdd, heapRemove } from './heap.ts';
import type { Message, StoredMessage } from './message.ts';

/** The messages of one group of a FIFO queue. */
export interface Group {
  readonly id: string;
  /** Ready messages, by place. */
  readonly ready: Message[];
  /** Messages of the group in the queue, whatever their status. */
  count: number;
  inFlightCount: number;
  lastAvailableAtMs: number;
  /** Index in the heap of open groups; -1 when the group is closed. */
  index: number;
  /** Place of the first ready message when the group was opened. */
  place: number;
}

/** The send under a deduplication id that later ones repeat. */
export interface Deduplication {
  readonly sentAtMs: number;
  readonly messageId: string;
  readonly position: number;
}

/** A queue with its messages. */
export interface Queue {
  readonly name: string;
  readonly isFifo: boolean;
  readonly createdAtMs: number;
  modifiedAtMs: number;
  purgedAtMs: number | undefined;
  attributes: Readonly<Record<string, string>>;
  tags: Readonly<Record<string, string>>;
  nextPosition: number;
  readonly messages: Map<number, Message>;
  /** Ready messages of a standard queue, by place. */
  readonly ready: Message[];
  readonly groups: Map<string, Group>;
  readonly openGroups: Group[];
  /** Delayed messages and those in flight, by the instant they become visible. */
  readonly due: Message[];
  readonly expiring: Message[];
  delayedCount: number;
  inFlightCount: number;
  /** Oldest first, by the key of `deduplicationKey`. */
  readonly deduplications: Map<string, Deduplication>;
  /** When expired deduplications were last dropped. */
  forgottenAtMs: number;
  /** Something became receivable since this was last set back. */
  hasNews: boolean;
}

const isPlacedBefore = (left: Message, right: Message): boolean =>
  left.stored.position < right.stored.position;

const messageIndex = {
  setIndex: (message: Message, index: number) => {
    message.index = index;
  },
  indexOf: (message: Message) => message.index,
};

const byPlace = { isBefore: isPlacedBefore, ...messageIndex };

const byDue = {
  isBefore: (left: Message, right: Message) =>
    left.dueAtMs === right.dueAtMs ? isPlacedBefore(left, right) : left.dueAtMs < right.dueAtMs,
  ...messageIndex,
};

const byExpiry = {
  isBefore: (left: Message, right: Message) => left.stored.sentAtMs < right.stored.sentAtMs,
  setIndex: (message: Message, index: number) => {
    message.expiryIndex = index;
  },
  indexOf: (message: Message) => message.expiryIndex,
};

const openOrder = {
  isBefore: (left: Group, right: Group) => left.place < right.place,
  setIndex: (group: Group, index: number) => {
    group.index = index;
  },
  indexOf: (group: Group) => group.index,
};

/** An empty queue. */
export const emptyQueue = (
  name: string,
  facts: Pick<Queue, 'createdAtMs' | 'modifiedAtMs' | 'purgedAtMs' | 'attributes' | 'tags' | 'nextPosition'>,
): Queue => ({
  ...facts,
  name,
  isFifo: name.endsWith('.fifo'),
  messages: new Map(),
  ready: [],
  groups: new Map(),
  openGroups: [],
  due: [],
  expiring: [],
  delayedCount: 0,
  inFlightCount: 0,
  deduplications: new Map(),
  forgottenAtMs: 0,
  hasNews: false,
});

/** An attribute that counts seconds, in milliseconds. */
export const durationMs = (queue: Queue, attribute: string): number =>
  Number(queue.attributes[attribute]) * 1000;

const groupOf = (queue: Queue, { stored }: Message): Group => {
  const id = stored.groupId ?? '';
  const known = queue.groups.get(id);
  if (known) return known;
  const group = { id, ready: [], count: 0, inFlightCount: 0, lastAvailableAtMs: 0, index: -1, place: 0 };
  queue.groups.set(id, group);
  return group;
};

/** Opens, closes or moves the group among the open ones, as its messages demand. */
const arrangeGroup = (queue: Queue, group: Group): void => {
  const first = group.inFlightCount === 0 ? group.ready[0] : undefined;
  if (group.index >= 0) {
    if (first && group.place === first.stored.position) return;
    heapRemove(queue.openGroups, openOrder, group);
  }
  if (first) {
    group.place = first.stored.position;
    heapAdd(queue.openGroups, openOrder, group);
    queue.hasNews = true;
  }
  if (group.count === 0) queue.groups.delete(group.id);
};

const makeReady = (queue: Queue, message: Message): void => {
  message.status = 'ready';
  if (queue.isFifo) {
    const group = groupOf(queue, message);
    heapAdd(group.ready, byPlace, message);
    arrangeGroup(queue, group);
  } else {
    heapAdd(queue.ready, byPlace, message);
    queue.hasNews = true;
  }
};

const delay = (queue: Queue, message: Message, untilMs: number): void => {
  message.status = 'delayed';
  message.dueAtMs = untilMs;
  queue.delayedCount += 1;
  heapAdd(queue.due, byDue, message);
};

/** Takes the message out of where its status keeps it. */
const detach = (queue: Queue, message: Message): void => {
  const group = queue.isFifo ? groupOf(queue, message) : undefined;
  if (message.status === 'ready') {
    heapRemove(group ? group.ready : queue.ready, byPlace, message);
  } else {
    heapRemove(queue.due, byDue, message);
    if (message.status === 'delayed') queue.delayedCount -= 1;
    else {
      queue.inFlightCount -= 1;
      if (group) group.inFlightCount -= 1;
    }
  }
  if (group) arrangeGroup(queue, group);
};

/** Puts a message into the queue; it is delayed when its time has not come. */
export const addMessage = (queue: Queue, stored: StoredMessage, nowMs: number): void => {
  const message: Message = {
    stored,
    status: 'gone',
    receivedCount: stored.receivedCount,
    firstReceivedAtMs: stored.firstReceivedAtMs,
    dueAtMs: 0,
    receivedAtMs: 0,
    index: -1,
    expiryIndex: -1,
    bodyMd5: undefined,
  };
  queue.messages.set(stored.position, message);
  queue.nextPosition = Math.max(queue.nextPosition, stored.position + 1);
  heapAdd(queue.expiring, byExpiry, message);
  let availableAtMs = stored.availableAtMs;
  if (queue.isFifo) {
    const group = groupOf(queue, message);
    group.count += 1;
    // A message never overtakes an earlier one of its group that is still delayed.
    availableAtMs = Math.max(availableAtMs, group.lastAvailableAtMs);
    group.lastAvailableAtMs = availableAtMs;
  }
  if (availableAtMs > nowMs) delay(queue, message, availableAtMs);
  else makeReady(queue, message);
};

/** Takes the message out of the queue for good. */
export const dropMessage = (queue: Queue, message: Message): void => {
  if (queue.isFifo) groupOf(queue, message).count -= 1;
  detach(queue, message);
  heapRemove(queue.expiring, byExpiry, message);
  message.status = 'gone';
  queue.messages.delete(message.stored.position);
};

/** Hides a message until the instant, as a receive or a change of visibility does. */
export const hideMessage = (queue: Queue, message: Message, untilMs: number): void => {
  const group = queue.isFifo ? groupOf(queue, message) : undefined;
  if (group) group.inFlightCount += 1;
  detach(queue, message);
  message.status = 'inFlight';
  message.dueAtMs = untilMs;
  queue.inFlightCount += 1;
  heapAdd(queue.due, byDue, message);
};

/** Makes a message in flight or delayed visible. */
export const showMessage = (queue: Queue, message: Message): void => {
  detach(queue, message);
  makeReady(queue, message);
};

/** Makes visible what is due. */
export const showDue = (queue: Queue, nowMs: number): void => {
  for (let first = queue.due[0]; first && first.dueAtMs <= nowMs; first = queue.due[0]) {
    showMessage(queue, first);
  }
};

/** The oldest message when its retention period is over. */
export const expiredMessage = (queue: Queue, nowMs: number): Message | undefined => {
  const oldest = queue.expiring[0];
  return oldest && oldest.stored.sentAtMs + durationMs(queue, 'MessageRetentionPeriod') <= nowMs
    ? oldest
    : undefined;
};

/** Whether a receive would find a message. */
export const hasReceivable = (queue: Queue): boolean =>
  queue.isFifo ? queue.openGroups.length > 0 : queue.ready.length > 0;

/** The message a receive takes next; in FIFO queues one of the group it has taken from, as long as there is one. */
export const nextMessage = (queue: Queue, takenFrom: string | undefined): Message | undefined => {
  if (!queue.isFifo) return queue.ready[0];
  const current = takenFrom === undefined ? undefined : queue.groups.get(takenFrom)?.ready[0];
  return current ?? queue.openGroups[0]?.ready[0];
};

/** Gives all delayed messages of a FIFO queue the delay the queue has now. */
export const redelay = (queue: Queue, nowMs: number): void => {
  const delayMs = durationMs(queue, 'DelaySeconds');
  for (const group of queue.groups.values()) group.lastAvailableAtMs = 0;
  const delayed = queue.due.filter(({ status }) => status === 'delayed');
  for (const message of delayed.sort((a, b) => a.stored.position - b.stored.position)) {
    const group = groupOf(queue, message);
    const untilMs = Math.max(message.stored.sentAtMs + delayMs, group.lastAvailableAtMs);
    group.lastAvailableAtMs = untilMs;
    detach(queue, message);
    if (untilMs > nowMs) delay(queue, message, untilMs);
    else makeReady(queue, message);
  }
};

/** Empties the queue. */
export const purge = (queue: Queue): void => {
  queue.messages.clear();
  queue.groups.clear();
  for (const heap of [queue.ready, queue.openGroups, queue.due, queue.expiring]) heap.length = 0;
  queue.delayedCount = 0;
  queue.inFlightCount = 0;
};
