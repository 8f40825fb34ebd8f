/** A message: what is stored of it, and where it stands. */
import { hash } from 'node:crypto';

/** A typed value the sender attached to a message. */
export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  /** Base64. */
  readonly BinaryValue?: string;
}

/** Attributes of a message by name. */
export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

/** What of a message outlives a restart, when it was stored or last received. */
export interface StoredMessage {
  /** Its place in the order of the queue; never used twice. */
  readonly position: number;
  readonly id: string;
  readonly body: string;
  readonly attributes?: MessageAttributes;
  readonly systemAttributes?: MessageAttributes;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  /** From here the retention period counts. */
  readonly sentAtMs: number;
  readonly availableAtMs: number;
  /** ARN of the queue whose dead letter this is. */
  readonly sourceArn?: string;
  readonly receivedCount: number;
  readonly firstReceivedAtMs?: number;
}

/** Where a message stands: receivable, not yet, held by a receiver, or no longer in the queue. */
export type MessageStatus = 'ready' | 'delayed' | 'inFlight' | 'gone';

/** A message in a queue. */
export interface Message {
  readonly stored: StoredMessage;
  status: MessageStatus;
  receivedCount: number;
  firstReceivedAtMs: number | undefined;
  /** When a delayed message or one in flight becomes visible. */
  dueAtMs: number;
  /** When the message in flight was received. */
  receivedAtMs: number;
  /** Index in the one heap that holds it for its status. */
  index: number;
  /** Index in the heap by expiry. */
  expiryIndex: number;
  bodyMd5: string | undefined;
}

/** The message as it is now, for a snapshot. */
export const storeMessage = ({ stored, receivedCount, firstReceivedAtMs }: Message): StoredMessage => ({
  ...stored,
  receivedCount,
  ...(firstReceivedAtMs === undefined ? {} : { firstReceivedAtMs }),
});

/** MD5 of the body, computed once. */
export const bodyMd5 = (message: Message): string => (message.bodyMd5 ??= hash('md5', message.stored.body));

const STRING_TRANSPORT = Buffer.from([1]);
const BINARY_TRANSPORT = Buffer.from([2]);

const withLength = (bytes: Buffer): readonly Buffer[] => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return [length, bytes];
};

/** MD5 over attributes by name: name, type, transport byte and value, each with its length; undefined for none. */
export const attributesMd5 = (attributes: MessageAttributes | undefined): string | undefined => {
  const names = Object.keys(attributes ?? {}).sort();
  if (!attributes || names.length === 0) return undefined;
  const parts = names.flatMap((name) => {
    const attribute = attributes[name];
    if (!attribute) return [];
    const isBinary = attribute.BinaryValue !== undefined;
    return [
      ...withLength(Buffer.from(name)),
      ...withLength(Buffer.from(attribute.DataType)),
      isBinary ? BINARY_TRANSPORT : STRING_TRANSPORT,
      ...withLength(
        Buffer.from(attribute.BinaryValue ?? attribute.StringValue ?? '', isBinary ? 'base64' : 'utf8'),
      ),
    ];
  });
  return hash('md5', Buffer.concat(parts));
};

const attributeBytes = (name: string, { DataType, StringValue, BinaryValue }: MessageAttribute): number =>
  Buffer.byteLength(name) +
  Buffer.byteLength(DataType) +
  Buffer.byteLength(StringValue ?? '') +
  Buffer.byteLength(BinaryValue ?? '', 'base64');

/** The size that limits count: body, and name, type and value of every attribute. */
export const messageBytes = (body: string, attributes: MessageAttributes | undefined): number =>
  Object.entries(attributes ?? {}).reduce(
    (sum, [name, attribute]) => sum + attributeBytes(name, attribute),
    Buffer.byteLength(body),
  );
