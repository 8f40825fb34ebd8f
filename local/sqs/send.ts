/** SendMessage and SendMessageBatch. */
import { hash } from 'node:crypto';
import type { Json, Operation } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import { isCarriable, messageAttributes, systemAttributes } from './attribute-input.ts';
import { MESSAGE_BYTES_MAX } from './attributes.ts';
import { doEach } from './batch.ts';
import { deduplicationKey, isRemembered } from './change.ts';
import type { SqsContext } from './context.ts';
import { nowMs, queueOf } from './context.ts';
import { batchEntries, optionalInteger, optionalText, text } from './input.ts';
import type { MessageAttributes, StoredMessage } from './message.ts';
import { attributesMd5, messageBytes } from './message.ts';
import type { Deduplication, Queue } from './queue.ts';
import { durationMs } from './queue.ts';
import { invalidParameter, invalidValue, missingParameter } from './refusal.ts';

const DELAY_SECONDS = { min: 0, max: 900 };
const FIFO_ID = /^[A-Za-z0-9!-/:-@[-`{-~]{1,128}$/;
const SEQUENCE_PREFIX = '1885';

interface Draft {
  readonly body: string;
  readonly attributes: MessageAttributes | undefined;
  readonly systemAttributes: MessageAttributes | undefined;
  readonly groupId: string | undefined;
  readonly deduplicationId: string | undefined;
  readonly delayMs: number;
}

/** The sequence number a FIFO queue shows for the message at the place. */
export const sequenceNumber = (position: number): string =>
  SEQUENCE_PREFIX + String(position).padStart(16, '0');

/** A random identifier in the form of a UUID, from the engine's own chance. */
export const randomId = ({ setting }: SqsContext): string => {
  const digits = Array.from({ length: 4 }, () =>
    Math.floor(setting.chance() * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20)}`;
};

const checkedId = (name: string, value: string): string => {
  if (FIFO_ID.test(value)) return value;
  throw invalidParameter(
    name,
    value,
    `${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
  );
};

const fifoIds = (queue: Queue, input: Json, body: string): Pick<Draft, 'groupId' | 'deduplicationId'> => {
  const groupId = optionalText(input, 'MessageGroupId');
  const given = optionalText(input, 'MessageDeduplicationId');
  if (groupId !== undefined) checkedId('MessageGroupId', groupId);
  if (!queue.isFifo) {
    if (given === undefined) return { groupId, deduplicationId: undefined };
    throw invalidParameter(
      'MessageDeduplicationId',
      given,
      'The request includes a parameter that is not valid for this queue type.',
    );
  }
  if (groupId === undefined) throw missingParameter('MessageGroupId');
  if (given !== undefined) return { groupId, deduplicationId: checkedId('MessageDeduplicationId', given) };
  if (queue.attributes['ContentBasedDeduplication'] === 'true') {
    return { groupId, deduplicationId: hash('sha256', body) };
  }
  throw invalidValue(
    'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
  );
};

const delayMs = (queue: Queue, input: Json): number => {
  const seconds = optionalInteger(input, 'DelaySeconds', DELAY_SECONDS);
  if (seconds === undefined) return durationMs(queue, 'DelaySeconds');
  if (!queue.isFifo) return seconds * 1000;
  if (seconds === 0) return durationMs(queue, 'DelaySeconds');
  throw invalidParameter(
    'DelaySeconds',
    seconds,
    'The request include parameter that is not valid for this queue type.',
  );
};

const parseMessage = (queue: Queue, input: Json): Draft => {
  const body = text(input, 'MessageBody');
  if (!isCarriable(body)) {
    throw new AwsError(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.',
    );
  }
  const attributes = messageAttributes(input);
  const bytesMax = Number(queue.attributes['MaximumMessageSize']);
  if (messageBytes(body, attributes) > bytesMax) {
    throw invalidValue(
      `One or more parameters are invalid. Reason: Message must be shorter than ${String(bytesMax)} bytes.`,
    );
  }
  return {
    body,
    attributes,
    systemAttributes: systemAttributes(input),
    delayMs: delayMs(queue, input),
    ...fifoIds(queue, input, body),
  };
};

const stored = (context: SqsContext, queue: Queue, draft: Draft): StoredMessage => {
  const sentAtMs = nowMs(context);
  return {
    position: queue.nextPosition,
    id: randomId(context),
    body: draft.body,
    ...(draft.attributes ? { attributes: draft.attributes } : {}),
    ...(draft.systemAttributes ? { systemAttributes: draft.systemAttributes } : {}),
    ...(draft.groupId === undefined ? {} : { groupId: draft.groupId }),
    ...(draft.deduplicationId === undefined ? {} : { deduplicationId: draft.deduplicationId }),
    sentAtMs,
    availableAtMs: sentAtMs + draft.delayMs,
    receivedCount: 0,
  };
};

/** The first send under the same deduplication id in the last five minutes, also when it was deleted since. */
const earlier = (context: SqsContext, queue: Queue, draft: Draft): Deduplication | undefined => {
  if (!queue.isFifo) return undefined;
  const key = deduplicationKey(queue, draft.groupId ?? '', draft.deduplicationId ?? '');
  const known = queue.deduplications.get(key);
  return known && isRemembered(known, nowMs(context)) ? known : undefined;
};

const accept = (context: SqsContext, queue: Queue, draft: Draft): Json => {
  const duplicateOf = earlier(context, queue, draft);
  let sent: { readonly messageId: string; readonly position: number } | undefined = duplicateOf;
  if (!sent) {
    const message = stored(context, queue, draft);
    context.commit(['send', queue.name, message]);
    sent = { messageId: message.id, position: message.position };
  }
  const ofAttributes = attributesMd5(draft.attributes);
  const ofSystemAttributes = attributesMd5(draft.systemAttributes);
  return {
    MessageId: sent.messageId,
    MD5OfMessageBody: hash('md5', draft.body),
    ...(ofAttributes === undefined ? {} : { MD5OfMessageAttributes: ofAttributes }),
    ...(ofSystemAttributes === undefined ? {} : { MD5OfMessageSystemAttributes: ofSystemAttributes }),
    ...(queue.isFifo ? { SequenceNumber: sequenceNumber(sent.position) } : {}),
  };
};

/** Takes one message; a duplicate in a FIFO queue is answered like the first and not stored. */
export const sendMessage =
  (context: SqsContext): Operation =>
  (input) => {
    const queue = queueOf(context, input);
    return accept(context, queue, parseMessage(queue, input));
  };

const entryBytes = (entry: Json): number =>
  messageBytes(optionalText(entry, 'MessageBody') ?? '', messageAttributes(entry));

/** Takes up to ten messages of 262,144 bytes together. */
export const sendMessageBatch =
  (context: SqsContext): Operation =>
  (input) => {
    const queue = queueOf(context, input);
    const entries = batchEntries(input);
    let bytes = 0;
    for (const entry of entries) bytes += entryBytes(entry);
    if (bytes > MESSAGE_BYTES_MAX) {
      throw new AwsError(
        'BatchRequestTooLong',
        `Batch requests cannot be longer than ${String(MESSAGE_BYTES_MAX)} bytes. You have sent ${String(bytes)} bytes.`,
      );
    }
    return doEach(entries, (entry) => accept(context, queue, parseMessage(queue, entry)));
  };
