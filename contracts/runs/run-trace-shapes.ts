/** What the routes take and give that tell what runs wrote. */
import type * as z from 'zod';
import type { RouteAnswer, RouteShape } from '#contracts/route-shapes.ts';
import { RunEventStream, RunStreamQuery } from '#contracts/runs/read.ts';
import {
  AttemptLogRequest,
  LogQuery,
  LogText,
  nextCursorHeaders,
  UploadLogRequest,
  UploadLogResponse,
} from '#contracts/runs/task-log.ts';
import {
  AttemptVisibilityRequest,
  OutputVisibilityRequest,
  OutputVisibilityResponse,
} from '#contracts/runs/visibility.ts';

const answer = (schema: z.ZodType, when = 'Done'): RouteAnswer => ({ schema, when });
const ok = (schema: z.ZodType): RouteShape['answers'] => ({ 200: answer(schema) });

/** Part of the shapes of all routes. */
export const runTraceShapes = {
  streamRunEvents: {
    query: RunStreamQuery,
    answers: {
      200: {
        ...answer(RunEventStream, 'Server-sent events; a stream ends after 120 s at most'),
        contentType: 'text/event-stream',
      },
      204: { when: 'The run has ended, and no event follows the last one seen' },
    },
    refusals: ['run_not_found'],
  },
  reportOutputVisibility: {
    body: OutputVisibilityRequest,
    answers: ok(OutputVisibilityResponse),
    refusals: [
      'run_not_found',
      'task_not_found',
      'stale_attempt',
      'attempt_mismatch',
      'task_not_succeeded',
      'visibility_already_decided',
      'idempotency_key_reused',
    ],
  },
  reportAttemptVisibility: {
    body: AttemptVisibilityRequest,
    answers: ok(OutputVisibilityResponse),
    refusals: [
      'invalid_argument',
      'task_not_found',
      'stale_attempt',
      'attempt_mismatch',
      'attempt_id_mismatch',
      'task_not_succeeded',
      'visibility_already_decided',
    ],
  },
  uploadRunLog: {
    body: UploadLogRequest,
    answers: ok(UploadLogResponse),
    refusals: [
      'run_not_found',
      'task_not_found',
      'attempt_mismatch',
      'log_already_stored',
      'idempotency_key_reused',
    ],
  },
  readRunLogs: {
    query: LogQuery,
    answers: {
      200: {
        ...answer(LogText, 'The logs, each behind a line that names it'),
        contentType: 'text/plain; charset=utf-8',
        headers: Object.fromEntries(
          nextCursorHeaders.map((header) => [header, 'The cursor of the next page, absent at the end']),
        ),
      },
    },
    refusals: ['run_not_found', 'log_not_found', 'invalid_cursor'],
  },
  uploadAttemptLog: {
    body: AttemptLogRequest,
    answers: ok(UploadLogResponse),
    refusals: [
      'invalid_argument',
      'task_not_found',
      'attempt_mismatch',
      'attempt_id_mismatch',
      'log_already_stored',
    ],
  },
} as const satisfies Readonly<Record<string, RouteShape>>;
