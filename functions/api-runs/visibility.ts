/** Somebody with a role says whether the output of an attempt can be read by others. */
import { TaskKey } from '#contracts/ids.ts';
import { OutputVisibilityRequest } from '#contracts/runs/visibility.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { recordVisibility } from '#functions/shared/output-visibility.ts';
import { callerOf } from '#functions/shared/request.ts';
import { runNotFound, runOf } from '#functions/shared/run-path.ts';

/** Records the report on the last attempt of a task. */
export const reportOutputVisibility =
  (ports: { readonly mailbox: Mailbox; readonly ledger: LedgerReader }) =>
  async (request: ApiRequest): Promise<ApiReply> => {
    const { stream, runId } = runOf(request);
    const report = parseBody(OutputVisibilityRequest, request.body);
    const taskKey = TaskKey.safeParse(request.path['taskKey']);
    if ((await loadStream(ports.ledger, runAggregate, stream)).state.status === 'none')
      throw runNotFound(runId);
    if (!taskKey.success)
      throw new ApiError('task_not_found', `the run has no task ${request.path['taskKey'] ?? ''}`);
    return recordVisibility(ports, stream, {
      command: { type: 'ReportOutputVisibility', taskKey: taskKey.data, report },
      identity: callerOf(request).commandIdentity('reportOutputVisibility'),
    });
  };
