/** The bounds of an adapter: those of its source, and the reference's where the source has none (section 1.5). */
import type { SourceLimits } from '#contracts/market/market-data-config.ts';
import type { RetryBounds } from '#domain/kernel/backoff.ts';
import { retryBounds } from '#domain/market/feed/retry-bounds.ts';

/** What an adapter may take, in ms. */
export interface AdapterSetting {
  /** Until the venue has confirmed what is subscribed. */
  readonly connectTimeoutMs: number;
  /** From one message to the next. */
  readonly readTimeoutMs: number;
  readonly retry: RetryBounds;
  readonly backpressure: {
    readonly policy: 'block' | 'fail';
    /** Events that are read and not written at most. */
    readonly pendingMax: number;
    /** Absent for as long as it takes. */
    readonly blockMaxMs?: number;
  };
}

const standard: AdapterSetting = {
  connectTimeoutMs: 10_000,
  readTimeoutMs: 30_000,
  retry: { minDelayMs: 250, maxDelayMs: 5_000, attemptsMax: 5 },
  backpressure: { policy: 'fail', pendingMax: 10_000 },
};

/** The bounds of a source. */
export const adapterSetting = (limits: SourceLimits | null): AdapterSetting => {
  const { connect_timeout_ms: connectMs, read_timeout_ms: readMs, retry, backpressure } = limits ?? noLimits;
  return {
    connectTimeoutMs: connectMs ?? standard.connectTimeoutMs,
    readTimeoutMs: readMs ?? standard.readTimeoutMs,
    retry: retry ? retryBounds(retry) : standard.retry,
    backpressure: backpressure ? pressureOf(backpressure) : standard.backpressure,
  };
};

/** Those of an adapter that asks again and again: an answer is waited for from its question on, not from the one before. */
export const pollSetting = (setting: AdapterSetting, everyMs: number): AdapterSetting => ({
  ...setting,
  readTimeoutMs: setting.readTimeoutMs + everyMs,
});

const noLimits: SourceLimits = {
  connect_timeout_ms: null,
  read_timeout_ms: null,
  retry: null,
  backpressure: null,
};

const pressureOf = ({
  policy,
  max_pending: pendingMax,
  max_block_ms: blockMaxMs,
}: NonNullable<SourceLimits['backpressure']>): AdapterSetting['backpressure'] => ({
  policy,
  pendingMax,
  ...(blockMaxMs === null ? {} : { blockMaxMs }),
});
