/**
 * The ten-task chain over the HTTP API: deployed and started as a user would, and worked off as a worker would or by an
 * in-process runner.
 */
import { ClaimResponse } from '#contracts/runs/claim.ts';
import type { RunnerName } from '#contracts/runs/runner.ts';
import { RunPage } from '#contracts/runs/read.ts';
import { TriggerRunResponse } from '#contracts/runs/trigger.ts';
import type { Ask } from '#bench/bench-cloud.ts';
import { STEPS } from '#bench/chain-run.ts';

const manifestOf = (runner: RunnerName): object => ({
  manifestVersion: '1.0',
  codeVersionId: 'bench',
  assets: Array.from({ length: STEPS }, (_, index) => ({
    key: { namespace: 'bench', name: `step_${index}` },
    id: `bench_step_${index}`,
    execution: { runner },
    ...(index === 0
      ? {}
      : { dependencies: [{ upstreamKey: { namespace: 'bench', name: `step_${index - 1}` } }] }),
  })),
});

/** A workspace with the chain deployed; callers that do not share one claim no tasks of each other. */
export const deployChain = async (ask: Ask, workspace: string, runner: RunnerName): Promise<void> => {
  await ask('POST', `/v1/workspaces/${workspace}/manifests`, manifestOf(runner));
};

/** Starts a run of the chain; its id. */
export const startChain = async (ask: Ask, workspace: string): Promise<string> => {
  const body = { selection: [`bench.step_${STEPS - 1}`], includeUpstream: true };
  return TriggerRunResponse.parse(await ask('POST', `/v1/workspaces/${workspace}/runs`, body)).runId;
};

/** Starts a run and does its tasks, one claim and one completion each. */
export const playChain = async (ask: Ask, workspace: string): Promise<void> => {
  const place = `/v1/workspaces/${workspace}`;
  await startChain(ask, workspace);
  for (let step = 0; step < STEPS; step++) {
    const answer = await ask('POST', `${place}/workers/claim`, { workerId: 'bench' });
    const [task] = ClaimResponse.parse(answer).tasks;
    if (!task) throw new Error(`step ${step} of ${workspace} was not offered`);
    const { taskId, taskToken, attempt, attemptId } = task;
    const report = { attempt, attemptId, workerId: 'bench', outcome: 'SUCCEEDED', output: {} };
    await ask('POST', `/v1/callbacks/${taskId}/completed`, report, taskToken);
  }
};

/** Throws unless every run of the workspace has succeeded: what was not done is not measured. */
export const checkChains = async (ask: Ask, workspace: string): Promise<void> => {
  const { runs } = RunPage.parse(await ask('GET', `/v1/workspaces/${workspace}/runs?limit=200`));
  const odd = runs.find(({ state, tasksSucceeded }) => state !== 'SUCCEEDED' || tasksSucceeded !== STEPS);
  if (runs.length === 0 || odd)
    throw new Error(`${workspace} has ${runs.length} runs, and ${odd?.runId} is ${odd?.state}`);
};
