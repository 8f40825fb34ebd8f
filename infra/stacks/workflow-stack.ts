/** The core's machinery: commands, state machines, compaction, publication, deadlines and what was given up. */
import { Duration, Stack } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

import { deadQueueNames } from '#contracts/naming.ts';
import type { FunctionName, StateMachineName, WorkQueueName } from '#contracts/naming.ts';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { mapQueue, mapStream, recordAgeWithin } from '#infra/constructs/mappings.ts';
import { SluiceFunction } from '#infra/constructs/sluice-function.ts';
import { DeadLetterQueue, WorkQueue } from '#infra/constructs/sluice-queue.ts';
import { addStateMachine } from '#infra/constructs/state-machine.ts';
import { functionSettings } from '#infra/function-settings.ts';
import { resourceNames } from '#infra/resource-names.ts';
import type { ResourceNames } from '#infra/resource-names.ts';
import type { StackSettings } from '#infra/settings.ts';

/** Hours DynamoDB keeps the records of a table's stream. */
const tableStreamHours = 24;

interface ConsumedQueueProps {
  readonly name: WorkQueueName;
  readonly consumer: FunctionName;
  readonly concurrencyMax: number;
  readonly dead?: Queue;
}

/** Everything between a commit and the next command. */
export class WorkflowStack extends Stack {
  private readonly settings: StackSettings;
  private readonly names: ResourceNames;

  constructor(scope: Construct, id: string, settings: StackSettings) {
    super(scope, id, { description: 'Sluice: commands, retries, compaction, publication and deadlines' });
    this.settings = settings;
    this.names = resourceNames(settings.stage);
    const deadLetters = this.deadLetters();
    this.ledgerConsumers(deadLetters);
    this.consumedQueue('Commands', 'commands.fifo', 'commands');
    this.consumedQueue('Sweep', 'sweep', 'sweep');
    this.consumedQueue('Timers', 'timers', 'timers');
    const { dead } = this.consumedQueue('RunInline', 'inline-runs', 'run-inline');
    this.queueFor(this.function('RunTask', 'run-task'), 'FunctionTasks', {
      name: 'function-tasks',
      consumer: 'run-task',
      concurrencyMax: this.settings.functionTasksMax,
      dead,
    });
    this.sweeper();
    this.machine('RetryTask', 'retry-task');
    this.machine('FeedRecovery', 'feed-recovery');
  }

  /** The two readers of the ledger's stream. Only commits count, and for `publish` only those with outputs. */
  private ledgerConsumers(deadLetters: DeadLetterQueue): void {
    const common = {
      streamArn: this.names.ledgerStreamArn,
      batchSize: 100,
      recordAgeMax: recordAgeWithin(tableStreamHours),
      failureQueueArn: deadLetters.queue.queueArn,
    };
    const compact = this.function('Compact', 'compact');
    const publish = this.function('Publish', 'publish');
    mapStream(this, 'LedgerToCompact', {
      ...common,
      target: compact.alias,
      // Plans, chunks and states lie in the same table; commits alone count their events.
      // A change or removal can only be tampering, or a state whose time is over.
      filters: [newImage({ count: { N: present } }), { eventName: ['MODIFY', 'REMOVE'] }],
    });
    mapStream(this, 'LedgerToPublish', {
      ...common,
      target: publish.alias,
      // Outputs are text, or binary when compressing them saved a write unit.
      filters: [newImage({ outputs: { S: present } }), newImage({ outputs: { B: present } })],
    });
    // What was found behind the ledger, or could not be delivered, comes back by queue.
    this.queueFor(compact, 'Compactions', { name: 'compactions', consumer: 'compact', concurrencyMax: 2 });
    this.queueFor(publish, 'Publications', { name: 'publications', consumer: 'publish', concurrencyMax: 2 });
  }

  /** A work queue with the function that consumes it alone. */
  private consumedQueue(id: string, name: WorkQueueName, consumer: FunctionName): WorkQueue {
    return this.queueFor(this.function(id, consumer), id, { name, consumer, concurrencyMax: 10 });
  }

  /** A work queue of one function. */
  private queueFor({ alias }: SluiceFunction, id: string, props: ConsumedQueueProps): WorkQueue {
    const { name, consumer, concurrencyMax, dead } = props;
    const work = new WorkQueue(this, `${id}Queue`, {
      stage: this.settings.stage,
      name,
      consumerTimeoutSeconds: functionSettings[consumer].timeoutSeconds,
      ...(dead === undefined ? {} : { dead }),
    });
    mapQueue(this, `${id}QueueTo${consumer.charAt(0).toUpperCase()}${consumer.slice(1)}`, {
      target: alias,
      queueArn: work.queue.queueArn,
      batchSize: 10,
      concurrencyMax,
    });
    return work;
  }

  /** Every queue of given-up work has this one consumer, which tells the aggregate. */
  private deadLetters(): DeadLetterQueue {
    const deadLetters = new DeadLetterQueue(this, 'DeadLettersQueue', {
      stage: this.settings.stage,
      name: 'dead-letters',
    });
    acknowledge(deadLetters.queue, {
      rule: 'AwsSolutions-SQS3',
      reason: 'it is itself the dead-letter queue of the ledger mappings; its age has an alarm',
    });
    const { alias } = this.function('DeadLetters', 'dead-letters');
    const consume = (id: string, queueArn: string) =>
      mapQueue(this, id, { target: alias, queueArn, batchSize: 10, concurrencyMax: 2 });
    consume('DeadLettersToDeadLetters', deadLetters.queue.queueArn);
    for (const name of deadQueueNames)
      if (name !== 'engine-runs-dead.fifo' || this.settings.feeds === 'on')
        consume(`${pascal(name)}ToDeadLetters`, this.names.queueArn(name));
    return deadLetters;
  }

  private sweeper(): void {
    new Rule(this, 'EachMinute', {
      ruleName: this.names.of('each-minute'),
      description: 'Looks for streams whose deadline has passed',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [
        new LambdaFunction(this.function('Sweeper', 'sweeper').alias, {
          retryAttempts: 0,
          maxEventAge: Duration.minutes(1),
        }),
      ],
    });
  }

  /** A state machine with the function it calls, which has its name. */
  private machine(id: string, name: StateMachineName): void {
    this.function(id, name);
    addStateMachine(this, id, { name, stage: this.settings.stage });
  }

  private function(id: string, name: FunctionName): SluiceFunction {
    return new SluiceFunction(this, id, { name, settings: this.settings });
  }
}

const present = [{ exists: true }];

const newImage = (attributes: Readonly<Record<string, unknown>>) => ({ dynamodb: { NewImage: attributes } });

const pascal = (name: string): string =>
  name
    .replace('.fifo', '')
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
