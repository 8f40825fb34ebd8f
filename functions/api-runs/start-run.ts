/** What triggering a run and running one again have in common: the run key, one command on the run's own stream. */
import { ulid } from 'ulid';
import type { RunId } from '#contracts/ids.ts';
import { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import type { RunKey, TriggerRunResponse } from '#contracts/runs/trigger.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { runIdFromRunKey } from '#domain/kernel/ids.ts';
import { manifestsAggregate } from '#domain/manifest/manifests.ts';
import type { Manifests } from '#domain/manifest/manifests.ts';
import type { BlobStore } from '#domain/ports/blobs.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { TriggerRun } from '#domain/run/command.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { originOf } from '#domain/run/run.ts';
import { stateOf } from '#domain/run/run-state.ts';
import type { PlannedRun, Run } from '#domain/run/run.ts';
import { ApiError, apiErrorOf } from '#functions/shared/api-error.ts';
import type { ApiRequest } from '#functions/shared/http.ts';
import { admitToLimits } from '#functions/api-runs/limit-admission.ts';
import { loadStream } from '#functions/shared/load.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import type { Caller } from '#functions/shared/request.ts';
import { manifestsStream } from '#functions/shared/streams.ts';

export interface StartPorts {
  readonly mailbox: Mailbox;
  readonly ledger: LedgerReader;
  readonly blobs: BlobStore;
  /** What run keys are turned into run ids with. */
  readonly runIdSecret: () => Promise<string>;
  readonly nowMs: () => number;
}

/** A run that has been started, by this request or by the same one before it. */
export interface Started {
  readonly isCreated: boolean;
  readonly body: TriggerRunResponse;
}

/**
 * Starts the run of a command, or finds it started; throws the refusal of another request under its run key, and while
 * too many attempts wait for a limit the run needs.
 */
export const startRun = async (
  { mailbox, ledger }: Pick<StartPorts, 'mailbox' | 'ledger'>,
  request: ApiRequest,
  { caller, command }: { readonly caller: Caller; readonly command: TriggerRun },
): Promise<Started> => {
  await admitToLimits(ledger, command);
  return sendTrigger(mailbox, request, { caller, command, isNew: true });
};

const sendTrigger = async (
  mailbox: Mailbox,
  request: ApiRequest,
  given: { readonly caller: Caller; readonly command: TriggerRun; readonly isNew: boolean },
): Promise<Started> => {
  const { caller, command, isNew } = given;
  const { runId } = command.header;
  const outcome = await mailbox.send(
    runAggregate,
    {
      stream: runStream(command.header),
      command,
      // The run key already makes a repeat find its run; the command needs no memory of its own.
      commandId: `trigger:${runId}:${request.requestId}`,
      actor: caller.actor,
      correlationId: runId,
    },
    { assumeNew: isNew },
  );
  if (outcome.kind === 'rejected') throw refusalOf(outcome.rejection, request, command.header.runKey);
  const isCreated = outcome.kind === 'committed';
  return { isCreated, body: startedBody(outcome.state, isCreated) };
};

/**
 * The run that a key was used for, whose effects are owed again; undefined while nobody has used it, and when planning
 * has to say what is wrong with the request, which has no fingerprint then. Throws the refusal of another request.
 */
export const repeatOf = async (
  ports: Pick<StartPorts, 'mailbox' | 'ledger' | 'runIdSecret'>,
  request: ApiRequest,
  asked: {
    readonly caller: Caller;
    readonly runKey: string | undefined;
    readonly fingerprintBeside: (plan: Plan) => string | undefined;
  },
): Promise<Started | undefined> => {
  const { caller, runKey } = asked;
  const run = runKey === undefined ? undefined : await runOfKey(ports, caller, runKey);
  if (!run) return undefined;
  const { header, plan } = originOf(run);
  const fingerprint = asked.fingerprintBeside(plan);
  if (fingerprint === undefined) return undefined;
  const command = { type: 'TriggerRun' as const, header: { ...header, fingerprint }, plan };
  return sendTrigger(ports.mailbox, request, { caller, command, isNew: false });
};

/** The run a key was used for; undefined while nobody has. */
export const runOfKey = async (
  ports: Pick<StartPorts, 'ledger' | 'runIdSecret'>,
  caller: Caller,
  runKey: string,
): Promise<PlannedRun | undefined> => {
  const runId = await runIdOfKey(ports, caller, runKey);
  const { state: run } = await loadStream(ports.ledger, runAggregate, runStream({ ...caller, runId }));
  // A run has its plan from its first commit on.
  return run.status === 'none' || run.status === 'TRIGGERED' ? undefined : run;
};

/** The answer of a started run. */
export const startedBody = (run: Run, created: boolean): TriggerRunResponse => {
  if (run.status === 'none' || run.status === 'TRIGGERED') throw new Error('a triggered run has no plan');
  const { header, triggeredAtMs } = originOf(run);
  return {
    runId: header.runId,
    planId: header.planId,
    state: stateOf(run),
    created,
    createdAt: new Date(triggeredAtMs).toISOString(),
  };
};

/** A body whose run key is the header's when it has none; two different keys would leave one of them without effect. */
export const withRunKey = <Body extends { readonly runKey?: RunKey | undefined }>(
  body: Body,
  idempotencyKey: string | undefined,
  parse: (body: object) => Body,
): Body => {
  if (idempotencyKey === undefined || body.runKey === idempotencyKey) return body;
  if (body.runKey !== undefined)
    throw new ApiError(
      'invalid_request',
      'Idempotency-Key and runKey differ; send one of them, or both alike',
    );
  return parse({ ...body, runKey: idempotencyKey });
};

/** A key that came in the header is the caller's idempotency key, and its conflict is named so. */
const refusalOf = (
  rejection: Rejection,
  { idempotencyKey, body }: ApiRequest,
  runKey: string | undefined,
): ApiError => {
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

/** A fresh id. */
export const freshRunId = (nowMs: number): RunId => `run_${ulid(nowMs)}` as RunId;

/** The id of the run of a key. */
export const runIdOfKey = async (
  { runIdSecret }: Pick<StartPorts, 'runIdSecret'>,
  { tenantId, workspaceId }: Caller,
  runKey: string,
): Promise<RunId> => runIdFromRunKey(await runIdSecret(), { tenantId, workspaceId, runKey });

/** What is deployed, where something is. */
export type Deployed = Extract<Manifests, { readonly status: 'deployed' }>;

/** What is deployed in the caller's workspace; throws `no_manifest` when nothing is. */
export const currentManifest = async (ledger: LedgerReader, caller: Caller): Promise<Deployed> => {
  const { state } = await loadStream(ledger, manifestsAggregate, manifestsStream(caller));
  if (state.status === 'none')
    throw new ApiError('no_manifest', 'no manifest is deployed in this workspace; deploy one first');
  return state;
};

const KEPT_MAX = 20;

/** Reads manifests by the key of their body; bodies are addressed by content, so a parsed one never grows stale. */
export const manifestReader = (blobs: BlobStore): ((key: string) => Promise<DeployManifestRequest>) => {
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
