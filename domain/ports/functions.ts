/** Lambda functions of customers that make attempts. */
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';

/** What came of an invocation. */
export type Invoked =
  /** It ended well, with this answer; undefined when it gave none. */
  | { readonly kind: 'answered'; readonly answer: unknown }
  /** It ended by an error of its own. */
  | { readonly kind: 'failed'; readonly errorType: string; readonly message: string }
  /** There is no such function, or it may not be invoked: asking again is of no use. */
  | { readonly kind: 'refused'; readonly message: string }
  /** Lambda had no room for it or gave no answer; it may have run all the same. */
  | { readonly kind: 'unavailable'; readonly message: string };

/** Invokes a function and waits for its end, until the signal comes; whatever goes wrong is an answer. */
export type InvokeFunction = (
  functionName: string,
  event: DispatchEnvelope,
  signal: AbortSignal,
) => Promise<Invoked>;
