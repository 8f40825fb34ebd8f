/** Rows of the manifests of a workspace: which is current, and one row for each, listed newest first. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { ManifestId } from '#contracts/ids.ts';
import type { ManifestDeployed } from '#contracts/runs/manifest-events.ts';
import type { ManifestItem } from '#contracts/runs/manifest.ts';
import type { Projection, RowContent, RowKey } from '#domain/kernel/projection.ts';
import { newestFirst } from '#domain/kernel/list-sort.ts';

const CURSOR = 'manifests';

const dataOf = (event: RecordedEvent): ManifestDeployed['data'] | undefined =>
  event.type === 'ManifestDeployed' ? (event.data as ManifestDeployed['data']) : undefined;

/** The row of one manifest; the stream is `manifests#tenant/workspace`. */
export const manifestRowKey = (stream: string, manifestId: string): RowKey => ({
  pk: stream,
  sk: `manifest#${manifestId}`,
});

/** The index partition that lists the manifests of a workspace, ascending = newest first. */
export const manifestListKey = (stream: string): string => stream;

/** The partitions of the rows of what a deploy removed from the workspace of a manifests stream, by name. */
export const removedKeys = (stream: string): { readonly assets: string; readonly schedules: string } => {
  const place = stream.slice('manifests#'.length);
  return { assets: `removed-asset#${place}`, schedules: `removed-schedule#${place}` };
};

/** What stays of an asset or schedule that was removed; a manifest that has it again overrules it. */
export interface Tombstone {
  readonly name: string;
  readonly removedAt: string;
  /** The manifest that has it no more. */
  readonly removedByManifestId: ManifestId;
}

const item = (data: ManifestDeployed['data'], deployedAtMs: number): ManifestItem => ({
  manifestId: data.manifestId,
  codeVersionId: data.codeVersionId,
  fingerprint: data.fingerprint,
  assetCount: data.assetCount,
  ...(data.gitBranch === undefined ? {} : { gitBranch: data.gitBranch }),
  ...(data.gitCommit === undefined ? {} : { gitCommit: data.gitCommit }),
  deployedAt: new Date(deployedAtMs).toISOString(),
  deployedBy: data.deployedBy,
});

const tombstone = (name: string, { manifestId }: ManifestDeployed['data'], atMs: number): Tombstone => ({
  name,
  removedAt: new Date(atMs).toISOString(),
  removedByManifestId: manifestId,
});

const apply = (row: RowContent | undefined, key: RowKey, event: RecordedEvent): RowContent | undefined => {
  const data = dataOf(event);
  // Limits may be set before the first deploy, and the cursor goes on with them.
  if (!data) return row ?? (key.sk === CURSOR ? { data: {} } : undefined);
  if (key.sk === CURSOR)
    return { data: { currentManifestId: data.manifestId, deployNumber: data.deployNumber } };
  if (key.pk !== event.stream) return { data: { ...tombstone(key.sk, data, event.occurredAtMs) } };
  return {
    data: { ...item(data, event.occurredAtMs), documentKey: data.documentKey },
    listKey: manifestListKey(event.stream),
    listSort: newestFirst(event.occurredAtMs, data.manifestId),
  };
};

/** Folds deploys into one row per manifest, the workspace's current one, and one for all they removed. */
export const manifestProjection: Projection = {
  kind: 'manifests',
  rowKinds: ['manifests', 'removed-asset', 'removed-schedule'],
  cursor: (stream) => ({ pk: stream, sk: CURSOR }),
  details: (event) => {
    const data = dataOf(event);
    if (!data) return [];
    const { manifestId, removedAssets = [], removedSchedules = [] } = data;
    const removed = removedKeys(event.stream);
    return [
      manifestRowKey(event.stream, manifestId),
      ...removedAssets.map((sk) => ({ pk: removed.assets, sk })),
      ...removedSchedules.map((sk) => ({ pk: removed.schedules, sk })),
    ];
  },
  apply,
  operational: [],
};
