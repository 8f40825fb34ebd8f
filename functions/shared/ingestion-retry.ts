/**
 * The failure domain `ingest` (market reference, section 6.1): what ingestion does besides writing the buffer is tried
 * again in place, after the delays of the feed. When that is in vain the state of the feed is as it was, and its
 * records wait in their stream; nothing is dropped.
 */
import type { FeedRetry } from '#contracts/market/feed-config.ts';
import { retryBounds } from '#domain/market/feed/retry-bounds.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { withRetries } from '#functions/shared/with-retries.ts';

export interface PatiencePorts {
  readonly telemetry: Telemetry;
  readonly sleep: (waitMs: number) => Promise<void>;
  /** Milliseconds until the platform ends this invocation. */
  readonly remainingMs: () => number;
}

/** What has its own answer: a buffer that is full or cannot be written, and a feed that refuses. It is no failure here. */
export class SettledError extends Error {
  constructor(name: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
  }
}

/** Ingestion failed although it was tried again; what it was about is delivered again. */
export class IngestionFailureError extends Error {
  readonly code = 'ingestion_failure';
  constructor(subject: string, cause: unknown) {
    super(`ingestion retries exhausted: ${subject}: ${messageOf(cause)}`, { cause });
    this.name = 'IngestionFailureError';
  }
}

/** What is tried and how: the feed it is for, or none where a batch is not yet known to be of one. */
export interface Trial {
  readonly retry: FeedRetry;
  readonly stream?: string;
}

/** Does a part of ingestion in its failure domain; throws `IngestionFailureError` when every try failed. */
export const tryIngestion = async <Result>(
  ports: PatiencePorts,
  { retry, stream }: Trial,
  act: () => Promise<Result>,
): Promise<Result> => {
  try {
    return await withRetries({ ...patience(ports, retry), isTransient: isOfIngestion }, act);
  } catch (error) {
    if (!isOfIngestion(error)) throw error;
    const failure = new IngestionFailureError(stream ?? 'a batch', error);
    reportFailure(ports.telemetry, {
      stream,
      failure_domain: 'ingest',
      error_kind: failure.code,
      error_detail: failure.message.slice(0, DETAIL_MAX),
    });
    ports.telemetry.count('IngestionFailures');
    throw failure;
  }
};

const isOfIngestion = (error: unknown): boolean => !(error instanceof SettledError);

/** What the last try of an invocation keeps for itself of the time it has, whatever the delays of a feed are. */
const TRY_TIME_MS = 20_000;

/** Whether an invocation can wait or work so long before its last try. */
export const hasTimeFor = ({ remainingMs }: Pick<PatiencePorts, 'remainingMs'>, waitMs = 0): boolean =>
  remainingMs() - waitMs >= TRY_TIME_MS;

/** The delays of a feed, as far as this invocation has time for them. */
export const patience = (ports: PatiencePorts, retry: FeedRetry) => ({
  bounds: retryBounds(retry),
  sleep: ports.sleep,
  hasTimeFor: (waitMs: number): boolean => hasTimeFor(ports, waitMs),
});

/** Most characters of what a failure says of itself in a line of log. */
export const DETAIL_MAX = 200;

/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Logs a failure under the name of the reference. */
export const reportFailure = (telemetry: Telemetry, fields: Readonly<Record<string, unknown>>): void =>
  telemetry.log('warn', 'orchestrator.failure', fields);
