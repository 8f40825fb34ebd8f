/**
 * What each route takes and gives. It stands apart from the route table so that a function which only looks up its
 * routes does not load the shapes of all others.
 */
import * as z from 'zod';
import { accessShapes } from '#contracts/access/access-shapes.ts';
import type { ErrorCode } from '#contracts/errors.ts';
import { EngineRunPage } from '#contracts/market/engine-run.ts';
import { FeedConfigInput } from '#contracts/market/feed-config.ts';
import { FeedHealth } from '#contracts/market/feed-health.ts';
import {
  FeedBufferPage,
  FeedBufferQuery,
  FeedOutputPage,
  FeedOutputQuery,
} from '#contracts/market/feed-replay.ts';
import { FeedPage, FeedView, PlanFeedTicksRequest, ResumeFeedRequest } from '#contracts/market/feed-view.ts';
import * as layers from '#contracts/market/layers-view.ts';
import type { OperationId } from '#contracts/routes.ts';
import { AssetPage, SchedulePage } from '#contracts/runs/deployed.ts';
import {
  DeployManifestRequest,
  DeployManifestResponse,
  ManifestPage,
  ManifestRead,
} from '#contracts/runs/manifest.ts';
import {
  AttemptList,
  ListQuery,
  RunEventPage,
  RunEventQuery,
  RunListQuery,
  RunPage,
  RunRead,
  RunReadQuery,
  RunWhy,
  TaskListQuery,
  TaskPage,
  TaskRead,
} from '#contracts/runs/read.ts';
import { PartitionListQuery, PartitionPage, PartitionSummary } from '#contracts/runs/partitions.ts';
import { RerunRequest, RerunResponse } from '#contracts/runs/rerun.ts';
import { limitShapes } from '#contracts/runs/limit-shapes.ts';
import { locationShapes } from '#contracts/runs/location-shapes.ts';
import { runTraceShapes } from '#contracts/runs/run-trace-shapes.ts';
import { workerShapes } from '#contracts/runs/worker-shapes.ts';
import {
  BackfillRunKeyRequest,
  BackfillRunKeyResponse,
  CancelRunRequest,
  CancelRunResponse,
  TriggerRunRequest,
  TriggerRunResponse,
} from '#contracts/runs/trigger.ts';

/** One way a route answers without refusing. */
export interface RouteAnswer {
  /** Absent where there is no body. */
  readonly schema?: z.ZodType;
  readonly when: string;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Headers that say something of the answer, with their meaning. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a route takes and gives, and the refusals it adds to those of its access and method. */
export interface RouteShape {
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  /** By HTTP status. */
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  readonly refusals: readonly ErrorCode[];
}

/** Answer of `GET /health`. */
export const Health = z.strictObject({ status: z.literal('ok') });

/** Answer of `GET /ready` when every store answers. */
export const Ready = z.strictObject({ status: z.literal('ready') });

/** Answer of `GET /ready` with status 503. */
export const NotReady = z.strictObject({
  status: z.literal('not_ready'),
  /** Stores that do not answer. */
  failing: z.array(z.enum(['ledger', 'views'])),
  /** Feeds that were started and are not ready, with their health; absent when the read models do not answer. */
  feeds: z.array(FeedHealth.extend({ feedId: z.string() })).optional(),
});

const answer = (schema: z.ZodType, when = 'Done'): RouteAnswer => ({ schema, when });
const ok = (schema: z.ZodType): RouteShape['answers'] => ({ 200: answer(schema) });

const layerPage = (schema: z.ZodType, query: z.ZodObject = layers.LayerQuery): RouteShape => ({
  query,
  answers: ok(schema),
  refusals: ['feed_not_found', 'invalid_cursor'],
});

const feedMove: RouteShape = {
  answers: ok(FeedView),
  refusals: ['feed_not_found', 'feed_state_conflict', 'idempotency_key_reused'],
};

const feedOutputs: RouteShape = {
  query: FeedOutputQuery,
  answers: ok(FeedOutputPage),
  refusals: ['feed_not_found', 'invalid_cursor'],
};

/** The shape of every route. */
export const routeShapes: Readonly<Record<OperationId, RouteShape>> = {
  getHealth: { answers: ok(Health), refusals: [] },
  getReady: {
    answers: {
      200: answer(Ready),
      503: answer(NotReady, 'A store does not answer, or a started feed is not ready'),
    },
    refusals: [],
  },
  deployManifest: {
    body: DeployManifestRequest,
    answers: {
      200: answer(DeployManifestResponse, 'It is the current manifest already'),
      201: answer(DeployManifestResponse, 'It has become the current manifest'),
    },
    refusals: ['invalid_manifest', 'idempotency_key_reused', 'commit_too_large'],
  },
  listAssets: { query: ListQuery, answers: ok(AssetPage), refusals: ['invalid_cursor'] },
  listSchedules: { query: ListQuery, answers: ok(SchedulePage), refusals: ['invalid_cursor'] },
  listPartitions: {
    query: PartitionListQuery,
    answers: ok(PartitionPage),
    refusals: ['invalid_asset_key', 'invalid_cursor'],
  },
  summarizePartitions: {
    answers: ok(PartitionSummary),
    refusals: ['invalid_asset_key', 'partitions_not_found', 'too_many_partitions'],
  },
  listManifests: { query: ListQuery, answers: ok(ManifestPage), refusals: ['invalid_cursor'] },
  getManifest: { answers: ok(ManifestRead), refusals: ['not_found'] },
  triggerRun: {
    body: TriggerRunRequest,
    answers: {
      200: answer(TriggerRunResponse, 'The run key had started this run before'),
      201: answer(TriggerRunResponse, 'The run has started'),
    },
    refusals: [
      'invalid_selection',
      'invalid_partition',
      'plan_too_large',
      'no_manifest',
      'location_not_active',
      'run_key_conflict',
      'idempotency_key_reused',
      'too_much_waiting',
      'commit_too_large',
    ],
  },
  backfillRunKey: {
    body: BackfillRunKeyRequest,
    answers: ok(BackfillRunKeyResponse),
    refusals: [
      'run_key_not_found',
      'invalid_selection',
      'invalid_partition',
      'plan_too_large',
      'run_key_conflict',
    ],
  },
  listRuns: { query: RunListQuery, answers: ok(RunPage), refusals: ['invalid_cursor'] },
  getRun: { query: RunReadQuery, answers: ok(RunRead), refusals: ['run_not_found'] },
  listRunTasks: {
    query: TaskListQuery,
    answers: ok(TaskPage),
    refusals: ['run_not_found', 'invalid_cursor'],
  },
  getRunTask: { query: RunReadQuery, answers: ok(TaskRead), refusals: ['run_not_found', 'task_not_found'] },
  listTaskAttempts: {
    query: RunReadQuery,
    answers: ok(AttemptList),
    refusals: ['run_not_found', 'task_not_found'],
  },
  cancelRun: {
    body: CancelRunRequest,
    answers: ok(CancelRunResponse),
    refusals: ['run_not_found', 'run_already_terminal', 'idempotency_key_reused'],
  },
  rerunRun: {
    body: RerunRequest,
    answers: {
      200: answer(RerunResponse, 'This rerun is under way or has succeeded'),
      201: answer(RerunResponse, 'The rerun has started'),
    },
    refusals: [
      'run_not_found',
      'rerun_not_allowed',
      'location_not_active',
      'invalid_selection',
      'plan_too_large',
      'run_key_conflict',
      'too_much_waiting',
      'commit_too_large',
      'idempotency_key_reused',
    ],
  },
  getRunWhy: { answers: ok(RunWhy), refusals: ['run_not_found'] },
  listRunEvents: { query: RunEventQuery, answers: ok(RunEventPage), refusals: ['run_not_found'] },
  ...runTraceShapes,
  ...limitShapes,
  ...locationShapes,
  ...workerShapes,
  listFeeds: { query: ListQuery, answers: ok(FeedPage), refusals: ['invalid_cursor'] },
  getFeed: { answers: ok(FeedView), refusals: ['invalid_request', 'feed_not_found'] },
  putFeed: {
    body: FeedConfigInput,
    answers: {
      200: answer(FeedView, 'The feed exists with this configuration, or has it from now on'),
      201: answer(FeedView, 'The feed was created and started'),
    },
    refusals: ['invalid_feed_config', 'feed_exists', 'feed_state_conflict', 'idempotency_key_reused'],
  },
  planFeedTicks: {
    body: PlanFeedTicksRequest,
    answers: ok(FeedView),
    refusals: ['feed_not_found'],
  },
  startFeed: feedMove,
  drainFeed: feedMove,
  // It stops from wherever it is.
  stopFeed: { ...feedMove, refusals: ['feed_not_found', 'idempotency_key_reused'] },
  getFeedHealth: { answers: ok(FeedHealth), refusals: ['invalid_request', 'feed_not_found'] },
  resumeFeed: {
    body: ResumeFeedRequest,
    answers: ok(FeedView),
    refusals: ['feed_not_found', 'feed_not_halted', 'idempotency_key_reused'],
  },
  listFeedRuns: {
    query: ListQuery,
    answers: ok(EngineRunPage),
    refusals: ['feed_not_found', 'invalid_cursor'],
  },
  listFeedOutputs: feedOutputs,
  replayFeed: { ...feedOutputs, refusals: [...feedOutputs.refusals, 'range_pruned'] },
  listFeedBuffer: {
    query: FeedBufferQuery,
    answers: ok(FeedBufferPage),
    refusals: ['feed_not_found', 'invalid_cursor', 'range_pruned'],
  },
  listFeedSymbols: layerPage(layers.FeedSymbolPage, ListQuery),
  listFeedGates: layerPage(layers.FeedGatePage),
  listFeedAnalyses: layerPage(layers.FeedAnalysisPage),
  listFeedRegimes: layerPage(layers.FeedRegimePage, layers.RegimeQuery),
  getFeedDashboard: layerPage(layers.FeedDashboard, ListQuery),
  ...accessShapes,
};
