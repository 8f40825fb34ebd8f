/** The partitions an asset promises before any run: those of static dimensions that list their values. */
import type { ManifestAsset } from '#contracts/runs/manifest.ts';
import { parsePartitionKey } from '#domain/manifest/partition.ts';

/** How many partitions are promised, and whether a key is one of them. */
export interface ExpectedPartitions {
  readonly count: number;
  readonly has: (partitionKey: string) => boolean;
}

const NONE: ExpectedPartitions = { count: 0, has: () => false };

/** None for an asset that has a dimension whose values cannot be listed. */
export const expectedPartitions = ({ partitioning }: ManifestAsset): ExpectedPartitions => {
  const listed = new Map<string, ReadonlySet<string>>();
  for (const { name, kind, values } of partitioning?.dimensions ?? []) {
    if (kind !== 'static' || values === undefined) return NONE;
    listed.set(name, new Set(values));
  }
  if (listed.size === 0) return NONE;
  return {
    count: [...listed.values()].reduce((product, values) => product * values.size, 1),
    has: (partitionKey) => {
      const values = parsePartitionKey(partitionKey);
      return (
        values?.size === listed.size &&
        [...values].every(
          ([name, scalar]) => scalar.tag === 's' && listed.get(name)?.has(scalar.value) === true,
        )
      );
    },
  };
};
