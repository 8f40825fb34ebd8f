/**
 * The one error catalogue: code, HTTP status, whether the same request may succeed later, cause and remedy.
 * Codes are lower_snake, one per failure. The docs page and the OpenAPI error responses are generated from it.
 */
import * as z from 'zod';
import { limitErrors } from '#contracts/runs/limit-errors.ts';

interface ErrorEntry {
  readonly status: number;
  readonly retryable: boolean;
  readonly cause: string;
  readonly remedy: string;
}

const entry = (status: number, retryable: boolean, cause: string, remedy: string): ErrorEntry => ({
  status,
  retryable,
  cause,
  remedy,
});

/** Every refusal Sluice can answer, by code. */
export const errorCatalogue = {
  ...limitErrors,
  invalid_request: entry(
    400,
    false,
    'a field of the request is missing, unknown or out of range',
    'correct the fields listed in details.issues',
  ),
  invalid_json: entry(400, false, 'the body is not valid JSON', 'send one JSON document as UTF-8'),
  invalid_argument: entry(
    400,
    false,
    'a callback field is out of range',
    'correct the field named in the message',
  ),
  invalid_manifest: entry(
    400,
    false,
    'the manifest has faults',
    'correct every fault listed in details.faults and deploy again',
  ),
  invalid_selection: entry(
    400,
    false,
    'the selection names unknown or malformed assets',
    'select assets of the deployed manifest',
  ),
  invalid_partition: entry(
    400,
    false,
    'the partition key is not canonical or does not fit the assets',
    'use the dimensions of the manifest',
  ),
  invalid_asset_key: entry(400, false, 'the asset key is malformed', 'write a namespace, a dot and a name'),
  invalid_cursor: entry(400, false, 'the cursor was not issued by this list', 'start again without a cursor'),
  invalid_feed_config: entry(
    400,
    false,
    'the feed configuration breaks a rule',
    'correct the key named in the message',
  ),
  plan_too_large: entry(
    400,
    false,
    'the plan has more tasks than the limit',
    'select fewer assets or raise the limit',
  ),
  no_manifest: entry(400, false, 'no manifest is deployed in this workspace', 'deploy a manifest first'),
  missing_token: entry(401, false, 'the request has no bearer token', 'send Authorization: Bearer TOKEN'),
  invalid_token: entry(
    401,
    false,
    'the token is malformed, not ours, or for something else',
    'obtain a new token for this resource',
  ),
  token_expired: entry(401, false, 'the token has expired', 'obtain a new token'),
  forbidden: entry(
    403,
    false,
    'the role of this token may not do this',
    'ask an admin for the role named in details.requiredRole',
  ),
  not_found: entry(
    404,
    false,
    'there is no such resource in this workspace',
    'check the id and the workspace',
  ),
  route_not_found: entry(404, false, 'there is no such route', 'see the API description'),
  task_not_found: entry(404, false, 'there is no such task', 'check the task id'),
  log_not_found: entry(
    404,
    false,
    'no log of this run, or of this task, has been uploaded',
    'upload one, or look again in a moment: lists follow the ledger',
  ),
  partitions_not_found: entry(404, false, 'no partition of the asset is known', 'check its key, or run it'),
  run_not_found: entry(404, false, 'there is no such run in this workspace', 'check the run id'),
  run_key_not_found: entry(
    404,
    false,
    'no run was started under this run key in this workspace',
    'check the run key; start a run with it',
  ),
  feed_not_found: entry(404, false, 'there is no such feed in this workspace', 'check the feed id'),
  api_key_not_found: entry(
    404,
    false,
    'there is no such API key in this tenant, or it was revoked',
    'check the key id',
  ),
  role_grant_not_found: entry(
    404,
    false,
    'there is no such role grant in this tenant, or it was revoked',
    'check the grant id',
  ),
  workspace_not_found: entry(
    404,
    false,
    'no workspace of this name is registered in this tenant',
    'check the workspace id, or register it',
  ),
  method_not_allowed: entry(405, false, 'the route does not answer this method', 'see the API description'),
  stale_attempt: entry(
    409,
    false,
    'a newer attempt of this task has been made',
    'stop the work; its result is no longer wanted',
  ),
  attempt_mismatch: entry(
    409,
    false,
    'the attempt in the body differs from the token',
    'report with the attempt that was claimed',
  ),
  attempt_id_mismatch: entry(
    409,
    false,
    'the attempt id in the body differs from the token',
    'report with the attempt id that was claimed',
  ),
  attempt_already_started: entry(409, false, 'another worker has started this attempt', 'stop the work'),
  attempt_already_completed: entry(
    409,
    false,
    'this attempt has ended and waits for its retry',
    'stop the work',
  ),
  retry_not_due: entry(
    409,
    true,
    'the instant of this retry has not come',
    'issue the command again at details.retryAt',
  ),
  task_already_terminal: entry(409, false, 'the task has ended with another result', 'stop the work'),
  rerun_not_allowed: entry(
    409,
    false,
    'the run has not failed, so there is nothing to run again from its failure',
    'wait for the end of the run, or rerun a subset of it',
  ),
  run_already_terminal: entry(
    409,
    false,
    'the tasks of the run have ended, and nobody had asked for that; it may still wait for its outputs',
    'read details.state: start another run or rerun one that has ended; one that is RUNNING needs its outputs alone',
  ),
  idempotency_key_reused: entry(
    409,
    false,
    'the idempotency key was used for a different request',
    'use a new key',
  ),
  run_key_conflict: entry(
    409,
    false,
    'the run key is taken by a run with another fingerprint',
    'use another run key or the same request',
  ),
  feed_not_halted: entry(
    409,
    false,
    'no delivery of the feed waits for a person: none is halted, or somebody else resumed it first',
    'read the feed; there is nothing to resume',
  ),
  feed_exists: entry(
    409,
    false,
    'a feed of this name exists with another configuration',
    'choose another name',
  ),
  feed_state_conflict: entry(409, false, 'the feed is not in a state that allows this', 'see details.state'),
  access_limit_reached: entry(
    409,
    false,
    'the tenant has as many keys, grants or workspaces as it may',
    'revoke what is no longer used; details.limit has the bound',
  ),
  range_pruned: entry(
    410,
    false,
    'records of the range were deleted, as the feed is configured to',
    'ask for what is left: see details.firstSeqLeft and details.replayableFromMs',
  ),
  task_not_succeeded: entry(
    409,
    false,
    'the attempt has no output, since it has not succeeded',
    'report on the output once the attempt has succeeded',
  ),
  visibility_already_decided: entry(
    409,
    false,
    'whether the output is visible was decided before',
    'see details.state; run the task again for another output',
  ),
  log_already_stored: entry(
    409,
    false,
    'another log of this attempt was uploaded before',
    'upload each log once; the first one stays',
  ),
  task_expired: entry(410, false, 'the task has ended', 'stop the work'),
  payload_too_large: entry(
    413,
    false,
    'the body is over the limit',
    'send less; details.limitBytes has the bound',
  ),
  unsupported_media_type: entry(
    415,
    false,
    'the body is not application/json',
    'send content-type: application/json',
  ),
  rate_limited: entry(
    429,
    true,
    'the caller has made as many requests as it may, or a limit of this workspace is reached',
    'wait for Retry-After seconds',
  ),
  internal: entry(
    500,
    true,
    'an unexpected fault; its details are in the log under the request id',
    'retry, then report the request id',
  ),
  contention: entry(503, true, 'too many writers on one aggregate', 'retry after a moment'),
  unavailable: entry(503, true, 'a service Sluice needs does not answer', 'retry after a moment'),
  unknown_event: entry(
    503,
    true,
    'the stream holds an event this version must understand and does not',
    'deploy the newer version',
  ),
  too_many_partitions: entry(422, false, 'the asset has too many to count', 'list them page by page'),
  commit_too_large: entry(413, false, 'the events of one command exceed 256 KB', 'send less at once'),
  unsupported_event_type: entry(400, false, 'the event type is unknown', 'use a type of RawMarketEvent v1'),
  missing_normalized_keys: entry(
    400,
    false,
    'the normalized object lacks keys its type requires',
    'add the keys named in the message',
  ),
  invalid_market_event: entry(
    400,
    false,
    'a field of the RawMarketEvent is missing or has the wrong type',
    'correct the field named in the message',
  ),
  unlisted_source: entry(
    400,
    false,
    'no started feed of the workspace lists this source',
    'add the source to a feed',
  ),
  unlisted_symbol: entry(
    400,
    false,
    'no started feed of the workspace lists this symbol for the source',
    'add the symbol to a feed',
  ),
  record_too_large: entry(413, false, 'the market record is over 1 MiB', 'send smaller records'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** The body of every error answer (docs/guide/design.md §8). Callback errors add the members of `CallbackError`. */
export const ErrorBody = z.object({
  code: z.string(),
  message: z.string(),
  requestId: z.string(),
  retryable: z.boolean(),
  retryAfterMs: z.int().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type ErrorBody = z.infer<typeof ErrorBody>;
