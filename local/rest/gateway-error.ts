/** Refusals the gateway itself gives, in the error contract of the API. */
import { errorCatalogue } from '#contracts/errors.ts';
import type { ErrorBody, ErrorCode } from '#contracts/errors.ts';
import type { RestResponse } from '#local/rest/rest-message.ts';

export interface Refusal {
  readonly code: ErrorCode;
  readonly requestId: string;
  /** 502 and 504 of a broken function keep their own status. */
  readonly status?: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The answer for a refusal; its status and text come from the error catalogue. */
export const refuse = ({ code, requestId, status, details }: Refusal): RestResponse => {
  const entry = errorCatalogue[code];
  const body: ErrorBody = {
    code,
    message: entry.cause,
    requestId,
    retryable: entry.retryable,
    ...(details === undefined ? {} : { details: { ...details } }),
  };
  return {
    status: status ?? entry.status,
    headers: { 'content-type': ['application/json'], 'x-request-id': [requestId] },
    body: Buffer.from(JSON.stringify(body)),
  };
};
