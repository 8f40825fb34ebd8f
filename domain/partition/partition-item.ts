/** A partition as its readers see it: its row, and what the deployed manifest makes of it now. */
import type { PartitionItem, PartitionOutcome, PartitionState } from '#contracts/runs/partitions.ts';
import { parsePartitionKey } from '#domain/manifest/partition.ts';
import { plainText } from '#domain/manifest/partition-dimension.ts';
import type { Staleness } from '#domain/partition/staleness.ts';
import type { PartitionRow } from '#domain/run/partition-rows.ts';

/** Causes of staleness that are named; the rest follow from looking at the upstreams. */
const CAUSES_MAX = 20;

/** The item of a row; without a judgement its asset is deployed no more. */
export const partitionItem = (row: PartitionRow, judgement: Staleness | undefined): PartitionItem => {
  const { assetKey, partitionKey, ...known } = row;
  const values = parsePartitionKey(partitionKey);
  return {
    assetKey,
    partitionKey,
    ...(values
      ? {
          partitionValues: Object.fromEntries([...values].map(([name, scalar]) => [name, plainText(scalar)])),
        }
      : {}),
    state: stateOf(row, judgement),
    ...known,
    ...staleMembers(judgement),
    ...(judgement ? {} : { isAssetRemoved: true as const }),
  };
};

const FAILURES: readonly PartitionOutcome[] = ['failed', 'timed_out'];

const stateOf = (row: PartitionRow, judgement: Staleness | undefined): PartitionState => {
  if (row.lastMaterializationAt === undefined) return 'NEVER_MATERIALIZED';
  // The last attempt of all is not the last success, so it came after it.
  if (FAILURES.includes(row.lastAttemptOutcome)) return 'MATERIALIZED_BUT_LAST_ATTEMPT_FAILED';
  return judgement?.isStale === true ? 'STALE' : 'MATERIALIZED';
};

const iso = (atMs: number): string => new Date(atMs).toISOString();

const staleMembers = (
  judgement: Staleness | undefined,
): Pick<PartitionItem, 'isStale' | 'staleReason' | 'staleSince' | 'staleCauses'> => {
  if (!judgement?.isStale) return { isStale: false };
  const { reason, sinceMs, causes } = judgement;
  return {
    isStale: true,
    staleReason: reason,
    ...(sinceMs === undefined ? {} : { staleSince: iso(sinceMs) }),
    ...(causes.length === 0
      ? {}
      : {
          staleCauses: causes.slice(0, CAUSES_MAX).map(({ assetKey, partitionKey, materializedAtMs }) => ({
            assetKey,
            partitionKey,
            ...(materializedAtMs === undefined ? {} : { materializedAt: iso(materializedAtMs) }),
          })),
        }),
  };
};
