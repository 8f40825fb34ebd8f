/** The market plane: records in from Kinesis, ticks out to the regime engine through a FIFO queue. */
import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { mapQueue, mapStream, recordAgeWithin } from '#infra/constructs/mappings.ts';
import { SluiceFunction } from '#infra/constructs/sluice-function.ts';
import { DeadLetterQueue, WorkQueue } from '#infra/constructs/sluice-queue.ts';
import { functionSettings } from '#infra/function-settings.ts';
import { resourceNames } from '#infra/resource-names.ts';
import type { StackSettings } from '#infra/settings.ts';

/** Market ingest and the queue of engine runs; absent when feeds are off. */
export class IngestStack extends Stack {
  constructor(scope: Construct, id: string, settings: StackSettings) {
    super(scope, id, { description: 'Sluice: market ingest and engine runs' });
    this.ingest(settings);
    this.engineRuns(settings);
  }

  private ingest(settings: StackSettings): void {
    const deadLetters = new DeadLetterQueue(this, 'MarketDeadLetters', {
      stage: settings.stage,
      name: 'market-dead-letters',
    });
    acknowledge(deadLetters.queue, {
      rule: 'AwsSolutions-SQS3',
      reason: 'it is itself where refused market records end, kept two weeks for a person to read',
    });
    const ingest = new SluiceFunction(this, 'IngestMarket', { name: 'ingest-market', settings });
    mapStream(this, 'MarketEventsToIngest', {
      target: ingest.alias,
      streamArn: resourceNames(settings.stage).streamArn('market-events'),
      batchSize: 500,
      recordAgeMax: recordAgeWithin(settings.marketRetentionHours),
      failureQueueArn: deadLetters.queue.queueArn,
    });
  }

  private engineRuns(settings: StackSettings): void {
    const runs = new WorkQueue(this, 'EngineRuns', {
      stage: settings.stage,
      name: 'engine-runs.fifo',
      consumerTimeoutSeconds: functionSettings['run-engine'].timeoutSeconds,
    });
    const runEngine = new SluiceFunction(this, 'RunEngine', { name: 'run-engine', settings });
    mapQueue(this, 'EngineRunsToRunEngine', {
      target: runEngine.alias,
      queueArn: runs.queue.queueArn,
      batchSize: 10,
      concurrencyMax: 10,
    });
  }
}
