/**
 * The fold of a run. Each event is applied only where it fits, so a duplicate or late one changes nothing. It
 * needs no plan: events name tasks by index.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import { RunEvent } from '#contracts/runs/run-events.ts';
import type { RunEventData } from '#contracts/runs/run-events.ts';
import { progressAfter } from '#domain/run/heartbeat.ts';
import { attemptOf, awaitsAttempt, isEnded, slotsOf, taskAt } from '#domain/run/run.ts';
import type {
  OpenTask,
  PlannedRun,
  Run,
  RunHeader,
  RunningRun,
  RunOrigin,
  SlotReturn,
  Task,
} from '#domain/run/run.ts';
import { isRequestOf, slotRefused, slotRequested } from '#domain/run/slot-fold.ts';

/** Every type this fold knows. */
export const runEventTypes: ReadonlySet<string> = new Set(
  RunEvent.options.map((option) => option.shape.type.value),
);

/** An event of a run as read back: its type says which shape `data` has, because only deciders write it. */
export const asRunEvent = (event: RecordedEvent): RunEvent | undefined =>
  runEventTypes.has(event.type) ? (event as unknown as RunEvent) : undefined;

/** Folds one event; the given run may be changed in place. */
export const evolve = (run: Run, event: RecordedEvent): Run => {
  const known = asRunEvent(event);
  return known ? evolveRun(run, known, event.occurredAtMs) : run;
};

const evolveRun = (run: Run, event: RunEvent, atMs: number): Run => {
  switch (event.type) {
    case 'RunTriggered':
      return run.status === 'none'
        ? { status: 'TRIGGERED', changedAtMs: atMs, header: { header: event.data, triggeredAtMs: atMs } }
        : run;
    case 'PlanCreated':
      return run.status === 'TRIGGERED' ? planned(run.header, event.data.plan, atMs) : run;
    case 'RunCompleted':
    case 'TaskReadied':
    case 'TaskSlotRequested':
    case 'TaskSlotRefused':
    case 'TaskSlotReturned':
    case 'TaskDispatched':
    case 'TaskRedispatched':
    case 'TaskStarted':
    case 'TaskHeartbeatRecorded':
    case 'TaskCompleted':
    case 'TaskSkipped':
    case 'TaskCancelled':
    case 'TaskStopped':
    case 'OutputVisibilityChanged':
    case 'RunCancelRequested':
    case 'RunDeadlinePassed':
      return run.status === 'none' || run.status === 'TRIGGERED' ? run : evolvePlanned(run, event, atMs);
  }
};

type TaskEvent = Extract<RunEvent, { readonly data: { readonly taskIndex: number } }>;
type SlotReturned = Extract<RunEvent, { readonly type: 'TaskSlotReturned' }>;

/** An event of a run that has its plan. */
export type ProgressEvent =
  | TaskEvent
  | Extract<RunEvent, { readonly type: 'RunCancelRequested' | 'RunDeadlinePassed' | 'RunCompleted' }>;

/** The fold of a planned run; one that has ended absorbs everything but what is said of its outputs and its slots. */
export const evolvePlanned = (run: PlannedRun, event: ProgressEvent, atMs: number): PlannedRun => {
  if (event.type === 'OutputVisibilityChanged') return withTask(run, event, atMs);
  if (event.type === 'TaskSlotReturned') return withReturned(run, event, atMs);
  if (run.status !== 'RUNNING') return run;
  switch (event.type) {
    case 'RunCompleted':
      return { ...run, status: event.data.outcome, changedAtMs: atMs };
    case 'RunCancelRequested':
      return { ...run, changedAtMs: atMs, stop: { cancelledAtMs: atMs, ...run.stop } };
    case 'RunDeadlinePassed':
      return { ...run, changedAtMs: atMs, stop: { timedOutAtMs: atMs, ...run.stop } };
    case 'TaskReadied':
    case 'TaskSlotRequested':
    case 'TaskSlotRefused':
    case 'TaskDispatched':
    case 'TaskRedispatched':
    case 'TaskStarted':
    case 'TaskHeartbeatRecorded':
    case 'TaskCompleted':
    case 'TaskSkipped':
    case 'TaskCancelled':
    case 'TaskStopped':
      return withTask(run, event, atMs);
  }
};

type OwnTaskEvent = Exclude<TaskEvent, SlotReturned>;

/** The origin a first commit describes, or undefined when it holds no plan. */
export const originFrom = (events: readonly RecordedEvent[]): RunOrigin | undefined => {
  let header: RunHeader | undefined;
  for (const event of events) {
    const known = asRunEvent(event);
    if (known?.type === 'RunTriggered') header = { header: known.data, triggeredAtMs: event.occurredAtMs };
    if (known?.type === 'PlanCreated' && header) return origin(header, known.data.plan);
  }
  return undefined;
};

const origin = (header: RunHeader, plan: Plan): RunOrigin => ({
  ...header,
  plan,
  indexByKey: new Map(plan.tasks.map(({ key }, index) => [key, index])),
});

/** A run whose plan has just been frozen. */
export const planned = (header: RunHeader, plan: Plan, atMs: number): RunningRun => ({
  status: 'RUNNING',
  tasks: plan.tasks.map(({ dependsOn }) =>
    dependsOn === undefined || dependsOn.length === 0
      ? { status: 'READY', attempt: 0, readyAtMs: atMs, reportHash: '' }
      : { status: 'BLOCKED' },
  ),
  changedAtMs: atMs,
  origin: origin(header, plan),
});

const withTask = (run: PlannedRun, event: OwnTaskEvent, atMs: number): PlannedRun => {
  const { taskIndex } = event.data;
  const before = taskAt(run, taskIndex);
  const after = evolveTask(before, event, atMs);
  if (after === before) return run;
  run.tasks[taskIndex] = after;
  const changed = { ...run, changedAtMs: Math.max(run.changedAtMs, atMs) };
  const slots = slotsOf(before);
  return slots === 0 || slotsOf(after) > 0 ? changed : withReturns(changed, owedBy(taskIndex, before, slots));
};

/** What was asked for is given back too: it may be granted by now. */
const owedBy = (taskIndex: number, task: Task, slots: number): SlotReturn => ({
  taskIndex,
  attempt: attemptOf(task) + (task.status === 'SLOT_WAIT' ? 1 : 0),
  places: Array.from({ length: slots }, (_, place) => place),
});

const withReturns = (run: PlannedRun, owed: SlotReturn): PlannedRun => ({
  ...run,
  returns: [...(run.returns ?? []), owed],
});

const withReturned = (run: PlannedRun, { data }: SlotReturned, atMs: number): PlannedRun => {
  const { returns: before = [], ...rest } = run;
  const returns = before.flatMap((owed) => {
    if (owed.taskIndex !== data.taskIndex || owed.attempt !== data.attempt) return [owed];
    const places = owed.places.filter((place) => place !== data.place);
    return places.length === 0 ? [] : [{ ...owed, places }];
  });
  return {
    ...rest,
    changedAtMs: Math.max(run.changedAtMs, atMs),
    ...(returns.length === 0 ? {} : { returns }),
  };
};

const evolveTask = (task: Task, event: OwnTaskEvent, atMs: number): Task => {
  switch (event.type) {
    case 'TaskReadied':
      return ready(task, event.data.attempt, atMs);
    case 'TaskSlotRequested':
      return slotRequested(task, event.data, atMs);
    case 'TaskSlotRefused':
      return isRequestOf(task, event.data) ? slotRefused(task, event.data) : task;
    case 'TaskDispatched':
      return dispatched(task, event.data, atMs);
    case 'TaskRedispatched':
      return task.status === 'DISPATCHED' &&
        task.attempt === event.data.attempt &&
        task.sendNo < event.data.sendNo
        ? { ...task, sentAtMs: atMs, sendNo: event.data.sendNo }
        : task;
    case 'TaskStarted':
      return task.status === 'DISPATCHED' && task.attempt === event.data.attempt
        ? {
            status: 'RUNNING',
            attempt: task.attempt,
            workerId: event.data.workerId,
            startedAtMs: atMs,
            lastSeenMs: atMs,
            ...(task.slots === undefined ? {} : { slots: task.slots }),
          }
        : task;
    case 'TaskHeartbeatRecorded':
      return task.status === 'RUNNING' && task.attempt === event.data.attempt
        ? heard(task, event.data, atMs)
        : task;
    case 'TaskCompleted':
      return completed(task, event.data);
    case 'TaskSkipped':
      return task.status === 'BLOCKED' ? { status: 'SKIPPED' } : task;
    case 'TaskCancelled':
      return task.status === 'BLOCKED' ? { status: 'CANCELLED', attempt: 0, reportHash: '' } : task;
    case 'OutputVisibilityChanged':
      return withVisibility(task, event.data);
    case 'TaskStopped':
      return isEnded(task) || task.status === 'RUNNING' ? task : stopped(task);
  }
};

const ready = (task: Task, attempt: number, atMs: number): Task => {
  if (task.status === 'READY' || !awaitsAttempt(task) || attempt !== attemptOf(task) + 1) return task;
  const reportHash = task.status === 'RETRY_WAIT' ? task.reportHash : '';
  return { status: 'READY', attempt: attempt - 1, readyAtMs: atMs, reportHash };
};

const dispatched = (task: Task, data: RunEventData<'TaskDispatched'>, atMs: number): Task => {
  const { attempt, slots } = data;
  if (!(awaitsAttempt(task) || task.status === 'SLOT_WAIT') || attempt !== attemptOf(task) + 1) return task;
  const readyAtMs = 'readyAtMs' in task ? task.readyAtMs : atMs;
  const sent = { status: 'DISPATCHED', attempt, readyAtMs, sentAtMs: atMs, sendNo: 1 } as const;
  return slots === undefined ? sent : { ...sent, slots };
};

/** What the attempt before had reported stays known, so that its repeat is answered as one. */
const stopped = (task: Exclude<OpenTask, { readonly status: 'RUNNING' }>): Task => ({
  status: 'CANCELLED',
  attempt: attemptOf(task),
  reportHash: 'reportHash' in task ? task.reportHash : '',
});

type Running = Extract<Task, { readonly status: 'RUNNING' }>;

/** Recorded heartbeats of one attempt are apart in time, the first alone may come with the start: a late one says nothing. */
const heard = (task: Running, data: RunEventData<'TaskHeartbeatRecorded'>, atMs: number): Running =>
  task.progress === undefined || atMs > task.lastSeenMs
    ? { ...task, lastSeenMs: Math.max(task.lastSeenMs, atMs), progress: progressAfter(task.progress, data) }
    : task;

const completed = (task: Task, data: RunEventData<'TaskCompleted'>): Task => {
  const isCurrent = task.status === 'DISPATCHED' || task.status === 'RUNNING';
  if (!isCurrent || task.attempt !== data.attempt) return task;
  const { attempt, outcome, retryAtMs, reportHash } = data;
  if (retryAtMs !== undefined) return { status: 'RETRY_WAIT', attempt, retryAtMs, reportHash };
  const visibility = data.output?.outputVisibilityState;
  return outcome === 'SUCCEEDED' && visibility !== undefined
    ? { status: outcome, attempt, reportHash, visibility }
    : { status: outcome, attempt, reportHash };
};

/** A final word stays. */
const withVisibility = (task: Task, data: RunEventData<'OutputVisibilityChanged'>): Task =>
  task.status === 'SUCCEEDED' &&
  task.attempt === data.attempt &&
  (task.visibility === undefined || task.visibility === 'PENDING')
    ? { ...task, visibility: data.visibilityState }
    : task;
