/** Redrives dead letters to where they came from, or to another queue. A task is finished when it is answered. */
import type { Json, Operation } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import { redrivePolicy } from './attributes.ts';
import type { MoveTask } from './change.ts';
import type { SqsContext } from './context.ts';
import { findQueue, nowMs, queueArn, queueName } from './context.ts';
import { optionalInteger, optionalText, text } from './input.ts';
import type { Message, StoredMessage } from './message.ts';
import { storeMessage } from './message.ts';
import type { Queue } from './queue.ts';
import { invalidValue } from './refusal.ts';
import { randomId } from './send.ts';

const queueByArn = (context: SqsContext, arn: string): Queue => {
  const queue = findQueue(context, queueName(arn));
  if (queue && queueArn(context, queue.name) === arn) return queue;
  throw new AwsError(
    'ResourceNotFoundException',
    "The resource that you specified for the SourceArn or DestinationArn parameter doesn't exist.",
    { status: 404 },
  );
};

const deadLettersOf = (context: SqsContext, input: Json): Queue => {
  const arn = text(input, 'SourceArn');
  const queue = queueByArn(context, arn);
  const isTarget = [...context.state.queues.values()].some(
    ({ attributes }) => redrivePolicy(attributes)?.deadLetterTargetArn === arn,
  );
  if (!isTarget) throw invalidValue('Source queue must be configured as a Dead Letter Queue.');
  return queue;
};

/** A redriven message is a new one: new id, no receives, its retention starts again. */
const redriven = (context: SqsContext, message: Message, target: Queue): StoredMessage => {
  const { firstReceivedAtMs: _, sourceArn: __, ...rest } = storeMessage(message);
  const instantMs = nowMs(context);
  return {
    ...rest,
    id: randomId(context),
    position: target.nextPosition,
    sentAtMs: instantMs,
    availableAtMs: instantMs,
    receivedCount: 0,
  };
};

interface Outcome {
  readonly movedCount: number;
  readonly failureReason?: string;
}

const moveAll = (
  context: SqsContext,
  queue: Queue,
  { ready, destination }: { readonly ready: readonly Message[]; readonly destination: Queue | undefined },
): Outcome => {
  let movedCount = 0;
  for (const message of ready) {
    const { sourceArn, position } = message.stored;
    if (!destination && sourceArn === undefined) {
      return { movedCount, failureReason: 'CouldNotDetermineMessageSource' };
    }
    const target = destination ?? findQueue(context, queueName(sourceArn ?? ''));
    if (!target) return { movedCount, failureReason: 'AWS.SimpleQueueService.NonExistentQueue' };
    const moved = redriven(context, message, target);
    context.commit(['move', queue.name, position, target.name, nowMs(context), moved]);
    movedCount += 1;
  }
  return { movedCount };
};

/** Moves every visible message of a dead-letter queue. */
export const startMoveTask =
  (context: SqsContext): Operation =>
  (input) => {
    const queue = deadLettersOf(context, input);
    const destinationArn = optionalText(input, 'DestinationArn');
    const destination = destinationArn === undefined ? undefined : queueByArn(context, destinationArn);
    if (destination === queue) {
      throw invalidValue('Source queue arn and destination queue arn cannot be the same.');
    }
    if (destination && destination.isFifo !== queue.isFifo) {
      throw invalidValue('Source and destination queues must be of the same type.');
    }
    const perSecondMax = optionalInteger(input, 'MaxNumberOfMessagesPerSecond', { min: 1, max: 500 });
    const ready = [...queue.messages.values()].filter(({ status }) => status === 'ready');
    const handle = Buffer.from(randomId(context)).toString('base64');
    const task: MoveTask = {
      handle,
      startedAtMs: nowMs(context),
      toMoveCount: ready.length,
      ...(destinationArn === undefined ? {} : { destinationArn }),
      ...(perSecondMax === undefined ? {} : { perSecondMax }),
      ...moveAll(context, queue, { ready, destination }),
    };
    context.commit(['moveTask', queue.name, task]);
    return { TaskHandle: handle };
  };

const describeTask = (sourceArn: string, task: MoveTask): Json => ({
  Status: task.failureReason === undefined ? 'COMPLETED' : 'FAILED',
  SourceArn: sourceArn,
  ...(task.destinationArn === undefined ? {} : { DestinationArn: task.destinationArn }),
  ...(task.perSecondMax === undefined ? {} : { MaxNumberOfMessagesPerSecond: task.perSecondMax }),
  ApproximateNumberOfMessagesMoved: task.movedCount,
  ApproximateNumberOfMessagesToMove: task.toMoveCount,
  ...(task.failureReason === undefined ? {} : { FailureReason: task.failureReason }),
  StartedTimestamp: task.startedAtMs,
});

/** The latest tasks of a source queue, newest first; one unless more are asked for. */
export const listMoveTasks =
  (context: SqsContext): Operation =>
  (input) => {
    const sourceArn = text(input, 'SourceArn');
    const { name } = queueByArn(context, sourceArn);
    const limit = optionalInteger(input, 'MaxResults', { min: 1, max: 10 }) ?? 1;
    const tasks = (context.state.moveTasks.get(name) ?? []).slice(0, limit);
    return { Results: tasks.map((task) => describeTask(sourceArn, task)) };
  };
