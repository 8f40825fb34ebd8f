/** Deploying a manifest, told through the real decider. */
import { deployManifest, manifestsAggregate } from '#domain/manifest/manifests.ts';
import { validateManifest } from '#domain/manifest/validate.ts';
import { ledgerSamples, sampleFile, SAMPLE_START_MS } from '#test/contract/samples/sample.ts';
import type { Samples } from '#test/contract/samples/sample.ts';
import { scopeOf } from '#test/contract/samples/scope.ts';
import { StreamHarness } from '#test/support/market-harness.ts';

const daily = { isPartitioned: true, dimensions: [{ name: 'date', kind: 'time', granularity: 'day' }] };

const manifest = {
  manifestVersion: '1.0',
  codeVersionId: 'git-4c1f0de',
  git: {
    repository: 'https://git.example.com/research/assets',
    branch: 'main',
    commitSha: '4c1f0de7a3b95e2d81f64c0a9b7e3d5f2c8a1b60',
    author: 'ada@example.com',
    dirty: false,
  },
  assets: [
    {
      key: { namespace: 'markets', name: 'bars_1m' },
      id: 'asset-bars-1m',
      description: 'one-minute bars of every listed symbol',
      owners: ['research@example.com'],
      tags: { tier: 'gold' },
      partitioning: daily,
      execution: {
        queue: 'default-queue',
        heartbeatTimeoutSec: 300,
        retry: { maxAttempts: 3, baseMs: 30_000 },
      },
    },
    {
      key: { namespace: 'markets', name: 'features' },
      id: 'asset-features',
      partitioning: daily,
      dependencies: [{ upstreamKey: { namespace: 'markets', name: 'bars_1m' }, parameterName: 'bars' }],
    },
    {
      key: { namespace: 'reports', name: 'daily' },
      id: 'asset-daily',
      partitioning: daily,
      dependencies: [{ upstreamKey: { namespace: 'markets', name: 'features' } }],
    },
  ],
  schedules: [
    { id: 'every-morning', cron: '0 6 * * *', assets: ['reports.daily'], timezone: 'Europe/Berlin' },
  ],
  deployedBy: 'ci@example.com',
};

/** Samples of a deploy: the request, what it records, and what readers get. */
export const manifestSamples = (): Samples => {
  const check = validateManifest(manifest);
  if (check.kind === 'invalid') throw new Error(JSON.stringify(check.faults));
  const { command } = deployManifest({ ...scopeOf, userId: 'ci@example.com' }, check.manifest);
  const harness = new StreamHarness(
    manifestsAggregate,
    `manifests#${scopeOf.tenantId}/${scopeOf.workspaceId}`,
  );
  harness.nowMs = SAMPLE_START_MS;
  harness.send(command);
  const { manifestId, fingerprint, assetCount, codeVersionId } = command.deployment;
  const deployedAt = new Date(SAMPLE_START_MS).toISOString();
  const item = {
    manifestId,
    codeVersionId,
    fingerprint,
    assetCount,
    gitBranch: 'main',
    gitCommit: manifest.git.commitSha,
    deployedAt,
    deployedBy: 'ci@example.com',
  };
  return {
    ...ledgerSamples('manifests', harness.events, () => ({ kind: 'user', id: 'ci@example.com' })),
    [sampleFile('requests', 'DeployManifestRequest')]: manifest,
    [sampleFile('answers', 'DeployManifestResponse')]: {
      manifestId,
      workspaceId: scopeOf.workspaceId,
      codeVersionId,
      fingerprint,
      assetCount,
      deployedAt,
      warnings: ['schedules are stored and do not tick yet'],
    },
    [sampleFile('answers', 'ManifestPage')]: { manifests: [item] },
    [sampleFile('answers', 'ManifestRead')]: { ...item, manifest },
  };
};
