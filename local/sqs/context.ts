/** What every SQS operation works on. */
import type { EngineSetting, Json } from '#local/kernel/engine.ts';
import type { SqsChange, SqsState } from './change.ts';
import { text } from './input.ts';
import type { Queue } from './queue.ts';
import { expiredMessage, showDue } from './queue.ts';
import { queueDoesNotExist } from './refusal.ts';

/** What the engine is built from, with nothing left to default. */
export interface SqsSetting extends EngineSetting {
  /** Where queue URLs begin, without the last slash. */
  readonly baseUrl: () => string;
}

/** The engine as its operations see it. */
export interface SqsContext {
  readonly setting: SqsSetting;
  readonly state: SqsState;
  /** Makes the change and appends it to the journal. */
  readonly commit: (change: SqsChange) => void;
  /** Queues that an operation has touched and whose waiting receivers are to be looked after. */
  readonly touched: Set<Queue>;
}

/** The present instant of the service. */
export const nowMs = ({ setting }: SqsContext): number => setting.clock.nowMs();

/** The ARN of a queue of that name, whether it exists or not. */
export const queueArn = ({ setting }: SqsContext, name: string): string =>
  `arn:aws:sqs:${setting.region}:${setting.accountId}:${name}`;

/** The URL of a queue of that name, whether it exists or not. */
export const queueUrl = ({ setting }: SqsContext, name: string): string =>
  `${setting.baseUrl()}/${setting.accountId}/${name}`;

/** The name at the end of a queue's URL, ARN or name. */
export const queueName = (urlOrArnOrName: string): string => urlOrArnOrName.split(/[/:]/).at(-1) ?? '';

/** Makes visible what is due and drops what has outlived its retention. */
export const bringUpToDate = (context: SqsContext, queue: Queue): void => {
  const instantMs = nowMs(context);
  showDue(queue, instantMs);
  for (let old = expiredMessage(queue, instantMs); old; old = expiredMessage(queue, instantMs)) {
    context.commit(['remove', queue.name, [old.stored.position]]);
  }
};

/** The queue of that name, up to date, or undefined. */
export const findQueue = (context: SqsContext, name: string): Queue | undefined => {
  const queue = context.state.queues.get(name);
  if (!queue) return undefined;
  bringUpToDate(context, queue);
  context.touched.add(queue);
  return queue;
};

/** The queue of that name, up to date, or `QueueDoesNotExist`. */
export const queueNamed = (context: SqsContext, name: string): Queue => {
  const queue = findQueue(context, name);
  if (!queue) throw queueDoesNotExist();
  return queue;
};

/** The queue the input names by QueueUrl; of the URL only the last segment counts. */
export const queueOf = (context: SqsContext, input: Json): Queue =>
  queueNamed(context, queueName(text(input, 'QueueUrl')));
