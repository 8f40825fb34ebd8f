/** Compares a request with the one that a run key was first used for. Nothing is planned anew, and nothing written. */
import { BackfillRunKeyRequest } from '#contracts/runs/trigger.ts';
import type { BackfillRunKeyResponse } from '#contracts/runs/trigger.ts';
import { runKeyConflict } from '#domain/run/decide.ts';
import { planRun } from '#domain/run/plan.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { headerOf } from '#domain/run/run.ts';
import { currentManifest, manifestReader, runIdOfKey } from '#functions/api-runs/start-run.ts';
import type { StartPorts } from '#functions/api-runs/start-run.ts';
import { ApiError, apiErrorOf } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import { callerOf } from '#functions/shared/request.ts';

/**
 * Answers the run of a key with its fingerprint. Refuses a key nobody used (404) and a request that is not the one of
 * its run (409, with the details of a trigger). In the reference it fills in fingerprints of old reservations; ours
 * have had one from the start, so `updated` is false.
 */
export const backfillRunKey = (ports: StartPorts) => {
  const manifestOf = manifestReader(ports.blobs);
  return async (request: ApiRequest): Promise<ApiReply> => {
    const caller = callerOf(request);
    const { runKey, ...intent } = parseBody(BackfillRunKeyRequest, request.body);
    const runId = await runIdOfKey(ports, caller, runKey);
    const { state: run } = await loadStream(ports.ledger, runAggregate, runStream({ ...caller, runId }));
    if (run.status === 'none')
      throw new ApiError('run_key_not_found', `no run was started under the run key ${runKey}`);
    const current = await currentManifest(ports.ledger, caller);
    const planned = planRun(await manifestOf(current.documentKey), intent);
    if (planned.kind === 'rejected') throw apiErrorOf(planned.rejection);
    const existing = headerOf(run);
    if (existing.header.fingerprint !== planned.fingerprint)
      throw apiErrorOf(runKeyConflict(existing, planned.fingerprint));
    const body: BackfillRunKeyResponse = {
      runKey,
      runId,
      requestFingerprint: planned.fingerprint,
      updated: false,
      createdAt: new Date(existing.triggeredAtMs).toISOString(),
    };
    return { status: 200, body };
  };
};
