/** Which partitions of its upstreams a partition was made from. */
import type { AssetKey } from '#contracts/ids.ts';
import type { ManifestAsset, PartitionDimension } from '#contracts/runs/manifest.ts';
import { assetKeyOf } from '#domain/manifest/asset-key.ts';
import { encodePartitionKey, parsePartitionKey } from '#domain/manifest/partition.ts';

/** An upstream asset, and the keys under which the partition in question may stand there. */
export interface UpstreamKeys {
  readonly assetKey: AssetKey;
  readonly partitionKeys: readonly string[];
}

/**
 * For each upstream of the asset the keys to look under: that of the partition itself, which a run gives to all its
 * tasks, and its projection onto the upstream's dimensions when these are among those of the asset. An upstream that is
 * cut along other dimensions cannot be told from the key and is left out.
 */
export const upstreamKeys = (
  assets: ReadonlyMap<string, ManifestAsset>,
  asset: ManifestAsset,
  partitionKey: string,
): readonly UpstreamKeys[] =>
  (asset.dependencies ?? []).flatMap(({ upstreamKey }) => {
    const assetKey = assetKeyOf(upstreamKey);
    const upstream = assetKey && assets.get(assetKey);
    if (!upstream) return [];
    const projected = projection(dimensionsOf(asset), dimensionsOf(upstream), partitionKey);
    return projected === undefined
      ? []
      : [{ assetKey, partitionKeys: [...new Set([partitionKey, projected])] }];
  });

const dimensionsOf = ({ partitioning }: ManifestAsset): readonly PartitionDimension[] =>
  partitioning?.dimensions ?? [];

const projection = (
  own: readonly PartitionDimension[],
  wanted: readonly PartitionDimension[],
  partitionKey: string,
): string | undefined => {
  if (partitionKey === '') return '';
  if (!wanted.every((dimension) => own.some((one) => isAlike(one, dimension)))) return undefined;
  const values = parsePartitionKey(partitionKey);
  const names = new Set(wanted.map(({ name }) => name));
  return encodePartitionKey(new Map([...(values ?? [])].filter(([name]) => names.has(name))));
};

const isAlike = (one: PartitionDimension, other: PartitionDimension): boolean =>
  one.name === other.name && one.kind === other.kind && one.granularity === other.granularity;
