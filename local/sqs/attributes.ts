/** Attributes of queues: which there are, what they may be, and what they are by default. */
import * as z from 'zod';
import type { Queue } from './queue.ts';
import { invalidAttribute, invalidParameter, unknownAttribute } from './refusal.ts';

/** Attributes of a queue, as text. */
export type Attributes = Readonly<Record<string, string>>;

type Rule = (value: string) => boolean;

const integerIn =
  (min: number, max: number): Rule =>
  (value) =>
    /^\d{1,9}$/.test(value) && Number(value) >= min && Number(value) <= max;
const oneOf =
  (...choices: readonly string[]): Rule =>
  (value) =>
    choices.includes(value);
const anyText: Rule = () => true;
const boolean = oneOf('true', 'false');

/** Bytes a message may have at most, and a batch of them. */
export const MESSAGE_BYTES_MAX = 262_144;

const rules: Readonly<Record<string, Rule>> = {
  DelaySeconds: integerIn(0, 900),
  KmsDataKeyReusePeriodSeconds: integerIn(60, 86_400),
  KmsMasterKeyId: anyText,
  MaximumMessageSize: integerIn(1024, MESSAGE_BYTES_MAX),
  MessageRetentionPeriod: integerIn(60, 1_209_600),
  Policy: anyText,
  ReceiveMessageWaitTimeSeconds: integerIn(0, 20),
  RedriveAllowPolicy: anyText,
  RedrivePolicy: anyText,
  SqsManagedSseEnabled: boolean,
  VisibilityTimeout: integerIn(0, 43_200),
};

const fifoRules: Readonly<Record<string, Rule>> = {
  ContentBasedDeduplication: boolean,
  DeduplicationScope: oneOf('messageGroup', 'queue'),
  FifoQueue: oneOf('true'),
  FifoThroughputLimit: oneOf('perQueue', 'perMessageGroupId'),
};

/** Given as empty text, these are taken away. */
const removable = ['KmsMasterKeyId', 'Policy', 'RedriveAllowPolicy', 'RedrivePolicy'];

const defaults: Attributes = {
  DelaySeconds: '0',
  MaximumMessageSize: String(MESSAGE_BYTES_MAX),
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
  SqsManagedSseEnabled: 'true',
  VisibilityTimeout: '30',
};

const fifoDefaults: Attributes = {
  ContentBasedDeduplication: 'false',
  DeduplicationScope: 'queue',
  FifoQueue: 'true',
  FifoThroughputLimit: 'perQueue',
};

/** Attributes a queue of the kind has before any is set. */
export const defaultAttributes = (isFifo: boolean): Attributes =>
  isFifo ? { ...defaults, ...fifoDefaults } : defaults;

const RedrivePolicy = z.object({
  deadLetterTargetArn: z.string().regex(/^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+$/),
  maxReceiveCount: z.coerce.number().int().min(1).max(1000),
});
/** Where dead letters go, and after how many receives. */
export type RedrivePolicy = z.infer<typeof RedrivePolicy>;

const RedriveAllowPolicy = z.object({
  redrivePermission: z.enum(['allowAll', 'denyAll', 'byQueue']),
  sourceQueueArns: z.array(z.string()).max(10).optional(),
});

const parseJson = <Output>(schema: z.ZodType<Output>, name: string, value: string): Output => {
  try {
    return schema.parse(JSON.parse(value));
  } catch {
    throw invalidParameter(name, value, 'Invalid value.');
  }
};

/** The redrive policy of a queue, or undefined when it has none. */
export const redrivePolicy = (attributes: Attributes): RedrivePolicy | undefined => {
  const given = attributes['RedrivePolicy'];
  return given === undefined ? undefined : parseJson(RedrivePolicy, 'RedrivePolicy', given);
};

/** Whether the queue accepts dead letters of the source. */
export const allowsRedrive = (deadLetters: Queue, sourceArn: string): boolean => {
  const given = deadLetters.attributes['RedriveAllowPolicy'];
  if (given === undefined) return true;
  const policy = parseJson(RedriveAllowPolicy, 'RedriveAllowPolicy', given);
  if (policy.redrivePermission === 'byQueue') return policy.sourceQueueArns?.includes(sourceArn) ?? false;
  return policy.redrivePermission === 'allowAll';
};

/** JSON attributes in one spelling, so that equal ones are equal text. */
const normalized = (name: string, value: string): string => {
  if (name === 'RedrivePolicy') return JSON.stringify(parseJson(RedrivePolicy, name, value));
  if (name === 'RedriveAllowPolicy') return JSON.stringify(parseJson(RedriveAllowPolicy, name, value));
  return value;
};

/** The attributes as they are stored, or the refusal of the first wrong one; empty text takes one away. */
export const checkedAttributes = (given: Attributes, isFifo: boolean): Attributes =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const rule = rules[name] ?? (isFifo ? fifoRules[name] : undefined);
      if (!rule) throw unknownAttribute(name);
      if (value === '' && removable.includes(name)) return [name, ''];
      if (!rule(value)) throw invalidAttribute(name);
      return [name, normalized(name, value)];
    }),
  );

/** The attributes with the changes; those changed to empty text are gone. */
export const changedAttributes = (attributes: Attributes, changes: Attributes): Attributes =>
  Object.fromEntries(Object.entries({ ...attributes, ...changes }).filter(([, value]) => value !== ''));

const counts: Readonly<Record<string, (queue: Queue) => number>> = {
  ApproximateNumberOfMessages: ({ messages, inFlightCount, delayedCount }) =>
    messages.size - inFlightCount - delayedCount,
  ApproximateNumberOfMessagesDelayed: ({ delayedCount }) => delayedCount,
  ApproximateNumberOfMessagesNotVisible: ({ inFlightCount }) => inFlightCount,
  CreatedTimestamp: ({ createdAtMs }) => Math.floor(createdAtMs / 1000),
  LastModifiedTimestamp: ({ modifiedAtMs }) => Math.floor(modifiedAtMs / 1000),
};

/** The attributes asked for, `All` for every one; those the queue has not are left out. */
export const readAttributes = (queue: Queue, arn: string, names: readonly string[]): Attributes => {
  const known = ['All', 'QueueArn', ...Object.keys({ ...rules, ...fifoRules, ...counts })];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw unknownAttribute(unknown);
  const all = {
    ...queue.attributes,
    ...Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count(queue))])),
    QueueArn: arn,
  };
  return names.includes('All')
    ? all
    : Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
};
