/**
 * A change may end, skip or ready every task of a run. Their events would not fit into one commit, so each decision
 * records a bounded number, and the run owes itself the rest: a command of its own, and the sweeper if that is lost.
 */
import type { SweepRun } from '#domain/run/command.ts';
import type { Draft } from '#domain/run/draft.ts';
import type { Effect } from '#domain/kernel/effect.ts';
import { effectName } from '#domain/kernel/ids.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { isBeingStopped, isEnded, originOf, plannedTask, taskAt, triggerRuleOf } from '#domain/run/run.ts';
import type { PlannedRun, RunningRun } from '#domain/run/run.ts';
import { mayRun, obstacleOf } from '#domain/run/trigger-rule.ts';

/**
 * Events of a decision from which on it leaves tasks to the next one: with keys that no compression shortens they are a
 * hundred kilobytes of the 256 a commit may have.
 */
const CASCADE_EVENTS_MAX = 400;

/** Whether a decision has recorded so much that the next task is left to the next one. */
export const isFull = ({ events }: Draft): boolean => events.length >= CASCADE_EVENTS_MAX;

/** Whether a decision left tasks that are to be stopped, skipped or readied. */
export const isCascadeOwed = (run: RunningRun): boolean =>
  // A smaller run cannot fill a decision: one records two events of a task at most.
  run.tasks.length * 2 > CASCADE_EVENTS_MAX && run.tasks.some((_, index) => isOwed(run, index));

const isOwed = (run: PlannedRun, index: number): boolean => {
  const task = taskAt(run, index);
  if (isEnded(task) || task.status === 'RUNNING') return false;
  if (isBeingStopped(run, index)) return true;
  const { plan } = originOf(run);
  const { dependsOn = [] } = plannedTask(plan, index);
  if (task.status !== 'BLOCKED') return false;
  const rule = triggerRuleOf(plan, index);
  const upstreams = dependsOn.map((upstream) => taskAt(run, upstream).status);
  return mayRun(rule, upstreams) || obstacleOf(rule, upstreams) !== undefined;
};

/** The command by which a run goes on where a decision left off, named by how far it has come. */
export const cascadeEffects = (run: RunningRun): readonly Effect[] => {
  if (!isCascadeOwed(run)) return [];
  const { header } = originOf(run);
  const leftCount = run.tasks.filter((task) => !isEnded(task)).length;
  const blockedCount = run.tasks.filter(({ status }) => status === 'BLOCKED').length;
  const place = `${header.runId}:${leftCount}:${blockedCount}`;
  const command: SweepRun = { type: 'SweepRun', nowMs: run.changedAtMs, lostOffers: [] };
  return [
    {
      kind: 'issue-command',
      name: effectName('cascade', place, 1),
      stream: runStream(header),
      command: { ...command },
    },
  ];
};
