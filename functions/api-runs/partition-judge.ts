/** Judges partitions as they stand now: by what is deployed, and by when their upstreams were materialized. */
import { runLimits } from '#contracts/runs/limits.ts';
import type { ManifestAsset } from '#contracts/runs/manifest.ts';
import type { PartitionItem } from '#contracts/runs/partitions.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { partitionItem } from '#domain/partition/partition-item.ts';
import { staleness } from '#domain/partition/staleness.ts';
import type { Staleness, UpstreamPartition } from '#domain/partition/staleness.ts';
import { upstreamKeys } from '#domain/partition/upstream-partitions.ts';
import type { UpstreamKeys } from '#domain/partition/upstream-partitions.ts';
import { partitionRowKey } from '#domain/run/partition-rows.ts';
import type { PartitionRow } from '#domain/run/partition-rows.ts';
import type { Caller } from '#functions/shared/request.ts';

/** What the partitions of a workspace are judged by. */
export interface JudgePorts {
  readonly views: ViewReader;
  readonly caller: Caller;
  readonly codeVersion: string;
  readonly assets: ReadonlyMap<string, ManifestAsset>;
  readonly nowMs: number;
}

/** The partitions of one asset as readers see them, in the order of their rows. */
export const judged = async (
  ports: JudgePorts,
  assetKey: string,
  rows: readonly PartitionRow[],
): Promise<readonly PartitionItem[]> => {
  const asset = ports.assets.get(assetKey);
  if (!asset) return rows.map((row) => partitionItem(row, undefined));
  const upstreams = rows.map((row) => upstreamKeys(ports.assets, asset, row.partitionKey));
  const materializedAt = await materializations(ports, upstreams.flat());
  return rows.map((row, index) =>
    partitionItem(row, judgement(ports, { asset, row, upstreams: upstreams[index] ?? [], materializedAt })),
  );
};

type Instants = ReadonlyMap<string, number>;

const placeOf = (assetKey: string, partitionKey: string): string => `${assetKey}#${partitionKey}`;

const materializations = async (
  { views, caller }: JudgePorts,
  upstreams: readonly UpstreamKeys[],
): Promise<Instants> => {
  const places = new Map(
    upstreams.flatMap(({ assetKey, partitionKeys }) =>
      partitionKeys.map((key) => [placeOf(assetKey, key), partitionRowKey(caller, assetKey, key)] as const),
    ),
  );
  const rows = (await views.getMany([...places.values()])).map(({ data }) => data as unknown as PartitionRow);
  return new Map(
    rows.flatMap((row) =>
      row.lastMaterializationAt === undefined
        ? []
        : [[placeOf(row.assetKey, row.partitionKey), Date.parse(row.lastMaterializationAt)] as const],
    ),
  );
};

const judgement = (
  { codeVersion, nowMs }: JudgePorts,
  given: {
    readonly asset: ManifestAsset;
    readonly row: PartitionRow;
    readonly upstreams: readonly UpstreamKeys[];
    readonly materializedAt: Instants;
  },
): Staleness => {
  const { asset, row, upstreams, materializedAt } = given;
  const { lastMaterializationAt: at, lastMaterializationCodeVersion: madeBy } = row;
  return staleness({
    nowMs,
    codeVersion,
    maximumLagMinutes: asset.freshness?.maximumLagMinutes ?? runLimits.freshnessLagMinutesDefault,
    ...(at === undefined
      ? {}
      : {
          materialized: { atMs: Date.parse(at), ...(madeBy === undefined ? {} : { codeVersion: madeBy }) },
        }),
    upstreams: upstreams.map((upstream) => newestOf(upstream, materializedAt)),
  });
};

/** The newest of the places where the upstream partition may stand; the first of them when none was materialized. */
const newestOf = ({ assetKey, partitionKeys }: UpstreamKeys, materializedAt: Instants): UpstreamPartition => {
  const [first = '', ...others] = partitionKeys;
  const at = (key: string): number => materializedAt.get(placeOf(assetKey, key)) ?? -1;
  const partitionKey = others.reduce((newest, key) => (at(key) > at(newest) ? key : newest), first);
  const materializedAtMs = materializedAt.get(placeOf(assetKey, partitionKey));
  return { assetKey, partitionKey, ...(materializedAtMs === undefined ? {} : { materializedAtMs }) };
};
