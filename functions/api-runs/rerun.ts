/** Runs again what a run left undone, or a subset of it (asset reference, section 8.4). */
import { rerunReasons, RerunRequest } from '#contracts/runs/rerun.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import type { RunId } from '#contracts/ids.ts';
import type { RunState } from '#contracts/runs/states.ts';
import { planId } from '#domain/kernel/ids.ts';
import { inForce } from '#domain/manifest/in-force.ts';
import type { TriggerRun } from '#domain/run/command.ts';
import { planRerun } from '#domain/run/rerun.ts';
import type { LatestCode, ParentRun, PlannedRerun } from '#domain/run/rerun.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runDetail } from '#domain/run/run-detail.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { originOf } from '#domain/run/run.ts';
import { stateOf } from '#domain/run/run-state.ts';
import { originFrom } from '#domain/run/evolve.ts';
import { runNotFound, runOf } from '#functions/shared/run-path.ts';
import {
  currentManifest,
  manifestReader,
  runIdOfKey,
  startedBody,
  startRun,
  withRunKey,
} from '#functions/api-runs/start-run.ts';
import type { Started, StartPorts } from '#functions/api-runs/start-run.ts';
import { ApiError, apiErrorOf } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import { readEvents } from '#functions/shared/read-events.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { callerOf } from '#functions/shared/request.ts';
import type { Caller } from '#functions/shared/request.ts';

/** Starts a rerun: 201, or 200 with the one that is under way or has succeeded. */
export const rerunRun = (ports: StartPorts) => {
  const manifestOf = manifestReader(ports.blobs);
  return async (request: ApiRequest): Promise<ApiReply> => {
    const caller = callerOf(request);
    refuseSecrets(request.body);
    const parse = (given: unknown): RerunRequest => parseBody(RerunRequest, given);
    const body = withRunKey(parse(request.body), request.idempotencyKey, parse);
    const parent = await parentOf(ports, request);
    const latest = body.codeVersion === 'latest' ? await latestCode(ports, caller, manifestOf) : undefined;
    const planned = planRerun(parent, body, latest);
    if (planned.kind === 'rejected') throw apiErrorOf(planned.rejection);
    const start = async (runKey: string): Promise<Started> => {
      const runId = await runIdOfKey(ports, caller, runKey);
      const { traceId } = request;
      const command = commandOf({ parent, planned, latest, caller, runKey, runId, traceId });
      return startRun(ports, request, { caller, command });
    };
    const started = await (body.runKey === undefined
      ? startGeneration(ports, { caller, planned, isForced: body.force, start })
      : start(body.runKey));
    return {
      status: started.isCreated ? 201 : 200,
      body: {
        ...started.body,
        parentRunId: parent.header.runId,
        rerunKind: planned.rerunKind,
        rerunReason: rerunReasons[planned.rerunKind],
      },
    };
  };
};

const parentOf = async ({ ledger }: StartPorts, request: ApiRequest): Promise<ParentRun> => {
  const { stream, runId } = runOf(request);
  const events = await readEvents(ledger, stream, 1);
  const origin = originFrom(events);
  const detail = runDetail(events);
  if (!origin || !detail) throw runNotFound(runId);
  return { ...origin, state: detail.state, tasks: detail.tasks };
};

const latestCode = async (
  { ledger }: StartPorts,
  caller: Caller,
  manifestOf: ReturnType<typeof manifestReader>,
): Promise<LatestCode> => {
  const { manifestId, codeVersionId, documentKey, ...holding } = await currentManifest(ledger, caller);
  return {
    manifest: await manifestOf(documentKey),
    ...inForce(holding),
    manifestId,
    codeVersion: codeVersionId,
  };
};

/** States after which the same rerun is worth another generation. */
const UNSUCCESSFUL: readonly RunState[] = ['FAILED', 'CANCELLED', 'TIMED_OUT'];

/**
 * Reruns without a key are numbered: the first generation that is this very request, and is under way or has succeeded,
 * is the answer; the first that nobody has used is started.
 */
const startGeneration = async (
  ports: StartPorts,
  asked: {
    readonly caller: Caller;
    readonly planned: PlannedRerun;
    readonly isForced: boolean;
    readonly start: (runKey: string) => Promise<Started>;
  },
): Promise<Started> => {
  const { caller, planned, isForced, start } = asked;
  for (let generation = 1; generation <= runLimits.rerunGenerationsMax; generation++) {
    const runKey = planned.keyOf(generation);
    const runId = await runIdOfKey(ports, caller, runKey);
    const { state: run } = await loadStream(ports.ledger, runAggregate, runStream({ ...caller, runId }));
    if (run.status === 'none') return start(runKey);
    if (run.status === 'TRIGGERED' || isForced) continue;
    const isSame = originOf(run).header.fingerprint === planned.fingerprint;
    if (isSame && !UNSUCCESSFUL.includes(stateOf(run)))
      return { isCreated: false, body: startedBody(run, false) };
  }
  throw new ApiError(
    'rerun_not_allowed',
    `these tasks were run again ${runLimits.rerunGenerationsMax} times; give the next rerun a runKey of its own`,
  );
};

const commandOf = ({
  parent: { header },
  planned,
  latest,
  caller,
  runKey,
  runId,
  traceId,
}: {
  readonly parent: ParentRun;
  readonly planned: PlannedRerun;
  readonly latest: LatestCode | undefined;
  readonly caller: Caller;
  readonly runKey: string;
  readonly runId: RunId;
  readonly traceId: string | undefined;
}): TriggerRun => {
  const codeVersion = latest?.codeVersion ?? header.codeVersion;
  return {
    type: 'TriggerRun',
    header: {
      runId,
      planId: planId(runId),
      tenantId: header.tenantId,
      workspaceId: header.workspaceId,
      manifestId: latest?.manifestId ?? header.manifestId,
      trigger: {
        type: 'rerun',
        userId: caller.userId,
        parentRunId: header.runId,
        kind: planned.rerunKind,
      },
      rootAssets: planned.plan.tasks.map(({ key }) => key).sort(),
      runKey,
      fingerprint: planned.fingerprint,
      labels: planned.labels,
      ...(codeVersion === undefined ? {} : { codeVersion }),
      ...(header.timeoutSec === undefined ? {} : { timeoutSec: header.timeoutSec }),
      ...(traceId === undefined ? {} : { traceId }),
    },
    plan: planned.plan,
  };
};
