/** The run a request's path names. */
import { RunId } from '#contracts/ids.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import type { ApiRequest } from '#functions/shared/http.ts';
import { callerOf } from '#functions/shared/request.ts';

/** The refusal of a run that is not there, or is somebody else's. */
export const runNotFound = (runId: string): ApiError =>
  new ApiError('run_not_found', `there is no run ${runId} in this workspace`);

/** The run's id and stream in the caller's workspace; `run_not_found` for what cannot be an id. */
export const runOf = (request: ApiRequest): { readonly stream: string; readonly runId: RunId } => {
  const { tenantId, workspaceId } = callerOf(request);
  const { success, data: runId } = RunId.safeParse(request.path['runId']);
  if (!success) throw runNotFound(request.path['runId'] ?? '');
  return { stream: runStream({ tenantId, workspaceId, runId }), runId };
};
