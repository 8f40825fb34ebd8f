/** Creates, finds, changes and deletes queues. */
import type { Json, Operation } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Attributes } from './attributes.ts';
import {
  allowsRedrive,
  changedAttributes,
  checkedAttributes,
  defaultAttributes,
  readAttributes,
  redrivePolicy,
} from './attributes.ts';
import type { SqsContext } from './context.ts';
import { nowMs, queueArn, queueName, queueOf, queueUrl } from './context.ts';
import { optionalInteger, optionalText, text, textMap, texts } from './input.ts';
import type { Queue } from './queue.ts';
import { invalidParameter, invalidValue, missingParameter, queueDoesNotExist } from './refusal.ts';

const QUEUE_NAME = /^[A-Za-z0-9_-]{1,80}$/;
const FIFO_QUEUE_NAME = /^[A-Za-z0-9_-]{1,75}\.fifo$/;
const PAGE_MAX = 1000;
const PURGE_PAUSE_MS = 60_000;
const TAGS_MAX = 50;

const checkName = (name: string, isFifo: boolean): void => {
  if (isFifo && !FIFO_QUEUE_NAME.test(name)) {
    throw invalidValue(
      'The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.',
    );
  }
  if (!isFifo && !QUEUE_NAME.test(name)) {
    throw invalidValue(
      'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.',
    );
  }
};

const checkRedrive = (context: SqsContext, source: string, attributes: Attributes): void => {
  const given = attributes['RedrivePolicy'];
  if (given === undefined || given === '') return;
  const target = context.state.queues.get(queueName(redrivePolicy(attributes)?.deadLetterTargetArn ?? ''));
  const refuse = (reason: string): AwsError => invalidParameter('RedrivePolicy', given, reason);
  if (!target) throw refuse('Dead letter target does not exist.');
  if (target.name === source) throw refuse('Dead letter target must not be the queue itself.');
  if (target.isFifo !== source.endsWith('.fifo')) {
    throw refuse('Dead-letter queue must be same type of queue as the source.');
  }
  if (!allowsRedrive(target, queueArn(context, source))) {
    throw refuse('The RedriveAllowPolicy of the dead-letter queue does not allow this source.');
  }
};

const refuseDifference = (queue: Queue, asked: Attributes): void => {
  const different = Object.keys(asked).find((name) => (queue.attributes[name] ?? '') !== asked[name]);
  if (different === undefined) return;
  throw new AwsError(
    'QueueNameExists',
    `A queue already exists with the same name and a different value for attribute ${different}`,
  );
};

/** A new queue, or the one of that name when it has the attributes asked for. */
export const createQueue =
  (context: SqsContext): Operation =>
  (input) => {
    const name = text(input, 'QueueName');
    const given = textMap(input, 'Attributes');
    const isFifo = 'FifoQueue' in given;
    const asked = checkedAttributes(given, isFifo);
    checkName(name, isFifo);
    const existing = context.state.queues.get(name);
    if (existing) refuseDifference(existing, asked);
    else {
      checkRedrive(context, name, asked);
      const createdAtMs = nowMs(context);
      const tags = checkedTags(textMap(input, 'tags'));
      const attributes = changedAttributes(defaultAttributes(isFifo), asked);
      context.commit([
        'create',
        name,
        { createdAtMs, modifiedAtMs: createdAtMs, attributes, tags, nextPosition: 1 },
      ]);
    }
    return { QueueUrl: queueUrl(context, name) };
  };

/** The queue and its messages are gone at once, and the name is free. */
export const deleteQueue =
  (context: SqsContext): Operation =>
  (input) => {
    context.commit(['delete', queueOf(context, input).name]);
    return {};
  };

/** The URL of an existing queue. */
export const getQueueUrl =
  (context: SqsContext): Operation =>
  (input) => {
    const name = text(input, 'QueueName');
    if (!context.state.queues.has(name)) throw queueDoesNotExist();
    return { QueueUrl: queueUrl(context, name) };
  };

const page = (context: SqsContext, names: readonly string[], input: Json, member: string): Json => {
  const limit = optionalInteger(input, 'MaxResults', { min: 1, max: PAGE_MAX });
  const token = optionalText(input, 'NextToken');
  const after = token === undefined ? '' : Buffer.from(token, 'base64').toString();
  const rest = [...names].sort().filter((name) => name > after);
  const shown = rest.slice(0, limit ?? PAGE_MAX);
  const last = shown.at(-1);
  return {
    ...(shown.length > 0 ? { [member]: shown.map((name) => queueUrl(context, name)) } : {}),
    ...(limit !== undefined && rest.length > limit && last !== undefined
      ? { NextToken: Buffer.from(last).toString('base64') }
      : {}),
  };
};

/** A page of the queues whose name begins with the prefix. */
export const listQueues =
  (context: SqsContext): Operation =>
  (input) => {
    const prefix = optionalText(input, 'QueueNamePrefix') ?? '';
    const names = [...context.state.queues.keys()].filter((name) => name.startsWith(prefix));
    return page(context, names, input, 'QueueUrls');
  };

/** The queues whose redrive policy names this one. */
export const listSources =
  (context: SqsContext): Operation =>
  (input) => {
    const arn = queueArn(context, queueOf(context, input).name);
    const names = [...context.state.queues.values()]
      .filter(({ attributes }) => redrivePolicy(attributes)?.deadLetterTargetArn === arn)
      .map(({ name }) => name);
    return { queueUrls: [], ...page(context, names, input, 'queueUrls') };
  };

/** The attributes asked for. */
export const getQueueAttributes =
  (context: SqsContext): Operation =>
  (input) => {
    const queue = queueOf(context, input);
    const names = texts(input, 'AttributeNames');
    const attributes = readAttributes(queue, queueArn(context, queue.name), names);
    return Object.keys(attributes).length > 0 ? { Attributes: attributes } : {};
  };

/** Changes attributes; a changed delay reaches the waiting messages of FIFO queues only. */
export const setQueueAttributes =
  (context: SqsContext): Operation =>
  (input) => {
    const queue = queueOf(context, input);
    const given = textMap(input, 'Attributes');
    if (Object.keys(given).length === 0) throw missingParameter('Attribute.Name');
    const asked = checkedAttributes(given, queue.isFifo);
    checkRedrive(context, queue.name, asked);
    context.commit(['attributes', queue.name, nowMs(context), changedAttributes(queue.attributes, asked)]);
    return {};
  };

/** Drops every message; at most once a minute. */
export const purgeQueue =
  (context: SqsContext): Operation =>
  (input) => {
    const queue = queueOf(context, input);
    const instantMs = nowMs(context);
    if (queue.purgedAtMs !== undefined && instantMs < queue.purgedAtMs + PURGE_PAUSE_MS) {
      throw new AwsError(
        'PurgeQueueInProgress',
        `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`,
        { status: 403 },
      );
    }
    context.commit(['purge', queue.name, instantMs]);
    return {};
  };

const checkedTags = (tags: Attributes): Attributes => {
  if (Object.keys(tags).length <= TAGS_MAX) return tags;
  throw invalidValue(`Too many tags added for queue: at most ${String(TAGS_MAX)} are allowed.`);
};

/** Adds tags and replaces those of the same key. */
export const tagQueue =
  (context: SqsContext): Operation =>
  (input) => {
    const queue = queueOf(context, input);
    const given = textMap(input, 'Tags');
    if (Object.keys(given).length === 0) throw missingParameter('Tags');
    context.commit(['tags', queue.name, checkedTags({ ...queue.tags, ...given })]);
    return {};
  };

/** Takes tags away; keys that are not there are passed over. */
export const untagQueue =
  (context: SqsContext): Operation =>
  (input) => {
    const queue = queueOf(context, input);
    const keys = texts(input, 'TagKeys');
    if (keys.length === 0) throw missingParameter('TagKeys');
    const tags = Object.fromEntries(Object.entries(queue.tags).filter(([key]) => !keys.includes(key)));
    context.commit(['tags', queue.name, tags]);
    return {};
  };

/** All tags of the queue. */
export const listQueueTags =
  (context: SqsContext): Operation =>
  (input) => {
    const { tags } = queueOf(context, input);
    return Object.keys(tags).length > 0 ? { Tags: tags } : {};
  };
