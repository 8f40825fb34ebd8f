/** Compares a request with the one that a run key was first used for. Nothing is planned anew, and nothing written. */
import { BackfillRunKeyRequest } from '#contracts/runs/trigger.ts';
import type { BackfillRunKeyResponse, TriggerRunRequest } from '#contracts/runs/trigger.ts';
import { runKeyConflict } from '#domain/run/decide.ts';
import { planRun } from '#domain/run/plan.ts';
import { fingerprintBeside } from '#domain/run/request-fingerprint.ts';
import { headerOf, originOf } from '#domain/run/run.ts';
import { currentManifest, manifestReader, runOfKey } from '#functions/api-runs/start-run.ts';
import type { StartPorts } from '#functions/api-runs/start-run.ts';
import { ApiError, apiErrorOf } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { callerOf } from '#functions/shared/request.ts';
import type { Caller } from '#functions/shared/request.ts';

/**
 * Answers the run of a key with its fingerprint. Refuses a key nobody used (404) and a request that is not the one of
 * its run (409, with the details of a trigger). In the reference it fills in fingerprints of old reservations; ours
 * have had one from the start, so `updated` is false.
 */
export const backfillRunKey = (ports: StartPorts) => {
  const manifestOf = manifestReader(ports.blobs);
  const plannedFingerprint = async (caller: Caller, intent: TriggerRunRequest): Promise<string> => {
    const { documentKey } = await currentManifest(ports.ledger, caller);
    const planned = planRun(await manifestOf(documentKey), intent);
    if (planned.kind === 'rejected') throw apiErrorOf(planned.rejection);
    return planned.fingerprint;
  };
  return async (request: ApiRequest): Promise<ApiReply> => {
    const caller = callerOf(request);
    const { runKey, ...intent } = parseBody(BackfillRunKeyRequest, request.body);
    const run = await runOfKey(ports, caller, runKey);
    if (!run) throw new ApiError('run_key_not_found', `no run was started under the run key ${runKey}`);
    const fingerprint =
      fingerprintBeside(intent, originOf(run).plan.partitionKey) ??
      (await plannedFingerprint(caller, intent));
    const existing = headerOf(run);
    if (existing.header.fingerprint !== fingerprint) throw apiErrorOf(runKeyConflict(existing, fingerprint));
    const body: BackfillRunKeyResponse = {
      runKey,
      runId: existing.header.runId,
      requestFingerprint: fingerprint,
      updated: false,
      createdAt: new Date(existing.triggeredAtMs).toISOString(),
    };
    return { status: 200, body };
  };
};
