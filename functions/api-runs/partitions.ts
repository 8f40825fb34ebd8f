/** Reading the partitions of assets: how each stands, and how many stand how. */
import { runLimits } from '#contracts/runs/limits.ts';
import { PartitionListQuery } from '#contracts/runs/partitions.ts';
import type { PartitionItem, PartitionSummary } from '#contracts/runs/partitions.ts';
import { parseAssetKey } from '#domain/manifest/asset-key.ts';
import { expectedPartitions } from '#domain/partition/expected-partitions.ts';
import type { RowPage, ViewReader } from '#domain/ports/views.ts';
import { partitionRowKey, partitionRowsKey } from '#domain/run/partition-rows.ts';
import type { PartitionRow } from '#domain/run/partition-rows.ts';
import { assetsOf } from '#domain/run/plan.ts';
import { deployedReader, knownNames } from '#functions/api-runs/deployed.ts';
import type { DeployedPorts, NamePage } from '#functions/api-runs/deployed.ts';
import { judged } from '#functions/api-runs/partition-judge.ts';
import type { JudgePorts } from '#functions/api-runs/partition-judge.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import { parseQuery } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { cursorOf, positionOf } from '#functions/shared/paging.ts';
import { callerOf } from '#functions/shared/request.ts';
import type { Caller } from '#functions/shared/request.ts';

export interface PartitionPorts extends DeployedPorts {
  readonly views: ViewReader;
  readonly nowMs: () => number;
}

/** Assets and partitions one request looks at, before it hands the cursor back. */
const ASSETS_MAX = 200;
const ROWS_MAX = 1_000;
/** Partitions read at once, and rows of their upstreams read for them. */
const PAGE_ROWS = 100;
const UPSTREAM_ROWS_MAX = 2_000;

/** One page of partitions, by asset and then by key. */
export const listPartitions = (ports: PartitionPorts) => {
  const judgeOf = judgeReader(ports);
  return async (request: ApiRequest): Promise<ApiReply> => {
    const caller = callerOf(request);
    const { limit, cursor, assetKey, staleOnly } = parseQuery(PartitionListQuery, request.query);
    const list = `partitions#${caller.tenantId}/${caller.workspaceId}#${assetKey ?? ''}`;
    const { after } = positionOf(list, cursor);
    const judge = await judgeOf(caller);
    const place = after === undefined ? undefined : placeIn(after);
    const assets =
      assetKey === undefined
        ? await knownAssets(judge, place)
        : { names: [assetIn(assetKey)], isMore: false };
    const { partitions, next } = await walk(judge, { assets, limit, staleOnly, place });
    return { status: 200, body: { partitions, ...cursorOf(list, next === undefined ? {} : { next }) } };
  };
};

/** How many partitions an asset has, and how they stand; 404 when it has none. */
export const summarizePartitions = (ports: PartitionPorts) => {
  const judgeOf = judgeReader(ports);
  return async (request: ApiRequest): Promise<ApiReply> => {
    const judge = await judgeOf(callerOf(request));
    const assetKey = assetIn(request.path['assetKey'] ?? '');
    const asset = judge.assets.get(assetKey);
    const expected = asset ? expectedPartitions(asset) : undefined;
    const counts = { total: expected?.count ?? 0, materialized: 0, stale: 0 };
    let looked = 0;
    for await (const { items } of pagesOf(judge, assetKey)) {
      looked += items.length;
      if (looked > runLimits.summaryPartitionsMax) throw tooMany(assetKey);
      for (const item of items) {
        const isMaterialized = item.lastMaterializationAt !== undefined;
        counts.total += expected?.has(item.partitionKey) === true ? 0 : 1;
        counts.materialized += isMaterialized ? 1 : 0;
        counts.stale += isMaterialized && item.isStale ? 1 : 0;
      }
    }
    if (counts.total === 0)
      throw new ApiError('partitions_not_found', `no partition of ${assetKey} is known; run the asset first`);
    const body: PartitionSummary = {
      assetKey,
      totalPartitions: counts.total,
      materializedPartitions: counts.materialized,
      stalePartitions: counts.stale,
      missingPartitions: counts.total - counts.materialized,
    };
    return { status: 200, body };
  };
};

const tooMany = (assetKey: string): ApiError =>
  new ApiError(
    'too_many_partitions',
    `${assetKey} has more than ${runLimits.summaryPartitionsMax} partitions; list them page by page`,
  );

const judgeReader = (ports: PartitionPorts): ((caller: Caller) => Promise<JudgePorts>) => {
  const deployedIn = deployedReader(ports);
  return async (caller) => {
    const deployed = await deployedIn(caller);
    return {
      views: ports.views,
      caller,
      codeVersion: deployed?.codeVersion ?? '',
      assets: deployed ? assetsOf(deployed.manifest) : new Map(),
      nowMs: ports.nowMs(),
    };
  };
};

const assetIn = (text: string): string => {
  const key = parseAssetKey(text);
  if (key === undefined)
    throw new ApiError('invalid_asset_key', `"${text}" is no asset key; write namespace.name`);
  return key;
};

type AssetPage = Pick<NamePage, 'names' | 'isMore'>;

/** The assets that are deployed or were, from the place on. */
const knownAssets = async (judge: JudgePorts, place: Place | undefined): Promise<AssetPage> => {
  const after = place ? { after: place.assetKey } : {};
  const page = await knownNames(judge, 'assets', { live: judge.assets.keys(), limit: ASSETS_MAX, ...after });
  return { names: place ? [place.assetKey, ...page.names] : page.names, isMore: page.isMore };
};

/** Behind a partition of an asset. */
interface Place {
  readonly assetKey: string;
  readonly partitionKey: string;
}

/** Stands behind every partition key of an asset. */
const END = '~';

const placeIn = (text: string): Place => {
  const [assetKey = '', partitionKey = END] = text.split('#');
  return { assetKey, partitionKey };
};

interface Wish {
  readonly assets: AssetPage;
  readonly limit: number;
  readonly staleOnly: boolean;
  readonly place: Place | undefined;
}

interface Walked {
  readonly partitions: readonly PartitionItem[];
  /** The place to go on from; absent at the end. */
  readonly next?: string;
}

const walk = async (judge: JudgePorts, { assets, limit, staleOnly, place }: Wish): Promise<Walked> => {
  const partitions: PartitionItem[] = [];
  let looked = 0;
  let walked = '';
  for (const assetKey of assets.names) {
    if (looked >= ROWS_MAX) return { partitions, next: walked + END };
    const after = assetKey === place?.assetKey ? place.partitionKey : undefined;
    for await (const { items, isLast } of pagesOf(judge, assetKey, after)) {
      for (const item of items) {
        if (staleOnly && !item.isStale) continue;
        // One more than asked for is there: only now is it known that there is a next page.
        if (partitions.length === limit) return { partitions, next: partitions.map(textOf).at(-1) ?? '' };
        partitions.push(item);
      }
      looked += items.length;
      if (!isLast && looked >= ROWS_MAX) return { partitions, next: items.map(textOf).at(-1) ?? '' };
    }
    walked = `${assetKey}#`;
  }
  return { partitions, ...(assets.isMore ? { next: walked + END } : {}) };
};

const textOf = ({ assetKey, partitionKey }: PartitionItem): string => `${assetKey}#${partitionKey}`;

async function* pagesOf(
  judge: JudgePorts,
  assetKey: string,
  after?: string,
): AsyncIterable<{ readonly items: readonly PartitionItem[]; readonly isLast: boolean }> {
  const upstreamCount = judge.assets.get(assetKey)?.dependencies?.length ?? 0;
  const limit = Math.max(1, Math.min(PAGE_ROWS, Math.floor(UPSTREAM_ROWS_MAX / (2 * upstreamCount))));
  let position = after === undefined ? undefined : partitionRowKey(judge.caller, assetKey, after).sk;
  do {
    const page: RowPage = await judge.views.partition(
      partitionRowsKey(judge.caller, assetKey),
      position,
      limit,
    );
    const rows = page.rows.map(({ data }) => data as unknown as PartitionRow);
    position = page.next;
    yield { items: await judged(judge, assetKey, rows), isLast: position === undefined };
  } while (position !== undefined);
}
