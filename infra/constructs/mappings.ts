/** Event source mappings: how Lambda reads streams and queues for a function. The role is granted elsewhere. */
import { Duration } from 'aws-cdk-lib';
import { EventSourceMapping, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import type { IEventSourceDlq, IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

/** How a stream is read. */
export interface StreamMappingProps {
  readonly target: IFunction;
  readonly streamArn: string;
  readonly batchSize: number;
  /** Records older than this go to the failure queue; younger ones are tried again without end, in order. */
  readonly recordAgeMax: Duration;
  readonly failureQueueArn: string;
  /** A record passes when any of these patterns matches; absent, all pass. */
  readonly filters?: readonly Readonly<Record<string, unknown>>[];
}

/** Reads a stream from its oldest record on, one batch per shard at a time, so that order holds. */
export const mapStream = (scope: Construct, id: string, props: StreamMappingProps): EventSourceMapping =>
  new EventSourceMapping(scope, id, {
    target: props.target,
    eventSourceArn: props.streamArn,
    startingPosition: StartingPosition.TRIM_HORIZON,
    batchSize: props.batchSize,
    parallelizationFactor: 1,
    bisectBatchOnError: true,
    reportBatchItemFailures: true,
    maxRecordAge: props.recordAgeMax,
    onFailure: failureQueue(props.failureQueueArn),
    ...(props.filters === undefined
      ? {}
      : { filters: props.filters.map((filter) => ({ pattern: JSON.stringify(filter) })) }),
  });

/** How a queue is read. */
export interface QueueMappingProps {
  readonly target: IFunction;
  readonly queueArn: string;
  readonly batchSize: number;
  /** Batches at work at once, at least 2; the bound on what a queue can start. */
  readonly concurrencyMax: number;
}

/** Reads a queue; messages that are reported as failed come back alone. */
export const mapQueue = (scope: Construct, id: string, props: QueueMappingProps): EventSourceMapping =>
  new EventSourceMapping(scope, id, {
    target: props.target,
    eventSourceArn: props.queueArn,
    batchSize: props.batchSize,
    maxConcurrency: props.concurrencyMax,
    reportBatchItemFailures: true,
  });

/** Names the queue without granting: the grant stands in the table of the function. */
const failureQueue = (queueArn: string): IEventSourceDlq => ({ bind: () => ({ destination: queueArn }) });

/** How long records of a stream may wait for a failing consumer: an hour less than the stream keeps them. */
export const recordAgeWithin = (retentionHours: number): Duration =>
  Duration.hours(Math.min(retentionHours, 168) - 1);
