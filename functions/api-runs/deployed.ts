/** What is deployed in a workspace, and what was once. */
import type { ManifestId } from '#contracts/ids.ts';
import { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import { removedKeys } from '#domain/manifest/manifest-projection.ts';
import type { Tombstone } from '#domain/manifest/manifest-projection.ts';
import { manifestsAggregate } from '#domain/manifest/manifests.ts';
import type { DeployedBefore } from '#domain/manifest/manifests.ts';
import type { BlobStore } from '#domain/ports/blobs.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { manifestReader } from '#functions/api-runs/start-run.ts';
import { loadStream } from '#functions/shared/load.ts';
import type { Caller } from '#functions/shared/request.ts';
import { manifestsStream } from '#functions/shared/streams.ts';

export interface DeployedPorts {
  readonly ledger: LedgerReader;
  readonly blobs: BlobStore;
}

/** The manifest that is deployed. */
export interface Deployed {
  readonly manifestId: ManifestId;
  readonly codeVersion: string;
  readonly manifest: DeployManifestRequest;
}

/** Answers what is deployed in the caller's workspace; undefined when nothing is. */
export const deployedReader = ({
  ledger,
  blobs,
}: DeployedPorts): ((caller: Caller) => Promise<Deployed | undefined>) => {
  const manifestOf = manifestReader(blobs);
  return async (caller) => {
    const { state } = await loadStream(ledger, manifestsAggregate, manifestsStream(caller));
    if (state.status === 'none') return undefined;
    const { manifestId, codeVersionId, documentKey } = state;
    return { manifestId, codeVersion: codeVersionId, manifest: await manifestOf(documentKey) };
  };
};

/** Answers what a deploy will follow, even when its body is lost: a deploy is how people repair that. */
export const deployedBefore =
  ({ ledger, blobs }: DeployedPorts): ((caller: Caller) => Promise<DeployedBefore | undefined>) =>
  async (caller) => {
    const { state } = await loadStream(ledger, manifestsAggregate, manifestsStream(caller));
    if (state.status === 'none') return undefined;
    const text = await blobs.get(state.documentKey);
    return {
      manifestId: state.manifestId,
      manifest: text === undefined ? undefined : DeployManifestRequest.parse(JSON.parse(text)),
    };
  };

/** Names in order, and whether more follow. */
export interface NamePage {
  readonly names: readonly string[];
  /** What stays of those that are deployed no more. */
  readonly removed: ReadonlyMap<string, Tombstone>;
  readonly isMore: boolean;
}

/** The names behind `after` of what is deployed or was: the live ones, and the tombstones of the others. */
export const knownNames = async (
  { views, caller }: { readonly views: ViewReader; readonly caller: Caller },
  kind: 'assets' | 'schedules',
  {
    live,
    after = '',
    limit,
  }: { readonly live: Iterable<string>; readonly after?: string; readonly limit: number },
): Promise<NamePage> => {
  const page = await views.partition(removedKeys(manifestsStream(caller))[kind], after || undefined, limit);
  const alive = new Set(live);
  const dead = page.rows.filter(({ sk }) => !alive.has(sk));
  const behind = [...alive].filter((name) => name > after);
  // Nothing is known of tombstones behind the last one read.
  const { next: horizon } = page;
  const names = [...behind, ...dead.map(({ sk }) => sk)]
    .filter((name) => horizon === undefined || name <= horizon)
    .sort();
  return {
    names: names.slice(0, limit),
    removed: new Map(dead.map(({ sk, data }) => [sk, data as unknown as Tombstone])),
    isMore: names.length > limit || horizon !== undefined,
  };
};
