/** Starts runs: plan from the current manifest, then one command on the run's own stream. */
import { ulid } from 'ulid';
import type { RunId } from '#contracts/ids.ts';
import { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import { publicRunState } from '#contracts/runs/states.ts';
import { TriggerRunRequest } from '#contracts/runs/trigger.ts';
import type { TriggerRunResponse } from '#contracts/runs/trigger.ts';
import { runIdFromRunKey } from '#domain/kernel/ids.ts';
import { manifestsAggregate } from '#domain/manifest/manifests.ts';
import type { Manifests } from '#domain/manifest/manifests.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import type { BlobStore } from '#domain/ports/blobs.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { planRun, triggerRun } from '#domain/run/plan.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { originOf } from '#domain/run/run.ts';
import type { Run } from '#domain/run/run.ts';
import { ApiError, apiErrorOf } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { callerOf } from '#functions/shared/request.ts';
import type { Caller } from '#functions/shared/request.ts';
import { manifestsStream } from '#functions/shared/streams.ts';

export interface TriggerPorts {
  readonly mailbox: Mailbox;
  readonly ledger: LedgerReader;
  readonly blobs: BlobStore;
  readonly nowMs: () => number;
}

/** Starts a run: 201, or 200 with `created: false` when the run key had the same request before. */
export const triggerRunOperation = (ports: TriggerPorts) => {
  const manifestOf = manifestReader(ports.blobs);
  return async (request: ApiRequest): Promise<ApiReply> => {
    const caller = callerOf(request);
    refuseSecrets(request.body);
    const body = withRunKey(parseBody(TriggerRunRequest, request.body), request.idempotencyKey);
    const current = await currentManifest(ports.ledger, caller);
    const planned = planRun(await manifestOf(current.documentKey), body);
    if (planned.kind === 'rejected') throw apiErrorOf(planned.rejection);
    const runId = runIdOf(caller, body, ports.nowMs());
    const context = {
      tenantId: caller.tenantId,
      workspaceId: caller.workspaceId,
      runId,
      manifestId: current.manifestId,
      codeVersion: current.codeVersionId,
      trigger: { type: 'manual' as const, userId: caller.userId },
    };
    const outcome = await ports.mailbox.send(
      runAggregate,
      {
        stream: runStream(context),
        command: triggerRun(context, planned, body),
        // The run key already makes a repeat find its run; the command needs no memory of its own.
        commandId: `trigger:${runId}:${request.requestId}`,
        actor: caller.actor,
        correlationId: runId,
      },
      { assumeNew: true },
    );
    if (outcome.kind === 'rejected') throw refusalOf(outcome.rejection, request, body);
    const isCreated = outcome.kind === 'committed';
    return { status: isCreated ? 201 : 200, body: response(outcome.state, isCreated) };
  };
};

/** The header is the run key of a body that has none; two different keys would leave one of them without effect. */
const withRunKey = (body: TriggerRunRequest, idempotencyKey: string | undefined): TriggerRunRequest => {
  if (idempotencyKey === undefined || body.runKey === idempotencyKey) return body;
  if (body.runKey !== undefined)
    throw new ApiError(
      'invalid_request',
      'Idempotency-Key and runKey differ; send one of them, or both alike',
    );
  return parseBody(TriggerRunRequest, { ...body, runKey: idempotencyKey });
};

/** A key that came in the header is the caller's idempotency key, and its conflict is named so. */
const refusalOf = (
  rejection: Rejection,
  { idempotencyKey, body }: ApiRequest,
  { runKey }: TriggerRunRequest,
) => {
  const isFromHeader = runKey !== undefined && runKey === idempotencyKey && !hasRunKey(body);
  return apiErrorOf(
    rejection.code === 'run_key_conflict' && isFromHeader
      ? {
          ...rejection,
          code: 'idempotency_key_reused',
          message: 'this idempotency key was used for a different request; use a new key',
        }
      : rejection,
  );
};

const hasRunKey = (body: unknown): boolean => typeof body === 'object' && body !== null && 'runKey' in body;

const runIdOf = ({ tenantId, workspaceId }: Caller, { runKey }: TriggerRunRequest, nowMs: number): RunId =>
  runKey === undefined
    ? (`run_${ulid(nowMs)}` as RunId)
    : runIdFromRunKey(tenantId, { tenantId, workspaceId, runKey });

type Deployed = Extract<Manifests, { readonly status: 'deployed' }>;

const currentManifest = async (ledger: LedgerReader, caller: Caller): Promise<Deployed> => {
  const { state } = await loadStream(ledger, manifestsAggregate, manifestsStream(caller));
  if (state.status === 'none')
    throw new ApiError('no_manifest', 'no manifest is deployed in this workspace; deploy one first');
  return state;
};

const KEPT_MAX = 20;

/** Bodies are addressed by content, so a parsed one never grows stale. */
const manifestReader = (blobs: BlobStore): ((key: string) => Promise<DeployManifestRequest>) => {
  const kept = new Map<string, DeployManifestRequest>();
  return async (key) => {
    const known = kept.get(key);
    if (known) return known;
    const text = await blobs.get(key);
    if (text === undefined) throw new Error(`the manifest body ${key} is missing`);
    const manifest = DeployManifestRequest.parse(JSON.parse(text));
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(key, manifest);
    return manifest;
  };
};

const response = (run: Run, created: boolean): TriggerRunResponse => {
  if (run.status === 'none' || run.status === 'TRIGGERED') throw new Error('a triggered run has no plan');
  const { header, triggeredAtMs } = originOf(run);
  return {
    runId: header.runId,
    planId: header.planId,
    state: publicRunState[run.status],
    created,
    createdAt: new Date(triggeredAtMs).toISOString(),
  };
};
