/** Deploying manifests and reading them back. */
import { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import type { DeployManifestResponse } from '#contracts/runs/manifest.ts';
import { ListQuery } from '#contracts/runs/read.ts';
import { ManifestId } from '#contracts/ids.ts';
import { manifestListKey, manifestRowKey } from '#domain/manifest/manifest-projection.ts';
import { deployManifest, manifestsAggregate } from '#domain/manifest/manifests.ts';
import { validateManifest } from '#domain/manifest/validate.ts';
import type { BlobStore } from '#domain/ports/blobs.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { deployedBefore } from '#functions/api-runs/deployed.ts';
import type { DeployedPorts } from '#functions/api-runs/deployed.ts';
import { ApiError, apiErrorOf } from '#functions/shared/api-error.ts';
import { parseQuery } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { cursorOf, positionOf } from '#functions/shared/paging.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { callerOf } from '#functions/shared/request.ts';
import type { Caller } from '#functions/shared/request.ts';
import { manifestsStream } from '#functions/shared/streams.ts';

export interface ManifestPorts {
  readonly mailbox: Mailbox;
  readonly views: ViewReader;
  readonly blobs: BlobStore;
}

/** Deploys: 201 when it became the current manifest, 200 when it already was; all faults are listed at once. */
export const deployManifestOperation = (ports: ManifestPorts & DeployedPorts) => {
  const deploy = deployer(ports);
  return async (request: ApiRequest): Promise<ApiReply> => {
    const caller = callerOf(request);
    const check = validateManifest(request.body);
    refuseSecrets(request.body);
    if (check.kind === 'invalid')
      throw new ApiError(
        'invalid_manifest',
        `the manifest has ${check.faults.length} faults; see details.faults`,
        {
          details: { faults: check.faults },
        },
      );
    const { command, outcome, isBlind } = await deploy(caller, check.manifest);
    if (outcome.kind === 'rejected') throw apiErrorOf(outcome.rejection);
    const { state } = outcome;
    if (state.status === 'none') throw new Error('a deployed manifest left no state');
    const body: DeployManifestResponse = {
      manifestId: command.deployment.manifestId,
      workspaceId: caller.workspaceId,
      codeVersionId: command.deployment.codeVersionId,
      fingerprint: command.deployment.fingerprint,
      assetCount: command.deployment.assetCount,
      deployedAt: new Date(state.deployedAtMs).toISOString(),
      ...warningsOf(command.deployment.scheduleCount, outcome.kind === 'committed' && isBlind),
    };
    return { status: outcome.kind === 'committed' ? 201 : 200, body };
  };
};

const warningsOf = (scheduleCount: number, isBlind: boolean): Pick<DeployManifestResponse, 'warnings'> => {
  const warnings = [
    ...(scheduleCount === 0 ? [] : ['schedules are stored and do not tick yet']),
    ...(isBlind
      ? ['the body of the manifest before this one is lost: what this one removes is not listed as removed']
      : []),
  ];
  return warnings.length === 0 ? {} : { warnings };
};

/** Deploys that may come between before one gives way: each has to be compared with the one before it. */
const TRIES_MAX = 5;

const deployer = ({ mailbox, ...ports }: ManifestPorts & DeployedPorts) => {
  const beforeIn = deployedBefore(ports);
  return async (caller: Caller, manifest: DeployManifestRequest) => {
    const identity = caller.commandIdentity('deployManifest');
    for (let tries = 1; ; tries++) {
      const before = await beforeIn(caller);
      const { command, document } = deployManifest(caller, manifest, before);
      await ports.blobs.put(document.key, document.text);
      const outcome = await mailbox.send(manifestsAggregate, {
        stream: manifestsStream(caller),
        command,
        ...identity,
      });
      const isOvertaken = outcome.kind === 'rejected' && outcome.rejection.code === 'contention';
      const isBlind = before !== undefined && before.manifest === undefined;
      if (!isOvertaken || tries === TRIES_MAX) return { command, outcome, isBlind };
    }
  };
};

/** One page of the deployed manifests, newest first. */
export const listManifests =
  ({ views }: ManifestPorts) =>
  async (request: ApiRequest): Promise<ApiReply> => {
    const caller = callerOf(request);
    const query = parseQuery(ListQuery, request.query);
    const listKey = manifestListKey(manifestsStream(caller));
    const page = await views.list({
      listKey,
      limit: query.limit,
      descending: false,
      ...positionOf(listKey, query.cursor),
    });
    return {
      status: 200,
      body: {
        manifests: page.rows.map(({ data: { documentKey: _key, ...item } }) => item),
        ...cursorOf(listKey, page),
      },
    };
  };

/** One manifest with the body that was deployed. */
export const getManifest =
  ({ views, blobs }: ManifestPorts) =>
  async (request: ApiRequest): Promise<ApiReply> => {
    const caller = callerOf(request);
    const manifestId = ManifestId.safeParse(request.path['manifestId']);
    const row =
      manifestId.success && (await views.get(manifestRowKey(manifestsStream(caller), manifestId.data)));
    if (!row) throw new ApiError('not_found', 'there is no such manifest in this workspace');
    const { documentKey, ...item } = row.data;
    const text = await blobs.get(String(documentKey));
    if (text === undefined)
      throw new Error(`manifest ${manifestId.data} has no body at ${String(documentKey)}`);
    return { status: 200, body: { ...item, manifest: DeployManifestRequest.parse(JSON.parse(text)) } };
  };
