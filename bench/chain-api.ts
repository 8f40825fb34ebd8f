/** The ten-task chain over the HTTP API: deployed, started and worked off as a user and a worker would. */
import { ClaimResponse } from '#contracts/runs/claim.ts';
import { TriggerRunResponse } from '#contracts/runs/trigger.ts';
import type { Ask } from '#bench/bench-cloud.ts';
import { STEPS } from '#bench/chain-run.ts';

const manifest = {
  manifestVersion: '1.0',
  codeVersionId: 'bench',
  assets: Array.from({ length: STEPS }, (_, index) => ({
    key: { namespace: 'bench', name: `step_${index}` },
    id: `bench_step_${index}`,
    ...(index === 0
      ? {}
      : { dependencies: [{ upstreamKey: { namespace: 'bench', name: `step_${index - 1}` } }] }),
  })),
};

/** A workspace with the chain deployed; callers that do not share one claim no tasks of each other. */
export const deployChain = async (ask: Ask, workspace: string): Promise<void> => {
  await ask('POST', `/v1/workspaces/${workspace}/manifests`, manifest);
};

/** Starts a run and does its tasks, one claim and one completion each. */
export const playChain = async (ask: Ask, workspace: string): Promise<void> => {
  const place = `/v1/workspaces/${workspace}`;
  const started = { selection: [`bench.step_${STEPS - 1}`], includeUpstream: true };
  TriggerRunResponse.parse(await ask('POST', `${place}/runs`, started));
  for (let step = 0; step < STEPS; step++) {
    const answer = await ask('POST', `${place}/workers/claim`, { workerId: 'bench' });
    const [task] = ClaimResponse.parse(answer).tasks;
    if (!task) throw new Error(`step ${step} of ${workspace} was not offered`);
    const { taskId, taskToken, attempt, attemptId } = task;
    const report = { attempt, attemptId, workerId: 'bench', outcome: 'SUCCEEDED', output: {} };
    await ask('POST', `/v1/callbacks/${taskId}/completed`, report, taskToken);
  }
};
