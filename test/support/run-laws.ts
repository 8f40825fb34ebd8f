/** What holds of the ledger of runs and limits, whatever their workers did: each function answers what is wrong. */
import type { RecordedEvent } from '#contracts/event.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import { INLINE_WORKER } from '#domain/run/inline.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { originOf } from '#domain/run/run.ts';
import type { Run } from '#domain/run/run.ts';
import { limitsOf } from '#domain/run/slots.ts';
import { folded } from '#test/support/decider.ts';
import type { Said } from '#test/support/random-workers.ts';

/** The events of every stream of a kind. */
export const historiesOf = (
  commits: readonly StoredCommit[],
  kind: 'run' | 'limit',
): ReadonlyMap<string, readonly RecordedEvent[]> => {
  const histories = new Map<string, RecordedEvent[]>();
  for (const { stream, events } of commits)
    if (stream.startsWith(`${kind}#`)) histories.set(stream, [...(histories.get(stream) ?? []), ...events]);
  return histories;
};

/** Attempts of a limit: who holds a slot, and who is to hold one; each as run, task and attempt. */
export interface SlotUse {
  readonly limitId: string;
  readonly capacity: number;
  readonly held: readonly string[];
  /** Who is at work under the limit, or was granted its slot and waits for that of the next limit. */
  readonly entitled: readonly string[];
}

/** How the slots of every limit are used according to the ledger. */
export const slotUses = (commits: readonly StoredCommit[]): readonly SlotUse[] => {
  const runs = [...historiesOf(commits, 'run').values()].map((events) => folded(runAggregate, events));
  return [...historiesOf(commits, 'limit').values()].flatMap((events) => {
    const limit = folded(limitAggregate, events);
    if (limit.status === 'none') return [];
    const { limitId, capacity = Infinity, slots } = limit;
    const held = slots.map(({ runId, taskKey, attempt }) => `${runId} ${taskKey} ${attempt}`).sort();
    return [{ limitId, capacity, held, entitled: runs.flatMap((run) => entitledUnder(run, limitId)).sort() }];
  });
};

const entitledUnder = (run: Run, limitId: string): readonly string[] => {
  if (run.status === 'none' || run.status === 'TRIGGERED') return [];
  const { header, plan } = originOf(run);
  return run.tasks.flatMap((task, index) => {
    const place = limitsOf(plan, index).findIndex((limit) => limit.limitId === limitId);
    const isAtWork = task.status === 'DISPATCHED' || task.status === 'RUNNING';
    // Limits are asked one after the other.
    const isBehind = task.status === 'SLOT_WAIT' && place < task.place;
    const attempt = 'attempt' in task ? task.attempt + Number(isBehind) : 0;
    return place >= 0 && (isAtWork || isBehind)
      ? [`${header.runId} ${plan.tasks[index]?.key ?? ''} ${attempt}`]
      : [];
  });
};

/**
 * An attempt that was offered ends once: by an outcome, or with its task when the run was stopped before a worker had it.
 * A worker's outcome is one that a worker reported, and none that was acknowledged is missing.
 */
export const outcomeFaults = (events: readonly RecordedEvent[], said: Said): readonly string[] => {
  const endings = new Map<string, number>();
  const faults: string[] = [];
  const open = new Map<string, string>();
  for (const { type, data: raw } of events) {
    const data = raw as Readonly<Record<string, unknown>>;
    const taskKey = String(data['taskKey']);
    const attemptId = String(data['attemptId']);
    if (type === 'TaskDispatched') {
      endings.set(attemptId, 0);
      open.set(taskKey, attemptId);
    }
    if (type === 'TaskCompleted') endings.set(attemptId, (endings.get(attemptId) ?? NaN) + 1);
    if (type === 'TaskCompleted') open.delete(taskKey);
    const stopped = type === 'TaskStopped' ? open.get(taskKey) : undefined;
    if (stopped !== undefined) endings.set(stopped, (endings.get(stopped) ?? NaN) + 1);
    if (type === 'TaskCompleted') faults.push(...outcomeFault(data, said));
  }
  return [
    ...faults,
    ...[...endings].filter(([, count]) => count !== 1).map(([id, count]) => `${id} ended ${count} times`),
  ];
};

const outcomeFault = (data: Readonly<Record<string, unknown>>, said: Said): readonly string[] => {
  const attemptId = String(data['attemptId']);
  if (data['workerId'] === INLINE_WORKER) return [];
  const outcome = String(data['outcome']);
  const reported: ReadonlySet<string> = said.outcomes.get(attemptId) ?? new Set();
  if (data['failure'] !== undefined)
    return said.acknowledged.has(attemptId) ? [`${attemptId} was acknowledged and given up`] : [];
  const isStopped = outcome === 'CANCELLED' && reported.has('FAILED');
  return reported.has(outcome) || isStopped ? [] : [`${attemptId} ended ${outcome}, which nobody said`];
};

type State = 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT' | 'SKIPPED';

const mayRun: Readonly<Record<string, (upstreams: readonly State[]) => boolean>> = {
  all_success: (upstreams) => upstreams.every((state) => state === 'SUCCEEDED'),
  all_done: () => true,
  always: () => true,
  one_success: (upstreams) => upstreams.length === 0 || upstreams.includes('SUCCEEDED'),
  none_failed: (upstreams) => !upstreams.some((state) => state === 'FAILED' || state === 'TIMED_OUT'),
};

/** Tasks of a run that ended by itself which ran against their trigger rule, or did not run although it allowed. */
export const ruleFaults = (events: readonly RecordedEvent[]): readonly string[] => {
  const run = folded(runAggregate, events);
  if (run.status === 'none' || run.status === 'TRIGGERED') return ['the run has no tasks'];
  if (events.some(({ type }) => type === 'RunCancelRequested' || type === 'RunDeadlinePassed')) return [];
  const offered = new Set(
    events
      .filter(({ type }) => type === 'TaskDispatched')
      .map(({ data }) => (data as { taskKey: string }).taskKey),
  );
  const { plan } = originOf(run);
  const stateAt = (index: number): State => run.tasks[index]?.status as State;
  return plan.tasks.flatMap(({ key, dependsOn = [], triggerRule = 'all_success' }) => {
    const expected = mayRun[triggerRule]?.(dependsOn.map(stateAt));
    return expected === offered.has(key) ? [] : [`${key} (${triggerRule}) offered: ${offered.has(key)}`];
  });
};
