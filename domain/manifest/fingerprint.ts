/** What makes two manifests the same: their content, whoever deploys them and in whatever order it is written. */
import type { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { compareText } from '#domain/kernel/compare-text.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { parseAssetKey } from '#domain/manifest/asset-key.ts';

/** SHA-256 over the canonical manifest without `deployedBy`; assets and schedules count as sets. */
export const manifestFingerprint = (manifest: DeployManifestRequest): string => {
  const { manifestVersion, codeVersionId, git, metadata } = manifest;
  const assets = [...manifest.assets].sort(
    (left, right) =>
      compareText(left.key.namespace, right.key.namespace) ||
      compareText(left.key.name, right.key.name) ||
      compareText(left.id, right.id),
  );
  const schedules = (manifest.schedules ?? [])
    .map((schedule) => ({ ...schedule, assets: schedule.assets.map((key) => parseAssetKey(key) ?? key) }))
    .sort((left, right) => compareText(left.id, right.id) || compareText(left.cron, right.cron));
  const limits = [...(manifest.limits ?? [])].sort((left, right) => compareText(left.limit, right.limit));
  return sha256Hex(
    canonicalJson({
      ...{ manifestVersion, codeVersionId, git, assets, schedules, metadata },
      // Left out where there are none, so that manifests without limits keep their fingerprint.
      ...(limits.length === 0 ? {} : { limits }),
    }),
  );
};
