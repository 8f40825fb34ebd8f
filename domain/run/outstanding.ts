/**
 * The effects a run owes: for every dispatched task an offer to workers, or a message to the in-process runners or to an
 * execution location; for every task that waits for its retry a timer; for one that waits for a slot the request, and one
 * timer for those that were refused; for each attempt that is over the word that gives its slots back; for what one commit
 * had no room for a command to itself.
 */
import type { RetryTaskInput } from '#contracts/runs/read.ts';
import type { DispatchMessage, ExecutionLocation } from '#contracts/runs/locations.ts';
import type { InlineRunMessage } from '#contracts/runs/runner.ts';
import type { Effect } from '#domain/kernel/effect.ts';
import { attemptId, dispatchId, effectName, retryTimerId } from '#domain/kernel/ids.ts';
import { cascadeEffects } from '#domain/run/cascade.ts';
import { attemptRef } from '#domain/run/draft.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { locationOf } from '#domain/run/plan-locations.ts';
import { inlineRunnerOf, originOf, policyOf } from '#domain/run/run.ts';
import type { OpenTask, Run, RunOrigin, Task } from '#domain/run/run.ts';
import { firstRefused, timerAtMs } from '#domain/run/slot-refusal.ts';
import { requestEffect, returnEffects, returnsOf } from '#domain/run/slots.ts';

type Dispatched = Extract<OpenTask, { readonly status: 'DISPATCHED' }>;

/** One execution per instant: one that is lost is made good by the sweeper, which does by itself what it would have. */
const RETRY_GENERATION = 1;

/**
 * Effects of tasks are computed once per task state, which never changes: a busy run asks for them with every
 * commit, and each name costs a hash.
 */
const remembered = new WeakMap<OpenTask, Effect>();

const once = (task: OpenTask, make: () => Effect): Effect => {
  const known = remembered.get(task);
  if (known) return known;
  const effect = make();
  remembered.set(task, effect);
  return effect;
};

/** Every effect still owed, each under a name made of ids and the send number alone. */
export const outstanding = (run: Run): readonly Effect[] => {
  if (run.status === 'none' || run.status === 'TRIGGERED') return [];
  const origin = originOf(run);
  const returns = returnsOf(run).flatMap((owed) => returnEffects(origin, owed));
  if (run.status !== 'RUNNING') return returns;
  const owed = run.tasks.flatMap((task, index) => {
    // A request that was refused was answered: the next one is owed when it is time.
    if (task.status === 'SLOT_WAIT' && task.againAtMs !== undefined) return [];
    if (task.status === 'SLOT_WAIT') return [once(task, () => requestEffect(origin, index, task))];
    if (task.status === 'DISPATCHED') return [once(task, () => handOver(origin, index, task))];
    if (task.status === 'RETRY_WAIT')
      return [
        once(task, () =>
          timer(origin, index, { kind: 'retry', attempt: task.attempt, atMs: task.retryAtMs }),
        ),
      ];
    return [];
  });
  // What is given back goes first: a retry may ask the same limit.
  return [...returns, ...owed, ...askAgainTimer(origin, run.tasks), ...cascadeEffects(run)];
};

/** One timer for all who were refused a slot: whoever asks again first takes along who is due by then. */
const askAgainTimer = (origin: RunOrigin, tasks: readonly Task[]): readonly Effect[] => {
  const first = firstRefused(tasks);
  if (!first) return [];
  const { task, taskIndex } = first;
  return [
    once(task, () => timer(origin, taskIndex, { kind: 'ask', attempt: task.attempt, atMs: timerAtMs(task) })),
  ];
};

const handOver = (origin: RunOrigin, index: number, task: Dispatched): Effect => {
  if (inlineRunnerOf(origin.plan, index) !== undefined) return inlineMessage(origin, index, task);
  const location = locationOf(origin.plan, index);
  return location ? sending(origin, index, { task, location }) : offer(origin, index, task);
};

interface Sending {
  readonly task: Dispatched;
  readonly location: ExecutionLocation;
}

/** Asks for the attempt to be sent to its execution location: its token is minted there and then. */
const sending = (origin: RunOrigin, index: number, { task, location: { kind } }: Sending): Effect => {
  const ref = attemptRef(origin, index, task.attempt);
  const { taskKey, attempt } = ref;
  const body: DispatchMessage = { stream: runStream(origin.header), taskKey, attempt, sendNo: task.sendNo };
  return {
    kind: 'send-message',
    name: effectName('dispatch', dispatchId(ref), task.sendNo),
    queue: kind === 'lambda' ? 'function-tasks' : 'inline-runs',
    body,
  };
};

/** The whole run is named, and not its task: whoever takes the message runs all there is, one after another. */
const inlineMessage = (origin: RunOrigin, index: number, task: Dispatched): Effect => {
  const body: InlineRunMessage = { stream: runStream(origin.header) };
  const ref = attemptRef(origin, index, task.attempt);
  return {
    kind: 'send-message',
    name: effectName('inline', dispatchId(ref), task.sendNo),
    queue: 'inline-runs',
    body,
  };
};

const offer = (origin: RunOrigin, index: number, task: Dispatched): Effect => {
  const ref = attemptRef(origin, index, task.attempt);
  const { queue, priority } = policyOf(origin.plan, index);
  return {
    kind: 'offer-task',
    name: effectName('offer', dispatchId(ref), task.sendNo),
    tenantId: origin.header.tenantId,
    workspaceId: origin.header.workspaceId,
    queue,
    priority,
    ...ref,
    attemptId: attemptId(ref),
    readyAtMs: task.readyAtMs,
  };
};

/** The execution that retries the attempt after `attempt`, or has its slot asked for again. */
const timer = (
  origin: RunOrigin,
  index: number,
  {
    kind,
    attempt,
    atMs,
  }: { readonly kind: 'retry' | 'ask'; readonly attempt: number; readonly atMs: number },
): Effect => {
  const ref = attemptRef(origin, index, attempt);
  const { runId, tenantId, workspaceId } = origin.header;
  const input: RetryTaskInput = {
    runId,
    tenantId,
    workspaceId,
    taskKey: ref.taskKey,
    attempt,
    retryAt: new Date(atMs).toISOString(),
  };
  return {
    kind: 'start-execution',
    name: effectName(kind, retryTimerId(ref, atMs), RETRY_GENERATION),
    machine: 'retry-task',
    input,
  };
};
