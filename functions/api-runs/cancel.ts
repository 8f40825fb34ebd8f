/** Asks runs to end. */
import { CancelRunRequest } from '#contracts/runs/trigger.ts';
import type { CancelRunResponse } from '#contracts/runs/trigger.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { originOf } from '#domain/run/run.ts';
import { stateOf } from '#domain/run/run-state.ts';
import type { Run } from '#domain/run/run.ts';
import { runOf } from '#functions/shared/run-path.ts';
import { apiErrorOf } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { callerOf } from '#functions/shared/request.ts';

/** Cancels a run: 200 with where it stands, to whoever asks first and to whoever asks again. */
export const cancelRun =
  ({ mailbox }: { readonly mailbox: Mailbox }) =>
  async (request: ApiRequest): Promise<ApiReply> => {
    const { stream } = runOf(request);
    const caller = callerOf(request);
    refuseSecrets(request.body);
    const { reason } = parseBody(CancelRunRequest, request.body);
    const outcome = await mailbox.send(runAggregate, {
      stream,
      command: {
        type: 'CancelRun',
        requestedBy: caller.userId,
        ...(reason === undefined ? {} : { reason }),
      },
      ...caller.commandIdentity('cancelRun'),
    });
    if (outcome.kind === 'rejected') throw apiErrorOf(outcome.rejection);
    return { status: 200, body: response(outcome.state) };
  };

const response = (run: Run): CancelRunResponse => {
  if (run.status === 'none' || run.status === 'TRIGGERED' || run.stop?.cancelledAtMs === undefined)
    throw new Error('a cancelled run says nothing of its cancellation');
  return {
    runId: originOf(run).header.runId,
    state: stateOf(run),
    cancelledAt: new Date(run.stop.cancelledAtMs).toISOString(),
  };
};
