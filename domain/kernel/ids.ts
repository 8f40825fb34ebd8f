/**
 * Ids that a repeat must make again: each is a formula over ids, so doing something twice names it once. The
 * formulas are those of the asset reference, section 3; other programs compute them too and they never change.
 */
import { AttemptId, CallbackTaskId, ManifestId, PlanId, RunId, TaskKey } from '#contracts/ids.ts';
import { base32, hmacSha256, sha256Base32, sha256Hex } from '#domain/kernel/hash.ts';

const NUL = '\0';

/** A task attempt of a run, by name. */
export interface AttemptRef {
  readonly runId: string;
  readonly taskKey: string;
  /** 1 for the first try. */
  readonly attempt: number;
}

/** `dispatch:{runId}:{taskKey}:{attempt}`. */
export const dispatchId = ({ runId, taskKey, attempt }: AttemptRef): string =>
  `dispatch:${runId}:${taskKey}:${attempt}`;

/** `att_` and the first 12 bytes of the hash of the dispatch id, in hex. */
export const attemptId = (ref: AttemptRef): AttemptId =>
  AttemptId.parse(`att_${sha256Hex(`attempt:${dispatchId(ref)}`).slice(0, 24)}`);

/** The queue's name for an internal id: `d_` for dispatches, `t_` for timers, 28 characters. */
export const queueTaskId = (kind: 'd' | 't', internalId: string): string =>
  `${kind}_${sha256Base32(internalId)}`;

/** `timer:retry:{runId}:{taskKey}:{attempt}:{second}`: the timer that ends the backoff after an attempt. */
export const retryTimerId = (ref: AttemptRef, fireAtMs: number): string =>
  `timer:retry:${ref.runId}:${ref.taskKey}:${ref.attempt}:${Math.floor(fireAtMs / 1000)}`;

/** `ct1_` and base64url of run id, NUL and task key: the task id callbacks carry. */
export const callbackTaskId = ({ runId, taskKey }: Omit<AttemptRef, 'attempt'>): CallbackTaskId =>
  CallbackTaskId.parse(`ct1_${Buffer.from(`${runId}${NUL}${taskKey}`, 'utf8').toString('base64url')}`);

/** What a callback task id names, or undefined when nobody minted it; only the exact encoding is accepted. */
export const decodeCallbackTaskId = (
  text: string,
): { readonly runId: RunId; readonly taskKey: TaskKey } | undefined => {
  if (!CallbackTaskId.safeParse(text).success) return undefined;
  const decoded = Buffer.from(text.slice(4), 'base64url').toString('utf8');
  const separator = decoded.indexOf(NUL);
  const runId = RunId.safeParse(decoded.slice(0, Math.max(0, separator)));
  const taskKey = TaskKey.safeParse(decoded.slice(separator + 1));
  if (!runId.success || !taskKey.success) return undefined;
  const ref = { runId: runId.data, taskKey: taskKey.data };
  return callbackTaskId(ref) === text ? ref : undefined;
};

/** What makes a run key unique: the same key in another workspace is another run. */
export interface RunKeyScope {
  readonly tenantId: string;
  readonly workspaceId: string;
  readonly runKey: string;
}

/** `run_` and 26 characters from the run key; whoever keeps the secret to himself keeps others from guessing it. */
export const runIdFromRunKey = (secret: string, { tenantId, workspaceId, runKey }: RunKeyScope): RunId =>
  RunId.parse(`run_${base32(hmacSha256(secret, `${tenantId}:${workspaceId}:${runKey}`).slice(0, 16))}`);

/** `plan_` and the run id. */
export const planId = (runId: RunId): PlanId => PlanId.parse(`plan_${runId}`);

/** `man_` and 26 characters of the hash of tenant, workspace and fingerprint: same content, same manifest. */
export const manifestId = (scope: Omit<RunKeyScope, 'runKey'>, fingerprint: string): ManifestId =>
  ManifestId.parse(`man_${sha256Base32(`manifest:${scope.tenantId}/${scope.workspaceId}:${fingerprint}`)}`);

/** `part_` and 32 hex characters: one partition of one asset. */
export const partitionId = (assetId: string, partitionKey: string): string =>
  `part_${sha256Hex(`${assetId}:${partitionKey}`).slice(0, 32)}`;

/** `<kind>-<26 base32>-<generation>`: a name AWS accepts for an execution, a deduplication id, a schedule. */
export const effectName = (kind: string, canonicalId: string, generation: number): string =>
  `${kind}-${sha256Base32(canonicalId)}-${generation}`;

/** What a trigger asks for, canonical: the same request in another order hashes the same. */
export interface TriggerFingerprint {
  readonly selection: readonly string[];
  readonly includeUpstream: boolean;
  readonly includeDownstream: boolean;
  readonly partitionKey?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly timeoutSec?: number | undefined;
}

/** Orders texts by their UTF-8 bytes. */
export const byBytes = (left: string, right: string): number =>
  Buffer.compare(Buffer.from(left, 'utf8'), Buffer.from(right, 'utf8'));

/** Compact JSON of an object with its members in byte order; an object literal would reorder numeric names. */
export const sortedRecord = (record: Readonly<Record<string, string>>): string =>
  `{${Object.entries(record)
    .sort(([left], [right]) => byBytes(left, right))
    .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
    .join(',')}}`;

/** SHA-256 of the canonical trigger, members in the order the formula fixes. */
export const triggerFingerprint = (request: TriggerFingerprint): string => {
  const selection = [...new Set(request.selection)].sort(byBytes);
  const partition =
    request.partitionKey === undefined ? '' : `,"partition_key":${JSON.stringify(request.partitionKey)}`;
  const timeout = request.timeoutSec === undefined ? '' : `,"timeout_sec":${request.timeoutSec}`;
  return sha256Hex(
    `{"selection":${JSON.stringify(selection)},"include_upstream":${request.includeUpstream}` +
      `,"include_downstream":${request.includeDownstream}${partition},"labels":${sortedRecord(request.labels)}${timeout}}`,
  );
};
