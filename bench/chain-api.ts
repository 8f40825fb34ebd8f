/**
 * The ten-task chain over the HTTP API: deployed and started as a user would, and worked off as a worker would or by an
 * in-process runner.
 */
import { ClaimResponse, DispatchEnvelope } from '#contracts/runs/claim.ts';
import { ExecutionLocationList } from '#contracts/runs/locations.ts';
import type { RunnerName } from '#contracts/runs/runner.ts';
import { RunPage } from '#contracts/runs/read.ts';
import { TriggerRunResponse } from '#contracts/runs/trigger.ts';
import type { Ask, BenchCloud } from '#bench/bench-cloud.ts';
import { STEPS } from '#bench/chain-run.ts';

const manifestOf = (execution: { readonly runner: RunnerName; readonly queue?: string }): object => ({
  manifestVersion: '1.0',
  codeVersionId: 'bench',
  assets: Array.from({ length: STEPS }, (_, index) => ({
    key: { namespace: 'bench', name: `step_${index}` },
    id: `bench_step_${index}`,
    execution,
    ...(index === 0
      ? {}
      : { dependencies: [{ upstreamKey: { namespace: 'bench', name: `step_${index - 1}` } }] }),
  })),
});

/** A workspace with the chain deployed; callers that do not share one claim no tasks of each other. */
export const deployChain = async (ask: Ask, workspace: string, runner: RunnerName): Promise<void> => {
  await ask('POST', `/v1/workspaces/${workspace}/manifests`, manifestOf({ runner }));
};

/** Starts a run of the chain; its id. */
export const startChain = async (ask: Ask, workspace: string): Promise<string> => {
  const body = { selection: [`bench.step_${STEPS - 1}`], includeUpstream: true };
  return TriggerRunResponse.parse(await ask('POST', `/v1/workspaces/${workspace}/runs`, body)).runId;
};

/** Requests of a worker that claims each task, and reports its end with the claim of the next one. */
export const CHAIN_REQUESTS = 1 + STEPS;

/** Starts a run and does its tasks as the worker kit does: each report goes with the claim of what comes next; its id. */
export const playChain = async (ask: Ask, workspace: string): Promise<string> => {
  const runId = await startChain(ask, workspace);
  const claim = `/v1/workspaces/${workspace}/workers/claim`;
  let completed: object | undefined;
  for (let step = 0; step <= STEPS; step++) {
    const answer = await ask('POST', claim, { workerId: 'bench', ...(completed ? { completed } : {}) });
    const [task] = ClaimResponse.parse(answer).tasks;
    if (!task && step < STEPS) throw new Error(`step ${step} of ${workspace} was not handed out`);
    completed = task && { taskId: task.taskId, taskToken: task.taskToken, report: reportOn(task) };
  }
  return runId;
};

/** Starts a run and does its tasks, one claim and one completion each; its id. */
export const playChainApart = async (ask: Ask, workspace: string): Promise<string> => {
  const runId = await startChain(ask, workspace);
  for (let step = 0; step < STEPS; step++) {
    const answer = await ask('POST', `/v1/workspaces/${workspace}/workers/claim`, { workerId: 'bench' });
    const [task] = ClaimResponse.parse(answer).tasks;
    if (!task) throw new Error(`step ${step} of ${workspace} was not offered`);
    await ask('POST', `/v1/callbacks/${task.taskId}/completed`, reportOn(task), task.taskToken);
  }
  return runId;
};

const reportOn = ({ attempt, attemptId }: DispatchEnvelope): object => ({
  ...{ attempt, attemptId, workerId: 'bench', outcome: 'SUCCEEDED', output: {} },
});

/** Throws unless every run of the workspace has succeeded: what was not done is not measured. */
export const checkChains = async (ask: Ask, workspace: string): Promise<void> => {
  const { runs } = RunPage.parse(await ask('GET', `/v1/workspaces/${workspace}/runs?limit=200`));
  const odd = runs.find(({ state, tasksSucceeded }) => state !== 'SUCCEEDED' || tasksSucceeded !== STEPS);
  if (runs.length === 0 || odd)
    throw new Error(`${workspace} has ${runs.length} runs, and ${odd?.runId} is ${odd?.state}`);
};

/** A worker's own queue. */
export interface SentQueue {
  readonly workspace: string;
  readonly url: string;
}

/** A workspace with the chain deployed, whose tasks are sent to a queue of its worker's own. */
export const deploySentChain = async (
  { cloud, ask }: Pick<BenchCloud, 'cloud' | 'ask'>,
  workspace: string,
): Promise<SentQueue> => {
  const place = `/v1/workspaces/${workspace}`;
  const { queuePrefix } = ExecutionLocationList.parse(await ask('GET', `${place}/execution-locations`));
  const queueName = `${queuePrefix ?? ''}bench`;
  const { QueueUrl } = await cloud.call('sqs', 'CreateQueue', { QueueName: queueName });
  await ask('PUT', `${place}/execution-locations/bench`, { workerQueue: 'sent', queueName });
  await ask('POST', `${place}/manifests`, manifestOf({ runner: 'worker', queue: 'sent' }));
  return { workspace, url: String(QueueUrl) };
};

/** The function that the tasks of `deployFunctionChain` are made by, within the reach of its workspace alone. */
export const CHAIN_FUNCTION = { workspace: 'main', name: 'sluice-dev-worker-yw3l55s5hy-bench' } as const;

/** The chain deployed in that workspace, whose tasks a Lambda function makes. */
export const deployFunctionChain = async (ask: Ask): Promise<void> => {
  const { workspace, name: functionName } = CHAIN_FUNCTION;
  const place = `/v1/workspaces/${workspace}`;
  const location = { kind: 'lambda', workerQueue: 'functions', functionName };
  await ask('PUT', `${place}/execution-locations/functions`, location);
  await ask('POST', `${place}/manifests`, manifestOf({ runner: 'worker', queue: 'functions' }));
};

/** How long one request for a message waits, in seconds; as long as the service allows. */
const RECEIVE_WAIT_S = 20;

/**
 * Starts a run and does its tasks as they are sent: each is received, begun, completed, and deleted; its id. In virtual
 * time, `whenSent` lets what is under way come to its end before each message is asked for.
 */
export const playSentChain = async (
  { cloud, ask }: Pick<BenchCloud, 'cloud' | 'ask'>,
  { workspace, url: QueueUrl }: SentQueue,
  whenSent: () => Promise<void> = () => Promise.resolve(),
): Promise<string> => {
  const runId = await startChain(ask, workspace);
  for (let step = 0; step < STEPS; step++) {
    await whenSent();
    const wish = { QueueUrl, WaitTimeSeconds: RECEIVE_WAIT_S };
    const { Messages = [] } = await cloud.call('sqs', 'ReceiveMessage', wish);
    const [message] = Messages as readonly { readonly Body: string; readonly ReceiptHandle: string }[];
    if (!message) throw new Error(`step ${step} of ${workspace} was not sent`);
    const { taskId, taskToken, attempt, attemptId } = DispatchEnvelope.parse(JSON.parse(message.Body));
    const report = { attempt, attemptId, workerId: 'bench' };
    const startedAt = new Date(cloud.clock.nowMs()).toISOString();
    await ask('POST', `/v1/callbacks/${taskId}/started`, { ...report, startedAt }, taskToken);
    const completion = { ...report, outcome: 'SUCCEEDED', output: {} };
    await ask('POST', `/v1/callbacks/${taskId}/completed`, completion, taskToken);
    await cloud.call('sqs', 'DeleteMessage', { QueueUrl, ReceiptHandle: message.ReceiptHandle });
  }
  return runId;
};
