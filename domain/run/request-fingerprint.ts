/**
 * What a request to run is known by. The run of its key is compared with it before anything is planned: what is deployed
 * may have changed since, and the same request must find its run all the same.
 */
import type { AssetKey } from '#contracts/ids.ts';
import { reservedLabels } from '#contracts/runs/limits.ts';
import type { TriggerRunRequest } from '#contracts/runs/trigger.ts';
import { triggerFingerprint } from '#domain/kernel/ids.ts';
import { parseAssetKey } from '#domain/manifest/asset-key.ts';
import { namesPartition, parsePartitionKey } from '#domain/manifest/partition.ts';

type Partition = { readonly partitionKey?: string };

/** The fingerprint of a request for these assets, canonical and each once, and its canonical partition. */
export const requestFingerprint = (
  { includeUpstream, includeDownstream, labels, timeoutSec }: TriggerRunRequest,
  selection: readonly AssetKey[],
  partition: Partition,
): string =>
  triggerFingerprint({
    selection,
    includeUpstream,
    includeDownstream,
    labels,
    ...partition,
    ...(timeoutSec === undefined ? {} : { timeoutSec }),
  });

/**
 * The fingerprint of a request beside the run of its key, whose partition says what plain values stand for. Undefined
 * where planning has to answer: for a malformed request, and for plain values that are not of the run's partition.
 */
export const fingerprintBeside = (
  request: TriggerRunRequest,
  ofRun: string | undefined,
): string | undefined => {
  if (Object.keys(request.labels).some((label) => reservedLabels.includes(label))) return undefined;
  const roots = request.selection.map(parseAssetKey);
  const selection = [...new Set(roots.filter((key) => key !== undefined))];
  const partition = partitionBeside(request, ofRun);
  return roots.includes(undefined) || partition === undefined
    ? undefined
    : requestFingerprint(request, selection, partition);
};

const partitionBeside = (
  { partitions, partitionKey }: TriggerRunRequest,
  ofRun: string | undefined,
): Partition | undefined => {
  if (partitions !== undefined)
    return ofRun !== undefined && namesPartition(partitions, ofRun) ? { partitionKey: ofRun } : undefined;
  if (partitionKey === undefined) return {};
  return parsePartitionKey(partitionKey) === undefined ? undefined : { partitionKey };
};
