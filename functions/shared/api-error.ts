/** Errors as HTTP answers: one catalogue, one shape (docs/guide/design.md §8). */
import { errorCatalogue } from '#contracts/errors.ts';
import type { ErrorBody, ErrorCode } from '#contracts/errors.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { isServiceFault } from '#functions/shared/service-fault.ts';

/** A refusal on its way to the caller. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** Further members at the top of the body, which callback errors carry. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | undefined;
  /** Methods the path does answer, for the header `Allow`. */
  readonly allow: readonly string[];

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      readonly details?: Readonly<Record<string, unknown>> | undefined;
      readonly members?: Readonly<Record<string, unknown>>;
      readonly retryAfterMs?: number;
      readonly allow?: readonly string[];
    } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.details = options.details;
    this.members = options.members ?? {};
    this.retryAfterMs = options.retryAfterMs;
    this.allow = options.allow ?? [];
  }
}

/** A decider's refusal as an answer. */
export const apiErrorOf = ({ code, message, details }: Rejection): ApiError =>
  new ApiError(code, message, { details });

/** The wait we ask for when trying again is all there is to do. */
const RETRY_AFTER_MS = 1_000;

/** The answer for anything thrown: our refusals as they are, everything else redacted as `internal`. */
export const toApiError = (error: unknown): ApiError => {
  if (error instanceof ApiError) return error;
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'contention' || code === 'unavailable')
    return new ApiError(code, (error as Error).message, { retryAfterMs: RETRY_AFTER_MS });
  if (code === 'commit_too_large') return new ApiError(code, (error as Error).message);
  if (isServiceFault(error))
    return new ApiError('unavailable', 'a service Sluice needs is busy or does not answer', {
      retryAfterMs: RETRY_AFTER_MS,
    });
  return new ApiError('internal', 'an unexpected fault; report the request id if it stays');
};

/** Status and body of a refusal. */
export const errorReply = (
  error: ApiError,
  requestId: string,
): { readonly status: number; readonly body: ErrorBody & Record<string, unknown> } => {
  const entry = errorCatalogue[error.code];
  return {
    status: entry.status,
    body: {
      code: error.code,
      message: error.message,
      requestId,
      retryable: entry.retryable,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      ...(error.details === undefined ? {} : { details: { ...error.details } }),
      ...error.members,
    },
  };
};
