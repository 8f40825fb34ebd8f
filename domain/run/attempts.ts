/** The attempts of one task, told from the run's events. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { AttemptRead } from '#contracts/runs/read.ts';
import type { RunEvent } from '#contracts/runs/run-events.ts';
import { asRunEvent } from '#domain/run/evolve.ts';

type Attempt = Readonly<AttemptRead>;

/** Every attempt of the task, the first one first; none before its first dispatch. */
export const attemptsOf = (events: readonly RecordedEvent[], taskKey: string): readonly Attempt[] => {
  const attempts = new Map<number, Attempt>();
  for (const event of events) {
    const known = asRunEvent(event);
    if (!known || !('attempt' in known.data) || known.data.taskKey !== taskKey) continue;
    const { attempt } = known.data;
    const next = attemptAfter(attempts.get(attempt), known, new Date(event.occurredAtMs).toISOString());
    if (next) attempts.set(attempt, next);
  }
  return [...attempts.values()];
};

const attemptAfter = (seen: Attempt | undefined, event: RunEvent, at: string): Attempt | undefined => {
  if (event.type === 'TaskDispatched') {
    const { attempt, attemptId, queue } = event.data;
    return { attempt, attemptId, state: 'QUEUED', queue, dispatchedAt: at, sends: 1 };
  }
  return seen && changed(seen, event, at);
};

const changed = (seen: Attempt, event: RunEvent, at: string): Attempt => {
  if (event.type === 'TaskRedispatched') return { ...seen, sends: event.data.sendNo };
  if (event.type === 'TaskStarted')
    return { ...seen, state: 'RUNNING', workerId: event.data.workerId, startedAt: at };
  if (event.type === 'TaskCompleted') return ended(seen, event.data, at);
  if (event.type !== 'TaskHeartbeatRecorded') return seen;
  const { progressPct, message } = event.data;
  return {
    ...seen,
    lastHeartbeatAt: at,
    ...(progressPct === undefined ? {} : { progressPct }),
    ...(message === undefined ? {} : { progressMessage: message }),
  };
};

const ended = (
  seen: Attempt,
  data: Extract<RunEvent, { type: 'TaskCompleted' }>['data'],
  at: string,
): Attempt => {
  const { outcome, failure, error, metrics, output, retryAtMs, cancelledDuringPhase, partialProgress } = data;
  return {
    ...seen,
    state: outcome,
    completedAt: at,
    ...(failure === undefined ? {} : { failure }),
    ...(error === undefined ? {} : { error }),
    ...(metrics === undefined ? {} : { metrics }),
    ...(output === undefined ? {} : { output }),
    ...(retryAtMs === undefined ? {} : { retryAt: new Date(retryAtMs).toISOString() }),
    ...(cancelledDuringPhase === undefined ? {} : { cancelledDuringPhase }),
    ...(partialProgress === undefined ? {} : { partialProgress }),
  };
};
