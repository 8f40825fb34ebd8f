/** Lists what a workspace has deployed; what a deploy removed stays listed, as removed. */
import type { AssetItem, ScheduleItem } from '#contracts/runs/deployed.ts';
import type { ManifestAsset, ManifestSchedule } from '#contracts/runs/manifest.ts';
import { ListQuery } from '#contracts/runs/read.ts';
import { assetKeyOf, parseAssetKey } from '#domain/manifest/asset-key.ts';
import type { Tombstone } from '#domain/manifest/manifest-projection.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { assetsOf } from '#domain/run/plan.ts';
import { deployedReader, knownNames } from '#functions/api-runs/deployed.ts';
import type { Deployed, DeployedPorts } from '#functions/api-runs/deployed.ts';
import { parseQuery } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { cursorOf, positionOf } from '#functions/shared/paging.ts';
import { callerOf } from '#functions/shared/request.ts';

export interface AssetPorts extends DeployedPorts {
  readonly views: ViewReader;
}

/** One page of assets, by key. */
export const listAssets = (ports: AssetPorts) =>
  listKnown<ManifestAsset, AssetItem>(ports, 'assets', {
    liveOf: (deployed) => (deployed ? assetsOf(deployed.manifest) : new Map()),
    itemOf: (assetKey, asset, end) => ({ assetKey, ...end, ...(asset ? assetMembers(asset) : {}) }),
  });

/** One page of schedules, by id. */
export const listSchedules = (ports: AssetPorts) =>
  listKnown<ManifestSchedule, ScheduleItem>(ports, 'schedules', {
    liveOf: (deployed) =>
      new Map((deployed?.manifest.schedules ?? []).map((schedule) => [schedule.id, schedule])),
    itemOf: (scheduleId, schedule, end) => ({
      scheduleId,
      ...end,
      ...(schedule ? scheduleMembers(schedule) : {}),
    }),
  });

type End = Pick<AssetItem, 'state' | 'removedAt' | 'removedByManifestId'>;

interface Kind<Live, Item> {
  readonly liveOf: (deployed: Deployed | undefined) => ReadonlyMap<string, Live>;
  readonly itemOf: (name: string, live: Live | undefined, end: End) => Item;
}

const listKnown = <Live, Item>(
  ports: AssetPorts,
  kind: 'assets' | 'schedules',
  { liveOf, itemOf }: Kind<Live, Item>,
) => {
  const deployedIn = deployedReader(ports);
  return async (request: ApiRequest): Promise<ApiReply> => {
    const caller = callerOf(request);
    const { limit, cursor } = parseQuery(ListQuery, request.query);
    const list = `${kind}#${caller.tenantId}/${caller.workspaceId}`;
    const live = liveOf(await deployedIn(caller));
    const asked = { live: live.keys(), limit, ...positionOf(list, cursor) };
    const { names, removed, isMore } = await knownNames({ views: ports.views, caller }, kind, asked);
    const items = names.map((name) => itemOf(name, live.get(name), endOf(removed.get(name))));
    const last = names.at(-1);
    return {
      status: 200,
      body: { [kind]: items, ...cursorOf(list, isMore && last !== undefined ? { next: last } : {}) },
    };
  };
};

const endOf = (tombstone: Tombstone | undefined): End => {
  if (!tombstone) return { state: 'ACTIVE' };
  const { removedAt, removedByManifestId } = tombstone;
  return { state: 'REMOVED', removedAt, removedByManifestId };
};

const assetMembers = ({ id, description, dependencies, partitioning, freshness }: ManifestAsset) => ({
  id,
  ...(description === undefined ? {} : { description }),
  upstreamAssetKeys: (dependencies ?? []).flatMap(({ upstreamKey }) => assetKeyOf(upstreamKey) ?? []),
  ...(partitioning === undefined ? {} : { partitioning }),
  ...(freshness === undefined ? {} : { freshness }),
});

const scheduleMembers = ({ cron, timezone, assets }: ManifestSchedule) => ({
  cronExpression: cron,
  timezone,
  assetSelection: assets.flatMap((text) => parseAssetKey(text) ?? []),
});
