/** Rows of the manifests of a workspace: which is current, and one row for each, listed newest first. */
import type { RecordedEvent } from '#contracts/event.ts';
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

const apply = (row: RowContent | undefined, key: RowKey, event: RecordedEvent): RowContent | undefined => {
  const data = dataOf(event);
  if (!data) return row;
  if (key.sk === CURSOR)
    return { data: { currentManifestId: data.manifestId, deployNumber: data.deployNumber } };
  return {
    data: { ...item(data, event.occurredAtMs), documentKey: data.documentKey },
    listKey: manifestListKey(event.stream),
    listSort: newestFirst(event.occurredAtMs, data.manifestId),
  };
};

/** Folds deploys into one row per manifest and the workspace's current one. */
export const manifestProjection: Projection = {
  kind: 'manifests',
  cursor: (stream) => ({ pk: stream, sk: CURSOR }),
  details: (event) => {
    const data = dataOf(event);
    return data ? [manifestRowKey(event.stream, data.manifestId)] : [];
  },
  apply,
  operational: [],
};
