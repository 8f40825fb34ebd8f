/** What the routes take and give by which workers claim and report. */
import type * as z from 'zod';
import type { ErrorCode } from '#contracts/errors.ts';
import type { RouteShape } from '#contracts/route-shapes.ts';
import {
  CompletedRequest,
  CompletedResponse,
  HeartbeatRequest,
  HeartbeatResponse,
  StartedRequest,
  StartedResponse,
} from '#contracts/runs/callbacks.ts';
import { ClaimRequest, ClaimResponse } from '#contracts/runs/claim.ts';

const ok = (schema: z.ZodType, when = 'Done'): RouteShape['answers'] => ({ 200: { schema, when } });

const callbackRefusals = [
  'invalid_argument',
  'task_not_found',
  'stale_attempt',
  'attempt_mismatch',
  'attempt_id_mismatch',
  'attempt_already_completed',
] as const satisfies readonly ErrorCode[];

const completionRefusals = [
  ...callbackRefusals,
  'task_already_terminal',
  'commit_too_large',
] as const satisfies readonly ErrorCode[];

/** Part of the shapes of all routes. */
export const workerShapes = {
  claimTasks: {
    body: ClaimRequest,
    answers: ok(ClaimResponse, 'The tasks, or none; with a known `Idempotency-Key` those handed out before'),
    refusals: ['idempotency_key_reused', ...completionRefusals],
  },
  reportTaskStarted: {
    body: StartedRequest,
    answers: ok(StartedResponse),
    refusals: [...callbackRefusals, 'attempt_already_started', 'task_already_terminal'],
  },
  reportTaskHeartbeat: {
    body: HeartbeatRequest,
    answers: ok(HeartbeatResponse),
    refusals: [...callbackRefusals, 'task_expired'],
  },
  reportTaskCompleted: {
    body: CompletedRequest,
    answers: ok(CompletedResponse),
    refusals: completionRefusals,
  },
} as const satisfies Readonly<Record<string, RouteShape>>;
