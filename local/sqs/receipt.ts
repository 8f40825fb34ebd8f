/** Receipt handles: which receive of which message they stand for. They outlive a restart. */
import { invalidReceiptHandle } from './refusal.ts';
import type { Message } from './message.ts';
import type { Queue } from './queue.ts';

interface Receipt {
  readonly queueName: string;
  readonly position: number;
  readonly receivedCount: number;
  readonly messageId: string;
}

const RECEIPT = /^([A-Za-z0-9_.-]+) (\d+) (\d+) (\S+)$/;

/** The handle of the latest receive of the message. */
export const receiptHandle = (queue: Queue, { stored, receivedCount }: Message): string =>
  Buffer.from(`${queue.name} ${String(stored.position)} ${String(receivedCount)} ${stored.id}`).toString(
    'base64',
  );

const parseReceipt = (handle: string): Receipt | undefined => {
  const [, queueName, position, receivedCount, messageId] =
    RECEIPT.exec(Buffer.from(handle, 'base64').toString('latin1')) ?? [];
  if (queueName === undefined || messageId === undefined) return undefined;
  return { queueName, position: Number(position), receivedCount: Number(receivedCount), messageId };
};

/** The message of the handle unless it is gone, and whether no later receive has taken it. */
export const resolveReceipt = (
  queue: Queue,
  handle: string,
): { readonly message: Message | undefined; readonly isLatest: boolean } => {
  const receipt = parseReceipt(handle);
  if (receipt?.queueName !== queue.name) throw invalidReceiptHandle(handle);
  const found = queue.messages.get(receipt.position);
  const message = found?.stored.id === receipt.messageId ? found : undefined;
  return { message, isLatest: message?.receivedCount === receipt.receivedCount };
};
