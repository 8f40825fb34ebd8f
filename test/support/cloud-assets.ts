/** The asset side of a test cloud: manifests, runs, and workers that claim and complete tasks. */
import { ClaimResponse } from '#contracts/runs/claim.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { RunEventPage, RunPage, RunRead } from '#contracts/runs/read.ts';
import { TriggerRunResponse } from '#contracts/runs/trigger.ts';
import { inMain } from '#test/support/cloud.ts';
import type { Answer, Api } from '#test/support/cloud.ts';
import { asset, manifest } from '#test/support/manifest-fixtures.ts';

/** How an asset is written in a test: its upstreams, or these with an execution policy. */
export type AssetPlan = Readonly<Record<string, readonly string[] | Described>>;

interface Described {
  readonly after?: readonly string[];
  readonly execution: object;
}

/** Deploys assets of namespace `demo`, named with their upstreams. */
export const deploy = (api: Api, assets: AssetPlan): Promise<Answer['body']> =>
  api.must('POST', inMain('/manifests'), manifestOf(assets));

/** The manifest of those assets. */
export const manifestOf = (assets: AssetPlan): object =>
  manifest(
    Object.entries(assets).map(([name, described]) => {
      const isPlain = Array.isArray(described);
      const { after = [], execution } = isPlain
        ? { after: described, execution: {} }
        : (described as Described);
      return asset(
        'demo',
        name,
        after.map((upstream) => `demo.${upstream}`),
        { execution },
      );
    }),
  );

/** As many assets that wait for nothing, `t0` to `t<count - 1>`. */
export const wideAssets = (count: number): AssetPlan =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`t${index}`, []]));

/** Starts a run of assets of namespace `demo`. */
export const trigger = async (api: Api, assets: readonly string[], more: object = {}): Promise<string> => {
  const body = { selection: assets.map((name) => `demo.${name}`), ...more };
  return TriggerRunResponse.parse(await api.must('POST', inMain('/runs'), body)).runId;
};

/** What a claim gives, at most ten tasks. */
export const claim = async (
  api: Api,
  wish: {
    readonly workerId?: string;
    readonly maxTasks?: number;
    readonly waitMs?: number;
    readonly queue?: string;
  } = {},
): Promise<readonly DispatchEnvelope[]> => {
  const body = { workerId: 'w1', maxTasks: 10, ...wish };
  return ClaimResponse.parse(await api.must('POST', inMain('/workers/claim'), body)).tasks;
};

/** The one task that is ready; throws when there is none or another beside it. */
export const claimOne = async (api: Api, workerId = 'w1'): Promise<DispatchEnvelope> => {
  const [task, ...others] = await claim(api, { workerId });
  if (task === undefined || others.length > 0)
    throw new Error(`one task expected, ${task ? others.length + 1 : 0} came`);
  return task;
};

/** Sends a callback about a task with its own token. */
export const callback = (
  api: Api,
  kind: 'started' | 'heartbeat' | 'completed' | 'logs' | 'visibility',
  task: DispatchEnvelope,
  more: object = {},
): Promise<Answer> =>
  api.ask('POST', `/v1/callbacks/${task.taskId}/${kind}`, {
    bearer: task.taskToken,
    body: { attempt: task.attempt, attemptId: task.attemptId, workerId: 'w1', ...more },
  });

/** Reports success. */
export const succeed = (
  api: Api,
  task: DispatchEnvelope,
  output: object = {},
  workerId = 'w1',
): Promise<Answer> => callback(api, 'completed', task, { workerId, outcome: 'SUCCEEDED', output });

/** Reports a failure, by default one that is worth another attempt. */
export const fail = (api: Api, task: DispatchEnvelope, category = 'INFRASTRUCTURE'): Promise<Answer> =>
  callback(api, 'completed', task, { outcome: 'FAILED', error: { category, message: 'it broke' } });

/** A run as the ledger has it. */
export const readRun = async (api: Api, runId: string): Promise<RunRead> =>
  RunRead.parse(await api.must('GET', inMain(`/runs/${runId}`)));

/** A run in the run list, which follows the ledger. */
export const listedRun = async (api: Api, runId: string): Promise<RunPage['runs'][number] | undefined> =>
  RunPage.parse(await api.must('GET', inMain('/runs'))).runs.find((run) => run.runId === runId);

/** State by task name, without the namespace. */
export const taskStates = ({ tasks }: RunRead): Readonly<Record<string, string>> =>
  Object.fromEntries(tasks.map(({ taskKey, state }) => [taskKey.replace(/^demo\./, ''), state]));

/** Every event of a run in order. */
export const runEvents = async (api: Api, runId: string): Promise<RunEventPage['events']> => {
  const events: RunEventPage['events'] = [];
  for (;;) {
    const page = RunEventPage.parse(
      await api.must('GET', inMain(`/runs/${runId}/events?limit=200&after=${events.length}`)),
    );
    events.push(...page.events);
    if (page.events.length < 200) return events;
  }
};

/** Claims and succeeds until nothing is ready at this instant; the number of tasks done. */
export const workOff = async (api: Api): Promise<number> => {
  let count = 0;
  for (;;) {
    const tasks = await claim(api);
    if (tasks.length === 0) return count;
    for (const task of tasks) await succeed(api, task);
    count += tasks.length;
    await api.cloud.settle();
  }
};
