/**
 * What is deployed in a workspace: which manifest is current, which limits hold, and where tasks are sent. One stream
 * `manifests#tenant/workspace`; bodies are blobs under their content hash, written before the command.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { ManifestId } from '#contracts/ids.ts';
import type { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import { ManifestEvent } from '#contracts/runs/manifest-events.ts';
import type { ManifestDeployed } from '#contracts/runs/manifest-events.ts';
import type { Aggregate, Rejection } from '#domain/kernel/aggregate.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { manifestId } from '#domain/kernel/ids.ts';
import { assetKeyOf } from '#domain/manifest/asset-key.ts';
import {
  decideLimit,
  declaredLimits,
  deployed,
  deployLimits,
  evolveLimits,
  noLimits,
  overriddenLimits,
} from '#domain/manifest/configured-limits.ts';
import type { ConfiguredLimits, Declared, LimitConfigCommand } from '#domain/manifest/configured-limits.ts';
import { decideLocation, evolveLocations, noLocations } from '#domain/manifest/locations.ts';
import type { Locations, RemoveLocation, SetLocation } from '#domain/manifest/locations.ts';
import { manifestFingerprint } from '#domain/manifest/fingerprint.ts';
import { limitEffects, limitsWaiting } from '#domain/manifest/telling-limits.ts';

/** Nothing deployed yet, or the current manifest; limits may be set before. */
export type Manifests =
  | { readonly status: 'none'; readonly limits: ConfiguredLimits; readonly locations: Locations }
  | {
      readonly status: 'deployed';
      readonly limits: ConfiguredLimits;
      readonly locations: Locations;
      readonly manifestId: ManifestId;
      readonly fingerprint: string;
      readonly deployNumber: number;
      readonly deployedAtMs: number;
      readonly documentKey: string;
      readonly assetCount: number;
      readonly codeVersionId: string;
    };

/** Makes a manifest the current one; deploying the current one again changes nothing. */
export interface DeployManifest {
  readonly type: 'DeployManifest';
  /** The manifest against which the removals were found; absent, there was none. */
  readonly follows?: ManifestId;
  readonly deployment: Omit<ManifestDeployed['data'], 'deployNumber' | 'overriddenLimits'>;
  /** The limits it declares, and those of its keys. */
  readonly limits: readonly Declared[];
}

/** Does nothing itself; what is owed is done again. */
export interface SweepManifests {
  readonly type: 'SweepManifests';
}

export type ManifestCommand =
  DeployManifest | SweepManifests | LimitConfigCommand | SetLocation | RemoveLocation;

/** A body and the key under which it must be stored before the deploy. */
export interface ManifestDocument {
  readonly key: string;
  readonly text: string;
}

/** What is deployed when another manifest is to follow it. */
export interface DeployedBefore {
  readonly manifestId: ManifestId;
  /** Absent when its body is lost: what the deploy removes is not known then. */
  readonly manifest?: DeployManifestRequest | undefined;
}

/**
 * Everything a deploy needs, derived from a validated manifest and the one it follows: the command and the body to
 * store first.
 */
export const deployManifest = (
  scope: { readonly tenantId: string; readonly workspaceId: string; readonly userId: string },
  manifest: DeployManifestRequest,
  before?: DeployedBefore,
): { readonly command: DeployManifest; readonly document: ManifestDocument } => {
  const fingerprint = manifestFingerprint(manifest);
  const text = canonicalJson(manifest);
  const key = `manifests/${scope.tenantId}/${scope.workspaceId}/${sha256Hex(text)}.json`;
  const { branch, commitSha } = manifest.git ?? {};
  const deployment = {
    manifestId: manifestId(scope, fingerprint),
    fingerprint,
    manifestVersion: manifest.manifestVersion,
    codeVersionId: manifest.codeVersionId,
    assetCount: manifest.assets.length,
    scheduleCount: manifest.schedules?.length ?? 0,
    ...(branch === undefined ? {} : { gitBranch: branch }),
    ...(commitSha === undefined ? {} : { gitCommit: commitSha }),
    deployedBy: manifest.deployedBy ?? scope.userId,
    documentKey: key,
    documentBytes: Buffer.byteLength(text, 'utf8'),
    ...(before?.manifest ? removals(before.manifest, manifest) : {}),
  };
  const command = {
    type: 'DeployManifest' as const,
    deployment,
    limits: declaredLimits(manifest),
    ...(before ? { follows: before.manifestId } : {}),
  };
  return { command, document: { key, text } };
};

/** What a manifest had and the next has not. */
const removals = (
  before: DeployManifestRequest,
  after: DeployManifestRequest,
): Pick<ManifestDeployed['data'], 'removedAssets' | 'removedSchedules'> => {
  const removedAssets = missing(assetKeys(before), assetKeys(after));
  const removedSchedules = missing(scheduleIds(before), scheduleIds(after));
  return {
    ...(removedAssets.length === 0 ? {} : { removedAssets }),
    ...(removedSchedules.length === 0 ? {} : { removedSchedules }),
  };
};

const assetKeys = ({ assets }: DeployManifestRequest): readonly string[] =>
  assets.flatMap(({ key }) => assetKeyOf(key) ?? []);

const scheduleIds = ({ schedules = [] }: DeployManifestRequest): readonly string[] =>
  schedules.map(({ id }) => id);

const missing = (before: readonly string[], after: readonly string[]): readonly string[] => {
  const kept = new Set(after);
  return before.filter((name) => !kept.has(name)).sort();
};

const decide = (command: ManifestCommand, state: Manifests): Decision<ManifestEvent, Rejection> => {
  switch (command.type) {
    case 'SweepManifests':
      return accept();
    case 'SetLimit':
    case 'RemoveLimit':
    case 'ConfirmLimit':
      return decideLimit(command, state.limits);
    case 'SetLocation':
    case 'RemoveLocation':
      return decideLocation(command, state.locations);
    case 'DeployManifest': {
      const { deployment } = command;
      if (state.status === 'deployed' && state.manifestId === deployment.manifestId) return accept();
      const currentId = state.status === 'none' ? undefined : state.manifestId;
      if (command.follows !== currentId)
        return reject({
          code: 'contention',
          message: 'another manifest was deployed meanwhile; deploy again',
        });
      const deployNumber = state.status === 'none' ? 1 : state.deployNumber + 1;
      return accept(
        {
          type: 'ManifestDeployed',
          idempotencyKey: `manifest:${deployment.manifestId}:${deployNumber}`,
          data: { ...deployment, deployNumber, ...overriddenLimits(command.limits, state.limits) },
        },
        ...deployLimits(command.limits, state.limits),
      );
    }
  }
};

const manifestEventTypes: ReadonlySet<string> = new Set(
  ManifestEvent.options.map((option) => option.shape.type.value),
);

const asManifestEvent = (event: RecordedEvent): ManifestEvent | undefined =>
  manifestEventTypes.has(event.type) ? (event as unknown as ManifestEvent) : undefined;

const evolve = (state: Manifests, event: RecordedEvent): Manifests => {
  const known = asManifestEvent(event);
  if (!known) return state;
  if (known.type === 'LocationSet' || known.type === 'LocationRemoved')
    return { ...state, locations: evolveLocations(state.locations, known) };
  if (known.type !== 'ManifestDeployed')
    return { ...state, limits: evolveLimits(state.limits, known, event) };
  const { data } = known;
  return {
    status: 'deployed',
    limits: deployed(state.limits, data.overriddenLimits),
    locations: state.locations,
    manifestId: data.manifestId,
    fingerprint: data.fingerprint,
    deployNumber: data.deployNumber,
    deployedAtMs: event.occurredAtMs,
    documentKey: data.documentKey,
    assetCount: data.assetCount,
    codeVersionId: data.codeVersionId,
  };
};

/** The manifests of a workspace, as the command handler knows them. */
export const manifestsAggregate: Aggregate<Manifests, ManifestCommand, ManifestEvent> = {
  kind: 'manifests',
  foldVersion: 4,
  eventTypes: manifestEventTypes,
  initialState: () => ({ status: 'none', limits: noLimits, locations: noLocations }),
  decide,
  evolve,
  outstanding: ({ limits }) => limitEffects(limits),
  waiting: ({ limits }) => limitsWaiting(limits),
  sweepCommand: () => ({ type: 'SweepManifests' }),
  isTerminal: () => false,
  encodeState: (state) => JSON.stringify(state),
  decodeState: (text) => JSON.parse(text) as Manifests,
};
