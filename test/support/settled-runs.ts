/** What asset runs have led to, without anything that depends on timing or chance. */
import type { Api } from '#test/support/cloud.ts';
import { readRun, runEvents } from '#test/support/cloud-assets.ts';

/** State and tasks of a run, and how often each kind of event happened to each task. */
export const runOutcome = async (api: Api, runId: string): Promise<object> => {
  const { state, outcomeReason, tasks, taskCounts } = await readRun(api, runId);
  const counts: Record<string, number> = {};
  for (const { type, data } of await runEvents(api, runId)) {
    const name = JSON.stringify([type, data['taskKey'], data['attempt']]);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return {
    ...{ state, outcomeReason, taskCounts, counts },
    tasks: tasks.map((task) => [task.taskKey, task.state, task.attempt, task.deltaTable, task.deltaVersion]),
  };
};
