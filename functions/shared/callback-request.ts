/** What every callback begins and ends with: its token, its ranges, and errors in the form workers know. */
import { TaskTokenClaims } from '#contracts/runs/callbacks.ts';
import type { TaskTokens } from '#adapters/tokens/task-token.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import type { Operation } from '#functions/shared/http.ts';

/** The operation with its refusals counted and told as workers expect them. */
export const asCallback =
  (ports: { readonly telemetry: Telemetry }, operation: Operation): Operation =>
  (request) =>
    toldAsCallback(ports, () => operation(request));

/** The answer, or its refusal, counted and told as workers expect it. */
export const toldAsCallback = async <Answer>(
  { telemetry }: { readonly telemetry: Telemetry },
  answer: () => Promise<Answer>,
): Promise<Answer> => {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    telemetry.count('CallbacksRefused');
    throw asCallbackError(error);
  }
};

/** Workers know these two faults by a code of their own; any other fault of the shape is `invalid_request`. */
export const refuseOutOfRange = (body: unknown): void => {
  const { attempt, progressPct } = { ...(body as { attempt?: unknown; progressPct?: unknown } | undefined) };
  if (typeof attempt === 'number' && attempt < 1)
    throw new ApiError('invalid_argument', `attempt is ${attempt}; attempts count from 1`);
  if (typeof progressPct === 'number' && (progressPct < 0 || progressPct > 100))
    throw new ApiError('invalid_argument', `progressPct is ${progressPct}; it goes from 0 to 100`);
};

/** What the token says; refuses one that is over, malformed or not ours. */
export const verifyToken = async (tokens: TaskTokens, token: string): Promise<TaskTokenClaims> => {
  const verified = await tokens.verify(token);
  if (verified.kind === 'expired') throw new ApiError('token_expired', 'the task token has expired');
  const claims = verified.kind === 'valid' ? TaskTokenClaims.safeParse(verified.scope) : undefined;
  if (!claims?.success) throw new ApiError('invalid_token', 'the task token is malformed or not ours');
  return claims.data;
};

const CALLBACK_MEMBERS = [
  'state',
  'expectedAttempt',
  'receivedAttempt',
  'expectedAttemptId',
  'receivedAttemptId',
];

/** Callback errors carry the code as `error` too, and the compared values at top level. */
const asCallbackError = (error: ApiError): ApiError => {
  const details = Object.entries(error.details ?? {});
  const top = details.filter(([name]) => CALLBACK_MEMBERS.includes(name));
  const rest = details.filter(([name]) => !CALLBACK_MEMBERS.includes(name));
  return new ApiError(error.code, error.message, {
    ...(rest.length === 0 ? {} : { details: Object.fromEntries(rest) }),
    members: { error: error.code, ...Object.fromEntries(top) },
  });
};
