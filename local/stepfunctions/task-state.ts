/**
 * The Task state. A call is journaled before it is made and its answer before it is used, so a restart repeats a
 * call only when its answer was lost (at least once), and a token that was handed out stays valid.
 */
import { randomBytes } from 'node:crypto';
import type { TaskState } from './definition.ts';
import type { Execution, TaskOutcome, TaskProgress } from './execution.ts';
import { historyEventsMax } from './execution.ts';
import { queryError } from './expression.ts';
import { bindingsOf, finish } from './leaving.ts';
import type { Leaving } from './leaving.ts';
import { isOverLimit, payloadText } from './payload.ts';
import { nextEventId, record, strandAt, wakeKey } from './run.ts';
import type { DraftEvent, Machinery, Run, Scope } from './run.ts';
import { Abandoned, StateError, taskFailure } from './state-error.ts';
import { outcomeEvent, scheduledEvents, submittedEvent, taskResource } from './task-events.ts';
import type { TaskResource } from './task-events.ts';

/** Calls the resource and gives the state's result once the call, or the token it carries, is answered. */
export const performTask = async (run: Run, scope: Scope, state: TaskState): Promise<Leaving> => {
  const resource = taskResource(state.Resource);
  if (strandAt(run, scope.path).progress.kind === 'entered') await schedule(run, scope, { state, resource });
  const { progress } = strandAt(run, scope.path);
  if (progress.kind === 'task') await untilAnswered(run, scope, { resource, progress });

  const strand = strandAt(run, scope.path);
  if (strand.progress.kind !== 'answered') throw new Abandoned();
  const { outcome, token } = strand.progress;
  if (outcome.kind === 'failed')
    throw new StateError(outcome.error, outcome.reason, { alias: outcome.alias, origin: 'task' });
  const result = outcome.output;
  return finish(run, strand, {
    source: state,
    fallback: result,
    next: state.Next,
    states: { result },
    token,
  });
};

const schedule = async (
  run: Run,
  scope: Scope,
  { state, resource }: { readonly state: TaskState; readonly resource: TaskResource },
): Promise<void> => {
  const { evaluate, setting } = run.machinery;
  const strand = strandAt(run, scope.path);
  // Chance is seeded in tests and may be guessed, so a token never comes from it.
  const token = resource.waitsForToken ? randomBytes(48).toString('base64url') : undefined;
  const bindings = bindingsOf(run, strand, { token });
  const given =
    state.Arguments === undefined ? strand.input : await evaluate(state.Arguments, bindings, 'Arguments');
  const seconds = async (field: 'TimeoutSeconds' | 'HeartbeatSeconds'): Promise<number | undefined> => {
    if (state[field] === undefined) return undefined;
    const value = await evaluate(state[field], bindings, field);
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
    throw queryError(`${field} must be a whole number of at least 1, not ${String(value)}`, field);
  };
  const timeoutSeconds = await seconds('TimeoutSeconds');
  const heartbeatSeconds = await seconds('HeartbeatSeconds');
  const argumentsText = payloadText(given, `The arguments of the state '${strand.state}'`);
  const nowMs = setting.clock.nowMs();
  record(run, scope, {
    events: scheduledEvents(resource, {
      argumentsText,
      region: setting.region,
      timeoutSeconds,
      heartbeatSeconds,
    }),
    strand: {
      path: scope.path,
      progress: {
        kind: 'task',
        scheduledEventId: nextEventId(run),
        isSubmitted: false,
        ...(token === undefined ? {} : { token }),
        ...(timeoutSeconds === undefined ? {} : { timeoutAtMs: nowMs + 1_000 * timeoutSeconds }),
        ...(heartbeatSeconds === undefined ? {} : { heartbeatMs: 1_000 * heartbeatSeconds, beatAtMs: nowMs }),
      },
    },
  });
};

interface Attempt {
  readonly resource: TaskResource;
  readonly progress: TaskProgress;
}

const untilAnswered = async (run: Run, scope: Scope, attempt: Attempt): Promise<void> => {
  const { wakers } = run.machinery;
  const key = wakeKey(run.execution, scope.path);
  const call = new AbortController();
  let stop: () => void = () => undefined;
  const answered = new Promise<void>((resolve, reject) => {
    wakers.set(key, resolve);
    stop = () => reject(new Abandoned());
    scope.signal.addEventListener('abort', stop, { once: true });
  });
  const disarm = armTimers(run, scope, attempt);
  if (!attempt.progress.isSubmitted) void submit(run, scope, { ...attempt, signal: call.signal });
  try {
    await answered;
  } finally {
    disarm();
    wakers.delete(key);
    scope.signal.removeEventListener('abort', stop);
    call.abort();
  }
};

/** Sets the timers of an attempt from the instants in its progress; a heartbeat only moves the instant. */
const armTimers = (run: Run, scope: Scope, { resource, progress }: Attempt): (() => void) => {
  const { clock } = run.machinery.setting;
  const timeOut = (alias?: string): void => {
    const outcome: TaskOutcome = {
      kind: 'failed',
      error: 'States.Timeout',
      ...(alias === undefined ? {} : { alias }),
    };
    const answer = { outcome, event: outcomeEvent(resource, outcome) };
    answerTask(run.machinery, { ...placeOf(run, scope, progress) }, answer);
  };
  const timeout =
    progress.timeoutAtMs === undefined ? undefined : clock.at(progress.timeoutAtMs, () => timeOut());
  const { heartbeatMs } = progress;
  let heartbeat: ReturnType<typeof clock.at> | undefined;
  const armHeartbeat = (): void => {
    const present = run.execution.strands.get(scope.path)?.progress;
    if (heartbeatMs === undefined || present?.kind !== 'task') return;
    const dueAtMs = (present.beatAtMs ?? 0) + heartbeatMs;
    heartbeat = clock.at(dueAtMs, () => {
      const latest = run.execution.strands.get(scope.path)?.progress;
      const isLate = latest?.kind === 'task' && (latest.beatAtMs ?? 0) + heartbeatMs <= dueAtMs;
      if (isLate) timeOut('States.HeartbeatTimeout');
      else armHeartbeat();
    });
  };
  armHeartbeat();
  return () => {
    if (timeout) clock.cancel(timeout);
    if (heartbeat) clock.cancel(heartbeat);
  };
};

const submit = async (
  run: Run,
  scope: Scope,
  { resource, progress, signal }: Attempt & { readonly signal: AbortSignal },
): Promise<void> => {
  const { machinery, execution } = run;
  const place = placeOf(run, scope, progress);
  let outcome: TaskOutcome;
  try {
    await machinery.setting.journal.durable();
    if (signal.aborted) return;
    const { state: stateName } = strandAt(run, scope.path);
    const given = argumentsOf(execution, progress.scheduledEventId);
    const { roleArn } = machinery.store.revision(execution.revisionId);
    const task = { arn: execution.arn, name: execution.name, stateName, roleArn, signal };
    const output: unknown = (await machinery.setting.runTask(resource.arn, given, task)) ?? null;
    outcome = isOverLimit(JSON.stringify(output)) ? tooLarge(stateName) : { kind: 'succeeded', output };
  } catch (thrown) {
    if (thrown instanceof Abandoned) return;
    outcome = failedOutcome(taskFailure(thrown));
  }
  if (outcome.kind === 'succeeded' && progress.token !== undefined) {
    const event = submittedEvent(resource, JSON.stringify(outcome.output));
    changeTask(machinery, place, { events: [event], progress: (now) => ({ ...now, isSubmitted: true }) });
    return;
  }
  const event = outcomeEvent(resource, outcome, progress.token !== undefined);
  answerTask(machinery, place, { outcome, event });
};

const tooLarge = (stateName: string): TaskOutcome => ({
  kind: 'failed',
  error: 'States.DataLimitExceeded',
  reason: `The state/task '${stateName}' returned a result with a size exceeding the maximum number of bytes service limit.`,
});

const failedOutcome = ({ error, reason, alias }: StateError): TaskOutcome => ({
  kind: 'failed',
  error,
  ...(reason === undefined ? {} : { reason }),
  ...(alias === undefined ? {} : { alias }),
});

/** The arguments as they were journaled: a repeated call is the same call. */
const argumentsOf = (execution: Execution, scheduledEventId: number): unknown => {
  const details = execution.events[scheduledEventId - 1]?.details;
  const text = details?.['parameters'] ?? details?.['input'];
  return JSON.parse(typeof text === 'string' ? text : 'null');
};

/** Names one attempt of a task, so that a late answer of an earlier one is recognised. */
export interface TaskPlace {
  readonly execution: Execution;
  readonly path: string;
  readonly scheduledEventId: number;
}

const placeOf = (run: Run, scope: Scope, { scheduledEventId }: TaskProgress): TaskPlace => ({
  execution: run.execution,
  path: scope.path,
  scheduledEventId,
});

/** Records the answer of a task and wakes its strand; the first answer wins, and false means this one lost. */
export const answerTask = (
  machinery: Machinery,
  place: TaskPlace,
  { outcome, event }: { readonly outcome: TaskOutcome; readonly event: DraftEvent },
): boolean => {
  const isFirst = changeTask(machinery, place, {
    events: [event],
    progress: ({ token }) => ({ kind: 'answered', outcome, ...(token === undefined ? {} : { token }) }),
  });
  if (isFirst) machinery.wakers.get(wakeKey(place.execution, place.path))?.();
  return isFirst;
};

const never = new AbortController().signal;

/** Moves the progress of an unanswered attempt; false when it is no longer unanswered. */
export const changeTask = (
  machinery: Machinery,
  { execution, path, scheduledEventId }: TaskPlace,
  change: {
    readonly events?: readonly DraftEvent[];
    readonly progress: (
      now: TaskProgress,
    ) => TaskProgress | { readonly kind: 'answered'; readonly outcome: TaskOutcome; readonly token?: string };
  },
): boolean => {
  const progress = execution.strands.get(path)?.progress;
  if (progress?.kind !== 'task' || progress.scheduledEventId !== scheduledEventId) return false;
  // With the history full the answer still counts; the strand fails at the next event it writes.
  const events = change.events ?? [];
  const hasRoom = execution.events.length + events.length < historyEventsMax;
  record(
    { machinery, execution },
    { path, signal: never },
    { events: hasRoom ? events : [], strand: { path, progress: change.progress(progress) } },
  );
  return true;
};
