/** Names of reruns (asset reference, section 3): compact JSON, members in the order the formulas fix. */
import { byBytes, sortedRecord } from '#domain/kernel/ids.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';

/** What is run again. */
export interface RerunIdentity {
  readonly parentRunId: string;
  readonly rerunKind: 'FROM_FAILURE' | 'SUBSET';
  readonly selectedTasks: readonly string[];
  readonly partitionKeys: readonly string[];
}

/** What a rerun asks for, canonical. */
export interface RerunFingerprint extends RerunIdentity {
  readonly roots: readonly string[];
  readonly includeUpstream: boolean;
  readonly includeDownstream: boolean;
  /** With the two labels of lineage. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether it takes the code that is deployed now; left out of the formula when not. */
  readonly isLatest: boolean;
}

const sorted = (list: readonly string[]): string => JSON.stringify([...list].sort(byBytes));

const parts = ({ parentRunId, rerunKind }: RerunIdentity): string =>
  `"parent_run_id":${JSON.stringify(parentRunId)},"rerun_kind":${JSON.stringify(rerunKind)}`;

/** SHA-256 of the canonical rerun. */
export const rerunFingerprint = (request: RerunFingerprint): string =>
  sha256Hex(
    `{${parts(request)},"roots":${sorted(request.roots)},"include_upstream":${request.includeUpstream}` +
      `,"include_downstream":${request.includeDownstream},"selected_tasks":${sorted(request.selectedTasks)}` +
      `,"partition_keys":${sorted(request.partitionKeys)},"labels":${sortedRecord(request.labels)}` +
      `${request.isLatest ? ',"code_version":"latest"' : ''}}`,
  );

const KEY_DIGITS = 16;

/** The run key of a rerun that was given none; generations after the first say which they are. */
export const rerunKey = (identity: RerunIdentity, generation: number): string => {
  const { parentRunId, rerunKind, selectedTasks, partitionKeys } = identity;
  const hash = sha256Hex(
    `{${parts(identity)},"selected_tasks":${sorted(selectedTasks)},"partition_keys":${sorted(partitionKeys)}}`,
  ).slice(0, KEY_DIGITS);
  const kind = rerunKind === 'FROM_FAILURE' ? 'from_failure' : 'subset';
  return `rerun:${parentRunId}:${kind}:${hash}${generation === 1 ? '' : `:${generation}`}`;
};
