/**
 * How a run and the limits of its tasks deal with each other. An attempt asks one limit after the other, in the order of
 * the plan, which is the same for all runs, so that no two wait for each other. The grant of the last hands the attempt
 * out in the same commit; once the attempt is over, each limit is told until it has heard.
 */
import type { LimitId, PlannedLimit } from '#contracts/runs/concurrency.ts';
import { runTiming } from '#contracts/runs/limits.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import type { RunEvent } from '#contracts/runs/run-events.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import type { Effect } from '#domain/kernel/effect.ts';
import { dispatchId, effectName } from '#domain/kernel/ids.ts';
import type { ReleaseSlot, RequestSlot, Standing } from '#domain/limit/command.ts';
import type { Holder } from '#domain/limit/limit.ts';
import { limitStream } from '#domain/limit/limit-stream.ts';
import { dispatch } from '#domain/run/dispatch.ts';
import type { ConfirmSlotReturn, GrantSlot, NoteSlotRefusal } from '#domain/run/command.ts';
import { attemptRef, draftOf, record } from '#domain/run/draft.ts';
import type { Draft } from '#domain/run/draft.ts';
import { placeOf } from '#domain/run/guard.ts';
import { isWider } from '#domain/run/plan-limits.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { attemptOf, originOf, plannedTask, policyOf, taskAt } from '#domain/run/run.ts';
import type { PlannedRun, Run, RunOrigin, SlotReturn, SlotWait } from '#domain/run/run.ts';

/** The limits of a task, in the order in which it asks them; none for most tasks. */
export const limitsOf = (plan: Plan, taskIndex: number): readonly PlannedLimit[] =>
  (plannedTask(plan, taskIndex).limits ?? []).map((place) => plannedLimit(plan, place));

const plannedLimit = ({ limits = [] }: Plan, place: number): PlannedLimit => {
  const limit = limits[place];
  if (!limit) throw new Error(`limit ${place} is not in a plan of ${limits.length}`);
  return limit;
};

const limitAt = (plan: Plan, taskIndex: number, place: number): PlannedLimit => {
  const limit = limitsOf(plan, taskIndex)[place];
  if (!limit) throw new Error(`task ${taskIndex} has no limit at place ${place}`);
  return limit;
};

/** The limit a task waits for. */
const awaitedLimit = (plan: Plan, taskIndex: number, { place }: SlotWait): PlannedLimit =>
  limitAt(plan, taskIndex, place);

/** Asks for the slot at a place, for the attempt after the last one made. */
export const requestSlot = (draft: Draft, taskIndex: number, place = 0, sendNo = 1): void => {
  const origin = originOf(draft.run);
  const ref = attemptRef(origin, taskIndex, attemptOf(taskAt(draft.run, taskIndex)) + 1);
  const { limitId } = limitAt(origin.plan, taskIndex, place);
  record(draft, {
    type: 'TaskSlotRequested',
    idempotencyKey: `slot_req:${dispatchId(ref)}:${limitId}:${sendNo}`,
    data: {
      taskIndex,
      taskKey: plannedTask(origin.plan, taskIndex).key,
      attempt: ref.attempt,
      limitId,
      place,
      sendNo,
    },
  });
};

/** An attempt and the limit it waits for. */
export interface AwaitedSlot {
  readonly limitId: LimitId;
  readonly holder: Holder;
}

/** The slots the tasks of a run wait for, by task key. */
export const slotWaits = (run: Run): ReadonlyMap<string, AwaitedSlot> => {
  if (run.status !== 'RUNNING') return new Map();
  const origin = originOf(run);
  return new Map(
    run.tasks.flatMap((task, index) => {
      if (task.status !== 'SLOT_WAIT') return [];
      const { limitId } = awaitedLimit(origin.plan, index, task);
      const holder = holderAt(origin, index, task.attempt + 1);
      return [[holder.taskKey, { limitId, holder }] as const];
    }),
  );
};

const holderAt = ({ header, plan }: RunOrigin, taskIndex: number, attempt: number): Holder => ({
  runId: header.runId,
  taskKey: plannedTask(plan, taskIndex).key,
  attempt,
});

type SlotRef = Pick<GrantSlot, 'taskKey' | 'attempt' | 'limitId'>;

/**
 * How an attempt of a run stands to a slot; `over` stays. Plans of earlier versions ask their widest limit first: what
 * such an attempt holds while it waits for a narrower one it is to lose, or it and an attempt that asks the narrower one
 * first would wait for each other for ever.
 */
export const standingOf = (run: Run, { taskKey, attempt, limitId }: SlotRef): Standing => {
  const place = placeOf(run, taskKey);
  if (!place) return 'over';
  const task = taskAt(place.run, place.taskIndex);
  const isNext = task.status === 'SLOT_WAIT' && task.attempt + 1 === attempt;
  const isCurrent = (task.status === 'DISPATCHED' || task.status === 'RUNNING') && task.attempt === attempt;
  const { plan } = originOf(place.run);
  const at = limitsOf(plan, place.taskIndex).findIndex((one) => one.limitId === limitId);
  if (at < 0 || !(isNext || isCurrent)) return 'over';
  if (!isNext) return 'taken';
  if (task.place === at) return 'awaited';
  return task.place > at && !isWider(limitId, awaitedLimit(plan, place.taskIndex, task).limitId)
    ? 'taken'
    : 'over';
};

/** Takes a slot that was waited for: asks for the next one, or hands the attempt out. */
export const grantSlot = (command: GrantSlot, run: Run, nowMs: number): Decision<RunEvent, Rejection> => {
  const standing = standingOf(run, command);
  if (standing === 'taken') return accept();
  const place = placeOf(run, command.taskKey);
  const task = place && taskAt(place.run, place.taskIndex);
  if (standing === 'over' || !place || task?.status !== 'SLOT_WAIT')
    return reject({
      code: 'slot_not_awaited',
      message: `attempt ${command.attempt} of ${command.taskKey} does not wait for ${command.limitId}`,
    });
  const { plan } = originOf(place.run);
  const draft = draftOf(place.run, nowMs);
  const next = task.place + 1;
  if (next < limitsOf(plan, place.taskIndex).length) requestSlot(draft, place.taskIndex, next);
  else dispatch(draft, place.taskIndex);
  return accept(...draft.events);
};

/** Notes that a limit has heard of the end of an attempt. */
export const confirmReturn = (
  { taskKey, attempt, limitId }: ConfirmSlotReturn,
  run: Run,
): Decision<RunEvent, Rejection> => {
  const place = placeOf(run, taskKey);
  if (!place) return accept();
  const { plan, header } = originOf(place.run);
  const at = limitsOf(plan, place.taskIndex).findIndex((limit) => limit.limitId === limitId);
  const owed = returnsOf(place.run).find(
    (one) => one.taskIndex === place.taskIndex && one.attempt === attempt,
  );
  if (!owed?.places.includes(at)) return accept();
  return accept({
    type: 'TaskSlotReturned',
    idempotencyKey: `slot_return:${dispatchId({ runId: header.runId, taskKey, attempt })}:${limitId}`,
    data: { taskIndex: place.taskIndex, taskKey, attempt, limitId, place: at },
  });
};

/** What the run still has to give back. */
export const returnsOf = ({ returns = [] }: PlannedRun): readonly SlotReturn[] => returns;

/** When limits that have not heard are told again. */
export const returnDeadlineMs = ({ changedAtMs }: PlannedRun): number => changedAtMs + runTiming.silenceMs;

/** Asks the limit of a waiting task. */
export const requestEffect = (origin: RunOrigin, taskIndex: number, task: SlotWait): Effect => {
  const holder = holderAt(origin, taskIndex, task.attempt + 1);
  const { limitId, ...known } = awaitedLimit(origin.plan, taskIndex, task);
  const command: RequestSlot = {
    type: 'RequestSlot',
    holder,
    priority: policyOf(origin.plan, taskIndex).priority,
    known,
  };
  const { taskKey, attempt } = holder;
  const { sendNo } = task;
  const refusal: NoteSlotRefusal = { type: 'NoteSlotRefusal', taskKey, attempt, limitId, sendNo };
  return {
    kind: 'issue-command',
    name: effectName('slot', `${dispatchId(holder)}:${limitId}`, sendNo),
    stream: limitStream({ ...origin.header, limitId }),
    command: { ...command },
    ifRefused: { stream: runStream(origin.header), command: { ...refusal } },
  };
};

/** Tells every limit that has not heard that an attempt is over. */
export const returnEffects = (
  origin: RunOrigin,
  { taskIndex, attempt, places }: SlotReturn,
): readonly Effect[] =>
  places.map((place) => {
    const { limitId } = limitAt(origin.plan, taskIndex, place);
    const holder = holderAt(origin, taskIndex, attempt);
    const command: ReleaseSlot = { type: 'ReleaseSlot', holder };
    const { taskKey } = holder;
    const confirm: ConfirmSlotReturn = { type: 'ConfirmSlotReturn', taskKey, attempt, limitId };
    return {
      kind: 'issue-command',
      name: effectName('release', `${dispatchId(holder)}:${limitId}`, 1),
      stream: limitStream({ ...origin.header, limitId }),
      command: { ...command },
      ifDone: { stream: runStream(origin.header), command: { ...confirm } },
    };
  });
