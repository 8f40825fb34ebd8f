/**
 * Every shape another program, an older version or a later one may meet: what is published as JSON Schema, frozen
 * in `test/contract/frozen` and shown by a sample in `events`.
 */
import * as z from 'zod';
import * as access from '#contracts/access/answers.ts';
import * as accessRequests from '#contracts/access/requests.ts';
import { AuditPage } from '#contracts/audit/audit.ts';
import { Limits } from '#contracts/config.ts';
import { ErrorBody } from '#contracts/errors.ts';
import {
  AnalysisConfig,
  AnalysisEngineEvent,
  AnalysisModuleStateRecord,
} from '#contracts/market/analysis.ts';
import { RawInputBufferRecord } from '#contracts/market/buffer-record.ts';
import { ChunkDirectory } from '#contracts/market/chunk.ts';
import { CompactionMessage, PublicationMessage } from '#contracts/delivery.ts';
import { ComposerMaterial, FeatureSnapshot } from '#contracts/market/composer.ts';
import { DashboardViewModel } from '#contracts/market/dashboard.ts';
import { EngineRunPage, EngineRunRecord, EngineRunsMessage } from '#contracts/market/engine-run.ts';
import { EngineSetting } from '#contracts/market/engine-setting.ts';
import { EvidenceSnapshot } from '#contracts/market/evidence-matrix.ts';
import { FeedConfigInput } from '#contracts/market/feed-config.ts';
import { FeedHealth } from '#contracts/market/feed-health.ts';
import { FeedBufferPage, FeedCaptureHeader, FeedOutputPage } from '#contracts/market/feed-replay.ts';
import { FeedRecoveryInput } from '#contracts/market/feed-recovery.ts';
import { FeedPressureMessage, FeedResumedMessage, FeedTimerMessage } from '#contracts/market/feed-timer.ts';
import { FeedPage, FeedView, PlanFeedTicksRequest, ResumeFeedRequest } from '#contracts/market/feed-view.ts';
import * as hysteresis from '#contracts/market/hysteresis.ts';
import { AnalysisEngineStep, StateGateStep } from '#contracts/market/layer-steps.ts';
import * as layers from '#contracts/market/layers-view.ts';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { normalizedShapes, RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import { ReceivedMessage } from '#contracts/market/received-message.ts';
import { RefusedLine } from '#contracts/market/refused-line.ts';
import { RegimeEvaluation } from '#contracts/market/regime-evaluation.ts';
import { RegimeLogRecord } from '#contracts/market/regime-log.ts';
import { RegimeOutput, RegimeState } from '#contracts/market/regime.ts';
import { RegimeInputSnapshot } from '#contracts/market/regime-snapshot.ts';
import { SimulationConfig } from '#contracts/market/simulation-config.ts';
import { StateGateConfig, StateGateEvent, StateGateRecord } from '#contracts/market/state-gate.ts';
import { Health, NotReady, Ready } from '#contracts/route-shapes.ts';
import * as callbacks from '#contracts/runs/callbacks.ts';
import { ClaimRequest, ClaimResponse } from '#contracts/runs/claim.ts';
import * as concurrency from '#contracts/runs/concurrency.ts';
import { FunctionAnswer } from '#contracts/runs/function-answer.ts';
import * as locations from '#contracts/runs/locations.ts';
import * as manifest from '#contracts/runs/manifest.ts';
import * as deployed from '#contracts/runs/deployed.ts';
import * as partitions from '#contracts/runs/partitions.ts';
import * as read from '#contracts/runs/read.ts';
import { InlineRunMessage } from '#contracts/runs/runner.ts';
import { RerunRequest, RerunResponse } from '#contracts/runs/rerun.ts';
import * as logs from '#contracts/runs/task-log.ts';
import {
  BackfillRunKeyRequest,
  BackfillRunKeyResponse,
  CancelRunRequest,
  CancelRunResponse,
  TriggerRunRequest,
  TriggerRunResponse,
} from '#contracts/runs/trigger.ts';
import * as visibility from '#contracts/runs/visibility.ts';
import { ledgerEvent, ledgerEventData } from '#tools/generate/ledger-events.ts';

/** One shape and its place: `<folder>/<name>.v<version>.json`. */
export interface WireShape {
  readonly folder: string;
  readonly name: string;
  readonly version: number;
  readonly schema: z.ZodType;
  /** `accepted` shapes are read by us and may only widen; `answered` ones are read by others and may only grow. */
  readonly use: 'accepted' | 'answered';
}

/** Where a shape's file stands below `docs/api/schemas`, `test/contract/frozen` and `events`. */
export const shapeFile = ({ folder, name, version }: WireShape): string =>
  `${folder}/${name}.v${version}.json`;

const shapes = (
  folder: string,
  use: WireShape['use'],
  named: Readonly<Record<string, z.ZodType>>,
): readonly WireShape[] =>
  Object.entries(named).map(([name, schema]) => ({ folder, name, version: 1, schema, use }));

const ledger = Object.entries(ledgerEventData).flatMap(([kind, types]) => {
  const events = Object.entries(types).map(([type, data]) => [type, ledgerEvent(kind, type, data)] as const);
  return shapes(kind, 'accepted', Object.fromEntries(events));
});

const marketEvents = Object.entries(normalizedShapes).map(([type, normalized]): [string, z.ZodType] => [
  type,
  RawMarketEvent.extend({ event_type: z.literal(type), normalized }),
]);

/** The options of an event, each under the name of its type. */
const byType = (
  options: readonly z.ZodObject<{ readonly event_type: z.ZodLiteral<string> }>[],
): Readonly<Record<string, z.ZodType>> =>
  Object.fromEntries(options.map((option) => [option.shape.event_type.value, option]));

/** Bodies of requests by name. */
export const requestBodies = {
  DeployManifestRequest: manifest.DeployManifestRequest,
  BackfillRunKeyRequest,
  CancelRunRequest,
  RerunRequest,
  TriggerRunRequest,
  ClaimRequest,
  StartedRequest: callbacks.StartedRequest,
  HeartbeatRequest: callbacks.HeartbeatRequest,
  CompletedRequest: callbacks.CompletedRequest,
  UploadLogRequest: logs.UploadLogRequest,
  AttemptLogRequest: logs.AttemptLogRequest,
  OutputVisibilityRequest: visibility.OutputVisibilityRequest,
  AttemptVisibilityRequest: visibility.AttemptVisibilityRequest,
  FeedConfig: FeedConfigInput,
  PlanFeedTicksRequest,
  ResumeFeedRequest,
  SetLimitRequest: concurrency.SetLimitRequest,
  SetExecutionLocationRequest: locations.SetExecutionLocationRequest,
  CreateApiKeyRequest: accessRequests.CreateApiKeyRequest,
  GrantRoleRequest: accessRequests.GrantRoleRequest,
  RegisterWorkspaceRequest: accessRequests.RegisterWorkspaceRequest,
  ConfigureTenantRequest: accessRequests.ConfigureTenantRequest,
} as const;

/** Bodies of answers by name. */
export const answerBodies = {
  LimitItem: concurrency.LimitItem,
  LimitList: concurrency.LimitList,
  ExecutionLocation: locations.ExecutionLocation,
  ExecutionLocationList: locations.ExecutionLocationList,
  RemovedExecutionLocation: locations.RemovedExecutionLocation,
  LimitRead: concurrency.LimitRead,
  Health,
  Ready,
  NotReady,
  FeedHealth,
  DeployManifestResponse: manifest.DeployManifestResponse,
  ManifestPage: manifest.ManifestPage,
  ManifestRead: manifest.ManifestRead,
  BackfillRunKeyResponse,
  AssetPage: deployed.AssetPage,
  SchedulePage: deployed.SchedulePage,
  PartitionPage: partitions.PartitionPage,
  PartitionSummary: partitions.PartitionSummary,
  CancelRunResponse,
  RerunResponse,
  TriggerRunResponse,
  RunRead: read.RunRead,
  RunPage: read.RunPage,
  RunWhy: read.RunWhy,
  TaskPage: read.TaskPage,
  TaskRead: read.TaskRead,
  AttemptList: read.AttemptList,
  RunEventPage: read.RunEventPage,
  ClaimResponse,
  StartedResponse: callbacks.StartedResponse,
  HeartbeatResponse: callbacks.HeartbeatResponse,
  CompletedResponse: callbacks.CompletedResponse,
  UploadLogResponse: logs.UploadLogResponse,
  OutputVisibilityResponse: visibility.OutputVisibilityResponse,
  FeedView,
  FeedPage,
  EngineRunPage,
  FeedOutputPage,
  FeedBufferPage,
  FeedSymbolPage: layers.FeedSymbolPage,
  FeedGatePage: layers.FeedGatePage,
  FeedAnalysisPage: layers.FeedAnalysisPage,
  FeedRegimePage: layers.FeedRegimePage,
  FeedDashboard: layers.FeedDashboard,
  ApiKey: access.ApiKeyView,
  CreatedApiKey: access.CreatedApiKey,
  RevokedApiKey: access.RevokedApiKey,
  ApiKeyPage: access.ApiKeyPage,
  RoleGrant: access.RoleGrantView,
  RevokedRole: access.RevokedRole,
  RoleGrantPage: access.RoleGrantPage,
  Workspace: access.WorkspaceView,
  WorkspacePage: access.WorkspacePage,
  Tenant: access.TenantView,
  AuditPage,
  ErrorBody,
  CallbackError: callbacks.CallbackError,
} as const;

const messages = {
  CompactionMessage,
  EngineRunsMessage,
  FeedPressureMessage,
  FeedRecoveryInput,
  FeedResumedMessage,
  FeedTimerMessage,
  FunctionAnswer,
  InlineRunMessage,
  PublicationMessage,
  RetryTaskInput: read.RetryTaskInput,
};
/** Lines of files by name: what file commands read. */
const lines = {
  ComposerMaterial,
  FeedCaptureHeader,
  RawInputBufferRecord,
  ReceivedMessage,
  RegimeInputSnapshot,
  RegimeState,
};

/** Lines of files by name: what file commands answer. */
const records = {
  EngineRunRecord,
  RegimeOutput,
  HysteresisDecision: hysteresis.HysteresisDecision,
  HysteresisState: hysteresis.HysteresisState,
  FeatureSnapshot,
  EvidenceSnapshot,
  RefusedLine,
  RegimeEvaluation,
  StateGateRecord,
  AnalysisModuleStateRecord,
  DashboardViewModel,
} as const;

const configuration = {
  Limits,
  EngineSetting,
  DecisionHysteresisConfig: hysteresis.DecisionHysteresisConfig,
  BeliefHysteresisConfig: hysteresis.BeliefHysteresisConfig,
  SimulationConfig,
  StateGateConfig,
  AnalysisConfig,
} as const;

/** Every wire shape there is. */
export const wireShapes: readonly WireShape[] = [
  ...ledger,
  ...shapes('stored', 'accepted', {
    ChunkDirectory,
    HysteresisStoreRecord: hysteresis.HysteresisStoreRecord,
    RegimeLogRecord,
    StateGateStep,
    AnalysisEngineStep,
  }),
  ...shapes('market-events', 'accepted', Object.fromEntries(marketEvents)),
  ...shapes('orchestrator-events', 'answered', byType(OrchestratorEvent.options)),
  ...shapes('state-gate-events', 'answered', byType(StateGateEvent.options)),
  ...shapes('analysis-engine-events', 'answered', byType(AnalysisEngineEvent.options)),
  ...shapes('requests', 'accepted', requestBodies),
  ...shapes('answers', 'answered', answerBodies),
  ...shapes('lines', 'accepted', lines),
  ...shapes('records', 'answered', records),
  ...shapes('messages', 'accepted', messages),
  ...shapes('configuration', 'accepted', configuration),
];
