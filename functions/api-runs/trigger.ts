/** Starts runs: plan from the current manifest, then one command on the run's own stream. */
import { TriggerRunRequest } from '#contracts/runs/trigger.ts';
import { inForce } from '#domain/manifest/in-force.ts';
import { planRun, triggerRun } from '#domain/run/plan.ts';
import { fingerprintBeside } from '#domain/run/request-fingerprint.ts';
import {
  currentManifest,
  freshRunId,
  manifestReader,
  repeatOf,
  runIdOfKey,
  startRun,
  withRunKey,
} from '#functions/api-runs/start-run.ts';
import type { StartPorts } from '#functions/api-runs/start-run.ts';
import { apiErrorOf } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { callerOf } from '#functions/shared/request.ts';

/** Starts a run: 201, or 200 with `created: false` when the run key had the same request before. */
export const triggerRunOperation = (ports: StartPorts) => {
  const manifestOf = manifestReader(ports.blobs);
  return async (request: ApiRequest): Promise<ApiReply> => {
    const caller = callerOf(request);
    refuseSecrets(request.body);
    const parse = (given: unknown): TriggerRunRequest => parseBody(TriggerRunRequest, given);
    const body = withRunKey(parse(request.body), request.idempotencyKey, parse);
    const repeat = await repeatOf(ports, request, {
      caller,
      runKey: body.runKey,
      fingerprintBeside: ({ partitionKey }) => fingerprintBeside(body, partitionKey),
    });
    if (repeat) return { status: 200, body: repeat.body };
    const current = await currentManifest(ports.ledger, caller);
    const planned = planRun(await manifestOf(current.documentKey), body, inForce(current));
    if (planned.kind === 'rejected') throw apiErrorOf(planned.rejection);
    const context = {
      tenantId: caller.tenantId,
      workspaceId: caller.workspaceId,
      runId:
        body.runKey === undefined ? freshRunId(ports.nowMs()) : await runIdOfKey(ports, caller, body.runKey),
      manifestId: current.manifestId,
      codeVersion: current.codeVersionId,
      trigger: { type: 'manual' as const, userId: caller.userId },
      traceId: request.traceId,
    };
    const started = await startRun(ports, request, { caller, command: triggerRun(context, planned, body) });
    return { status: started.isCreated ? 201 : 200, body: started.body };
  };
};
