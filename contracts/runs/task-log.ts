/** What attempts wrote while they ran: bodies under their content hash, one for each attempt (asset reference, section 8.6). */
import * as z from 'zod';
import { AttemptId, RunId, TaskKey } from '#contracts/ids.ts';
import { attemptReport } from '#contracts/runs/callbacks.ts';
import { runLimits } from '#contracts/runs/limits.ts';

/** Together at most `runLimits.logBytesMax` bytes of UTF-8. */
const output = { stdout: z.string().default(''), stderr: z.string().default('') };

/** Body of `POST /runs/{runId}/logs`, sent by people and machines with a role. */
export const UploadLogRequest = z
  .strictObject({ taskKey: TaskKey, attempt: z.int().min(1).max(runLimits.attemptsMax), ...output })
  .readonly();
export type UploadLogRequest = z.infer<typeof UploadLogRequest>;

/** Body of `POST /v1/callbacks/{taskId}/logs`, sent by the worker of the attempt, also after the attempt has ended. */
export const AttemptLogRequest = z.strictObject({ ...attemptReport, ...output }).readonly();
export type AttemptLogRequest = z.infer<typeof AttemptLogRequest>;

/** Answer of both. */
export const UploadLogResponse = z.strictObject({
  /** `logs/{runId}/{taskKey}/attempt-{n}.log`. */
  path: z.string(),
  /** Of the text as it is kept and read, with its headings. */
  sizeBytes: z.int().min(0),
  /** Present when something that looked like a secret was kept as `[redacted]`. */
  redacted: z.literal(true).optional(),
});
export type UploadLogResponse = z.infer<typeof UploadLogResponse>;

/** Query of `GET /runs/{runId}/logs`. */
export const LogQuery = z.strictObject({
  /** The logs of this task alone. */
  taskKey: z.string().max(runLimits.selectionItemLengthMax).optional(),
  limit: z.coerce.number().int().min(1).max(runLimits.listLimitMax).default(runLimits.listLimitDefault),
  cursor: z.string().max(2048).optional(),
});
export type LogQuery = z.infer<typeof LogQuery>;

/** Answer of `GET /runs/{runId}/logs`: each log behind a line `--- path ---`. */
export const LogText = z.string();

/** Headers that carry the cursor of the next page of logs; both say the same. */
export const nextCursorHeaders = ['x-next-cursor', 'x-arco-next-cursor'] as const;

/** The log of an attempt was kept. Key `log:{run}:{task}:{attempt}`. */
export const TaskLogStored = z.strictObject({
  type: z.literal('TaskLogStored'),
  idempotencyKey: z.string(),
  data: z
    .strictObject({
      runId: RunId,
      taskKey: TaskKey,
      attempt: z.int().min(1),
      attemptId: AttemptId,
      path: z.string(),
      /** Where the body is kept; its last part is the SHA-256 of the text. */
      bodyKey: z.string(),
      sizeBytes: z.int().min(0),
      redacted: z.literal(true).optional(),
    })
    .readonly(),
});
export type TaskLogStored = Readonly<z.infer<typeof TaskLogStored>>;
