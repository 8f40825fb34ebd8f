/** Refusals of what is configured beside a manifest, limits and execution locations, part of the error catalogue. */
import { locationErrors } from '#contracts/runs/location-errors.ts';

/** Those of limits, and of locations behind them. */
export const limitErrors = {
  limit_not_found: {
    status: 404,
    retryable: false,
    cause: 'no limit of this id is set in this workspace',
    remedy: 'check the id: workspace, queue:NAME or key:NAME',
  },
  limit_declared: {
    status: 409,
    retryable: false,
    cause:
      'the deployed manifest declares the limit, or names its concurrency key, and nobody set another capacity',
    remedy: 'set another capacity, or deploy a manifest that does without it',
  },
  too_many_limits: {
    status: 409,
    retryable: false,
    cause: 'the workspace has as many limits as it may',
    remedy: 'remove one that is no longer used; details.limit has the bound',
  },
  slot_refused: {
    status: 409,
    retryable: false,
    cause: 'as many attempts as may wait for the limit, and none of its slots is free',
    remedy: 'ask again a second or two later, and less often with each refusal',
  },
  slot_not_awaited: {
    status: 409,
    retryable: false,
    cause: 'a slot was granted to an attempt that does not wait for it any more',
    remedy: 'give the slot back',
  },
  too_much_waiting: {
    status: 429,
    retryable: true,
    cause: 'as many attempts as may wait for a limit of concurrency that the run needs',
    remedy: 'wait for Retry-After seconds, or raise the capacity of details.limitId',
  },
  ...locationErrors,
} as const;
