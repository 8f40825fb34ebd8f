import { LambdaClient } from '@aws-sdk/client-lambda';
import { sharedClient } from '#adapters/sdk/connection.ts';

/** As long as Lambda lets a function run. */
const INVOCATION_TIME_MS = 900_000;

/**
 * The environment's client of Lambda. It waits as long as a function may run, and asks once: a second try would run the
 * function again, which is for the retries of a task to decide.
 */
export const lambdaClient = sharedClient(
  ({ requestHandler, ...configuration }) =>
    new LambdaClient({
      ...configuration,
      maxAttempts: 1,
      requestHandler:
        'requestTimeout' in requestHandler
          ? { ...requestHandler, requestTimeout: INVOCATION_TIME_MS }
          : requestHandler,
    }),
);
