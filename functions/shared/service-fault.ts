/** Tells a service of AWS that is busy or away from a fault of our own. */

/** Names of errors by which services refuse for now; their HTTP status is 400 with most of them. */
const BUSY: ReadonlySet<string> = new Set([
  ...['ThrottlingException', 'Throttling', 'RequestThrottled', 'RequestThrottledException', 'SlowDown'],
  ...['ProvisionedThroughputExceededException', 'RequestLimitExceeded', 'TooManyRequestsException'],
  ...['TimeoutError', 'ServiceUnavailable', 'ServiceUnavailableException', 'InternalServerError'],
]);

interface Answered {
  readonly $fault?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown };
}

/** Whether a service refused for now or did not answer, after all the tries of its client: later the same may do. */
export const isServiceFault = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const { $fault, $metadata } = error as Error & Answered;
  const status = $metadata?.httpStatusCode;
  return BUSY.has(error.name) || $fault === 'server' || (typeof status === 'number' && status >= 500);
};
