/** The outside acts handlers may perform after their commit. */
import type { SendMessage, StartExecution } from '#domain/kernel/effect.ts';

export interface Queues {
  /** Sends in order; a FIFO duplicate within five minutes counts as sent. */
  readonly send: (messages: readonly Omit<SendMessage, 'kind' | 'name'>[]) => Promise<void>;
}

export interface Workflow {
  /** Starts an execution; one of this name that runs counts as started, a closed name answers `closed`. */
  readonly start: (execution: Omit<StartExecution, 'kind'>) => Promise<'started' | 'closed'>;
}

export interface OutputStream {
  /** Puts bodies one after the other under one key, in order; answers how many were taken. */
  readonly put: (key: string, bodies: readonly string[]) => Promise<void>;
}

/** Structured log and metrics; fields are redacted by allow-list in the adapter. */
export interface Telemetry {
  readonly log: (
    level: 'debug' | 'info' | 'warn' | 'error',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
  readonly count: (metric: string, value?: number, dimensions?: Readonly<Record<string, string>>) => void;
}
