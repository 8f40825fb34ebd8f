/** ReceiveMessage, short and long. */
import type { Json } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { QueueMessage } from '#local/kernel/queue-source.ts';
import type { Availability } from './availability.ts';
import type { SqsContext } from './context.ts';
import { nowMs, queueOf } from './context.ts';
import { optionalInteger, texts } from './input.ts';
import type { MessageAttributes } from './message.ts';
import { attributesMd5 } from './message.ts';
import type { Queue } from './queue.ts';
import { durationMs } from './queue.ts';
import { invalidParameter, unknownAttribute } from './refusal.ts';
import { inFlightMax, showReceived, takeMessages } from './take.ts';

const systemAttributeNames = [
  'All',
  'ApproximateFirstReceiveTimestamp',
  'ApproximateReceiveCount',
  'AWSTraceHeader',
  'DeadLetterQueueSourceArn',
  'MessageDeduplicationId',
  'MessageGroupId',
  'SenderId',
  'SentTimestamp',
  'SequenceNumber',
];

interface Request {
  readonly countMax: number;
  readonly hiddenMs: number;
  readonly waitMs: number;
  readonly systemNames: readonly string[];
  readonly attributeNames: readonly string[];
}

const parseRequest = (queue: Queue, input: Json): Request => {
  if (input['ReceiveRequestAttemptId'] !== undefined) {
    throw invalidParameter(
      'ReceiveRequestAttemptId',
      input['ReceiveRequestAttemptId'],
      'The local SQS does not support it.',
    );
  }
  const hiddenSeconds = optionalInteger(input, 'VisibilityTimeout', { min: 0, max: 43_200 });
  const waitSeconds = optionalInteger(input, 'WaitTimeSeconds', { min: 0, max: 20 });
  const systemNames = [...texts(input, 'MessageSystemAttributeNames'), ...texts(input, 'AttributeNames')];
  const unknown = systemNames.find((name) => !systemAttributeNames.includes(name));
  if (unknown !== undefined) throw unknownAttribute(unknown);
  return {
    countMax: optionalInteger(input, 'MaxNumberOfMessages', { min: 1, max: 10 }) ?? 1,
    hiddenMs: hiddenSeconds === undefined ? durationMs(queue, 'VisibilityTimeout') : hiddenSeconds * 1000,
    waitMs:
      waitSeconds === undefined ? durationMs(queue, 'ReceiveMessageWaitTimeSeconds') : waitSeconds * 1000,
    systemNames,
    attributeNames: texts(input, 'MessageAttributeNames'),
  };
};

const isAsked = (name: string, asked: readonly string[]): boolean =>
  asked.some(
    (pattern) =>
      pattern === 'All' ||
      pattern === name ||
      (pattern.endsWith('.*') && (pattern === '.*' || name.startsWith(pattern.slice(0, -1)))),
  );

const asked = <Value>(
  values: Readonly<Record<string, Value>>,
  names: readonly string[],
): Readonly<Record<string, Value>> | undefined => {
  const chosen = Object.entries(values).filter(([name]) => isAsked(name, names));
  return chosen.length > 0 ? Object.fromEntries(chosen) : undefined;
};

/** The message with the attributes asked for, and the MD5 of exactly those. */
const answerMessage = (message: QueueMessage, { systemNames, attributeNames }: Request): Json => {
  const { Attributes: system, MessageAttributes: own, ...rest } = message;
  const systemAsked = asked(system, systemNames);
  const ownAsked: MessageAttributes | undefined = own && asked(own, attributeNames);
  return {
    ...rest,
    ...(systemAsked ? { Attributes: systemAsked } : {}),
    ...(ownAsked ? { MessageAttributes: ownAsked, MD5OfMessageAttributes: attributesMd5(ownAsked) } : {}),
  };
};

const refuseOverLimit = (queue: Queue, { waitMs }: Request): void => {
  if (queue.isFifo || waitMs > 0 || queue.inFlightCount < inFlightMax(queue)) return;
  throw new AwsError(
    'OverLimit',
    `The maximum number of in flight messages is reached: ${String(inFlightMax(queue))}`,
    { status: 403 },
  );
};

/** Answers what is receivable; when nothing is, waits for it as long as the request says. */
export const receiveMessage =
  (context: SqsContext, availability: Availability) =>
  (input: Json): Json | Promise<Json> => {
    const queue = queueOf(context, input);
    const request = parseRequest(queue, input);
    refuseOverLimit(queue, request);
    const take = (): Json | undefined => {
      const messages = takeMessages(context, queue, request);
      if (messages.length === 0) return undefined;
      return {
        Messages: messages.map((message) => answerMessage(showReceived(context, queue, message), request)),
      };
    };
    const answer = take();
    if (answer) return answer;
    if (request.waitMs === 0) return {};
    return availability.wait(queue, { untilMs: nowMs(context) + request.waitMs, take });
  };
