/** Runs again what a run left undone, or a subset of it (asset reference, section 8.4). */
import { rerunReasons, RerunRequest } from '#contracts/runs/rerun.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import type { RunId } from '#contracts/ids.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import type { RunState } from '#contracts/runs/states.ts';
import { planId } from '#domain/kernel/ids.ts';
import { inForce } from '#domain/manifest/in-force.ts';
import type { TriggerRun } from '#domain/run/command.ts';
import { askRerun } from '#domain/run/rerun.ts';
import type { AskedRerun, ParentRun } from '#domain/run/rerun.ts';
import { planRerun } from '#domain/run/rerun-plan.ts';
import type { LatestCode } from '#domain/run/rerun-plan.ts';
import { runDetail } from '#domain/run/run-detail.ts';
import { originOf } from '#domain/run/run.ts';
import { stateOf } from '#domain/run/run-state.ts';
import { originFrom } from '#domain/run/evolve.ts';
import { runNotFound, runOf } from '#functions/shared/run-path.ts';
import {
  currentManifest,
  manifestReader,
  repeatOf,
  runIdOfKey,
  runOfKey,
  startedBody,
  startRun,
  withRunKey,
} from '#functions/api-runs/start-run.ts';
import type { Deployed, Started, StartPorts } from '#functions/api-runs/start-run.ts';
import { ApiError, apiErrorOf } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
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
    const asked = askRerun(parent, body);
    if (asked.kind === 'rejected') throw apiErrorOf(asked.rejection);
    const start = async (runKey: string): Promise<Started> => {
      const current = await currentManifest(ports.ledger, caller);
      const latest = body.codeVersion === 'latest' ? await latestCode(current, manifestOf) : undefined;
      const planned = planRerun(parent, asked, { ...inForce(current), latest });
      if (planned.kind === 'rejected') throw apiErrorOf(planned.rejection);
      const runId = await runIdOfKey(ports, caller, runKey);
      const { plan } = planned;
      const { traceId } = request;
      const command = commandOf({ parent, asked, plan, latest, caller, runKey, runId, traceId });
      return startRun(ports, request, { caller, command });
    };
    const { runKey } = body;
    const started =
      runKey === undefined
        ? await startGeneration(ports, { caller, asked, isForced: body.force, start })
        : ((await repeatOf(ports, request, {
            caller,
            runKey,
            fingerprintBeside: () => asked.fingerprint,
          })) ?? (await start(runKey)));
    return {
      status: started.isCreated ? 201 : 200,
      body: {
        ...started.body,
        parentRunId: parent.header.runId,
        rerunKind: asked.rerunKind,
        rerunReason: rerunReasons[asked.rerunKind],
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
  { manifestId, codeVersionId, documentKey }: Deployed,
  manifestOf: ReturnType<typeof manifestReader>,
): Promise<LatestCode> => ({
  manifest: await manifestOf(documentKey),
  manifestId,
  codeVersion: codeVersionId,
});

/** States after which the same rerun is worth another generation. */
const UNSUCCESSFUL: readonly RunState[] = ['FAILED', 'CANCELLED', 'TIMED_OUT'];

/**
 * Reruns without a key are numbered: the first generation that is this very request, and is under way or has succeeded,
 * is the answer; the first that nobody has used is started.
 */
const startGeneration = async (
  ports: StartPorts,
  given: {
    readonly caller: Caller;
    readonly asked: AskedRerun;
    readonly isForced: boolean;
    readonly start: (runKey: string) => Promise<Started>;
  },
): Promise<Started> => {
  const { caller, asked, isForced, start } = given;
  for (let generation = 1; generation <= runLimits.rerunGenerationsMax; generation++) {
    const runKey = asked.keyOf(generation);
    const run = await runOfKey(ports, caller, runKey);
    if (!run) {
      const started = await unlessTaken(() => start(runKey));
      // Another request may have been quicker: with the same rerun, which is the answer unless it is to be another.
      if (started && (started.isCreated || !isForced)) return started;
      continue;
    }
    if (isForced) continue;
    const isSame = originOf(run).header.fingerprint === asked.fingerprint;
    if (isSame && !UNSUCCESSFUL.includes(stateOf(run)))
      return { isCreated: false, body: startedBody(run, false) };
  }
  throw new ApiError(
    'rerun_not_allowed',
    `these tasks were run again ${runLimits.rerunGenerationsMax} times; give the next rerun a runKey of its own`,
  );
};

/** Nothing when the number was taken meanwhile: a conflict of keys tells nothing to whoever named none. */
const unlessTaken = async (start: () => Promise<Started>): Promise<Started | undefined> => {
  try {
    return await start();
  } catch (error) {
    if (error instanceof ApiError && error.code === 'run_key_conflict') return undefined;
    throw error;
  }
};

const commandOf = ({
  parent: { header },
  asked,
  plan,
  latest,
  caller,
  runKey,
  runId,
  traceId,
}: {
  readonly parent: ParentRun;
  readonly asked: AskedRerun;
  readonly plan: Plan;
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
        kind: asked.rerunKind,
      },
      rootAssets: plan.tasks.map(({ key }) => key).sort(),
      runKey,
      fingerprint: asked.fingerprint,
      labels: asked.labels,
      ...(codeVersion === undefined ? {} : { codeVersion }),
      ...(header.timeoutSec === undefined ? {} : { timeoutSec: header.timeoutSec }),
      ...(traceId === undefined ? {} : { traceId }),
    },
    plan,
  };
};
