/** What makes two manifests the same: their content, whoever deploys them and in whatever order it is written. */
import type { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { parseAssetKey } from '#domain/manifest/asset-key.ts';

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** SHA-256 over the canonical manifest without `deployedBy`; assets and schedules count as sets. */
export const manifestFingerprint = (manifest: DeployManifestRequest): string => {
  const { manifestVersion, codeVersionId, git, metadata } = manifest;
  const assets = [...manifest.assets].sort(
    (left, right) =>
      compare(left.key.namespace, right.key.namespace) ||
      compare(left.key.name, right.key.name) ||
      compare(left.id, right.id),
  );
  const schedules = (manifest.schedules ?? [])
    .map((schedule) => ({ ...schedule, assets: schedule.assets.map((key) => parseAssetKey(key) ?? key) }))
    .sort((left, right) => compare(left.id, right.id) || compare(left.cron, right.cron));
  return sha256Hex(canonicalJson({ manifestVersion, codeVersionId, git, assets, schedules, metadata }));
};
