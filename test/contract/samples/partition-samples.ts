/** What readers get of partitions, made from an event of a run, and of what is deployed. */
import type { ManifestId, RunId } from '#contracts/ids.ts';
import type { AssetPage, SchedulePage } from '#contracts/runs/deployed.ts';
import type { PartitionPage, PartitionSummary } from '#contracts/runs/partitions.ts';
import { partitionItem } from '#domain/partition/partition-item.ts';
import { partitionRows } from '#domain/run/partition-rows.ts';
import type { PartitionRow } from '#domain/run/partition-rows.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { sampleFile, SAMPLE_START_MS } from '#test/contract/samples/sample.ts';
import type { Samples } from '#test/contract/samples/sample.ts';
import { scopeOf } from '#test/contract/samples/scope.ts';
import { recorded } from '#test/support/decider.ts';

const runId = 'run_01KDYN3M00QV2Z8R4T6W9XACDE' as RunId;
const partitionKey = 'date=d:2026-01-01';
const manifestId = 'man_3f6q2m5x7k4j2h6g5d3s2a4p7z' as ManifestId;

const rows = (): readonly PartitionRow[] =>
  recorded(
    [
      {
        type: 'TaskCompleted',
        idempotencyKey: `finished:${runId}:markets.bars_1m:1`,
        data: {
          taskKey: 'markets.bars_1m',
          attempt: 1,
          outcome: 'SUCCEEDED',
          assetKey: 'markets.bars_1m',
          partitionKey,
          codeVersion: 'git-4c1f0de',
          materializationId: 'mat_81',
          output: { deltaTable: 'markets.bars_1m', deltaVersion: 42 },
        },
      },
    ],
    { stream: runStream({ ...scopeOf, runId }), version: 8, nowMs: SAMPLE_START_MS },
  )
    .flatMap(partitionRows.statements)
    .map(({ data }) => data as unknown as PartitionRow);

/** Samples of answers about partitions, assets and schedules. */
export const partitionSamples = (): Samples => {
  const upstream = { assetKey: 'markets.ticks', partitionKey, materializedAtMs: SAMPLE_START_MS + 60_000 };
  const partitions: PartitionPage = {
    partitions: rows().map((row) =>
      partitionItem(row, {
        isStale: true,
        reason: 'UPSTREAM_CHANGED',
        sinceMs: upstream.materializedAtMs,
        causes: [upstream],
      }),
    ),
    nextCursor: Buffer.from('["partitions#local/main#","markets.bars_1m#date=d:2026-01-01"]').toString(
      'base64url',
    ),
  };
  const summary: PartitionSummary = {
    assetKey: 'markets.bars_1m',
    totalPartitions: 31,
    materializedPartitions: 30,
    stalePartitions: 2,
    missingPartitions: 1,
  };
  const end = {
    state: 'REMOVED',
    removedAt: new Date(SAMPLE_START_MS).toISOString(),
    removedByManifestId: manifestId,
  } as const;
  const assets: AssetPage = {
    assets: [
      {
        assetKey: 'markets.features',
        state: 'ACTIVE',
        id: 'asset-features',
        description: 'features of every listed symbol',
        upstreamAssetKeys: ['markets.bars_1m'],
        partitioning: {
          isPartitioned: true,
          dimensions: [{ name: 'date', kind: 'time', granularity: 'day' }],
        },
        freshness: { maximumLagMinutes: 2_880 },
      },
      { assetKey: 'reports.weekly', ...end },
    ],
  };
  const schedules: SchedulePage = {
    schedules: [
      { scheduleId: 'every-friday', ...end },
      {
        scheduleId: 'every-morning',
        state: 'ACTIVE',
        cronExpression: '0 6 * * *',
        timezone: 'Europe/Berlin',
        assetSelection: ['reports.daily'],
      },
    ],
  };
  return {
    [sampleFile('answers', 'PartitionPage')]: partitions,
    [sampleFile('answers', 'PartitionSummary')]: summary,
    [sampleFile('answers', 'AssetPage')]: assets,
    [sampleFile('answers', 'SchedulePage')]: schedules,
  };
};
