/** The outside acts handlers may perform after their commit. */
import type { MetricDimension, MetricName } from '#contracts/metrics.ts';
import type { SendMessage, StartExecution } from '#domain/kernel/effect.ts';

/** Values of a metric's dimensions besides the stage. */
export type MetricDimensions = Readonly<Partial<Record<MetricDimension, string>>>;

export interface Queues {
  /** Sends in order; a FIFO duplicate within five minutes counts as sent. */
  readonly send: (messages: readonly Omit<SendMessage, 'kind' | 'name'>[]) => Promise<void>;
}

/** Messages a consumer holds. */
export interface Received {
  /** Gives a message back at once; in a queue that keeps order, what stands behind it need not wait for it. */
  readonly release: (receiptHandle: string) => Promise<void>;
}

/** About how many messages of a queue are not done. */
export type QueueDepth = () => Promise<number>;

export interface Workflow {
  /** Starts an execution; one of this name that runs counts as started, a closed name answers `closed`. */
  readonly start: (execution: Omit<StartExecution, 'kind'>) => Promise<'started' | 'closed'>;
}

export interface TaskAnswers {
  /** Lets the execution behind a task token go on; one that does so already, or has ended, is no failure. */
  readonly succeed: (taskToken: string) => Promise<void>;
}

export interface OutputStream {
  /** Puts bodies one after the other under one key, in order; answers how many were taken. */
  readonly put: (key: string, bodies: readonly string[]) => Promise<void>;
}

/** One market event on its way to a feed. */
export interface MarketRecord {
  readonly partitionKey: string;
  readonly body: string;
}

/** Where an adapter of a venue writes. */
export interface MarketSink {
  /** Writes records, 500 at most; answers those that were refused for now, in order. */
  readonly put: (records: readonly MarketRecord[]) => Promise<readonly MarketRecord[]>;
}

/** Structured log and metrics; log fields pass an allow-list in the adapter, so that no secret can slip in. */
export interface Telemetry {
  readonly log: (
    level: 'debug' | 'info' | 'warn' | 'error',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
  /** Adds to a metric of the catalogue; `value` defaults to 1. */
  readonly count: (metric: MetricName, value?: number, dimensions?: MetricDimensions) => void;
}
