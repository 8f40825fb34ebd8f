import { Duration } from 'aws-cdk-lib';
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import { deadQueueOf, physicalName } from '#contracts/naming.ts';
import type { QueueName, Stage, WorkQueueName } from '#contracts/naming.ts';

/** Receives of one message before it is given up. */
export const receivesMax = 8;

/** Which queue of which stage, and how long its consumer may take. */
export interface WorkQueueProps {
  readonly stage: Stage;
  readonly name: WorkQueueName;
  /** Timeout of the function that consumes it; a message stays hidden six times as long. */
  readonly consumerTimeoutSeconds: number;
  /** The dead-letter queue of another one, which it shares; otherwise it has its own. */
  readonly dead?: Queue;
}

/** A queue of work with the dead-letter queue for what its consumer failed on too often. */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  /** What its consumer failed on too often. */
  readonly dead: Queue;

  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id);
    const { stage, name, consumerTimeoutSeconds } = props;
    this.dead = props.dead ?? new DeadLetterQueue(this, 'Dead', { stage, name: deadQueueOf[name] }).queue;
    this.queue = new Queue(this, 'Queue', {
      ...commonProps(stage, name),
      visibilityTimeout: Duration.seconds(6 * consumerTimeoutSeconds),
      deadLetterQueue: { queue: this.dead, maxReceiveCount: receivesMax },
    });
  }
}

/** Which queue of which stage. */
export interface DeadLetterQueueProps {
  readonly stage: Stage;
  readonly name: QueueName;
}

/** A queue that keeps what was given up for two weeks. */
export class DeadLetterQueue extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string, { stage, name }: DeadLetterQueueProps) {
    super(scope, id);
    this.queue = new Queue(this, 'Queue', {
      ...commonProps(stage, name),
      visibilityTimeout: Duration.seconds(180),
      retentionPeriod: Duration.days(14),
    });
  }
}

const commonProps = (stage: Stage, name: QueueName): QueueProps => ({
  queueName: physicalName(stage, name),
  encryption: QueueEncryption.SQS_MANAGED,
  enforceSSL: true,
  ...(name.endsWith('.fifo')
    ? {
        fifo: true,
        deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
        fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
      }
    : {}),
});
