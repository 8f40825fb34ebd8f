/**
 * Trace contexts of attempts (W3C Trace Context, level 1): every attempt of a run is in the trace of whoever triggered
 * it, or in one of the run's own. Both ids are formulas over ids, so that an envelope handed out twice is the same.
 */
import { sha256Hex } from '#domain/kernel/hash.ts';

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

/** The trace a `traceparent` header names; undefined for one that is malformed, which begins no trace. */
export const traceIdOf = (traceparent: string | undefined): string | undefined => {
  const [, traceId, more] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  // Only versions to come may say more than version 00.
  return more !== undefined && traceparent?.startsWith('00-') === true ? undefined : traceId;
};

/** The context an attempt's worker goes on from; it is sampled. */
export const traceparentOf = (
  { runId, traceId }: { readonly runId: string; readonly traceId?: string | undefined },
  attemptId: string,
): string => {
  const trace = traceId ?? sha256Hex(`trace:${runId}`).slice(0, 32);
  return `00-${trace}-${sha256Hex(`span:${attemptId}`).slice(0, 16)}-01`;
};
