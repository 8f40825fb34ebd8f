/** The entries that rebuild a queue from nothing. */
import type { SqsChange } from './change.ts';
import { isRemembered } from './change.ts';
import type { SqsContext } from './context.ts';
import { bringUpToDate, nowMs } from './context.ts';
import type { Message, StoredMessage } from './message.ts';
import { storeMessage } from './message.ts';
import type { Queue } from './queue.ts';

const ROWS_PER_ENTRY = 500;

function* inParts<Item>(items: Iterable<Item>): Generator<readonly Item[]> {
  let part: Item[] = [];
  for (const item of items) {
    part.push(item);
    if (part.length < ROWS_PER_ENTRY) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

/** A delayed message of a FIFO queue keeps the delay it has now, which the queue may have changed since. */
const placed = (message: Message): StoredMessage => ({
  ...storeMessage(message),
  ...(message.status === 'delayed' ? { availableAtMs: message.dueAtMs } : {}),
});

/** The queue, its messages by place, what it remembers against duplicates, and its move tasks. */
export function* snapshotQueue(context: SqsContext, queue: Queue): Generator<SqsChange> {
  bringUpToDate(context, queue);
  const { name, createdAtMs, modifiedAtMs, purgedAtMs, attributes, tags, nextPosition } = queue;
  yield [
    'create',
    name,
    {
      createdAtMs,
      modifiedAtMs,
      ...(purgedAtMs === undefined ? {} : { purgedAtMs }),
      attributes,
      tags,
      nextPosition,
    },
  ];
  for (const messages of inParts([...queue.messages.values()].map(placed))) {
    yield ['place', name, nowMs(context), messages];
  }
  const remembered = [...queue.deduplications].filter(([, one]) => isRemembered(one, nowMs(context)));
  const rows = remembered.map(
    ([key, { sentAtMs, messageId, position }]) => [key, sentAtMs, messageId, position] as const,
  );
  for (const part of inParts(rows)) yield ['deduplicate', name, part];
  for (const task of [...(context.state.moveTasks.get(name) ?? [])].reverse()) {
    yield ['moveTask', name, task];
  }
}
