import { describe, expect, it } from 'vitest';
import { AttemptId, CallbackTaskId, RunId } from '#contracts/ids.ts';
import type { TaskTokenClaims } from '#contracts/runs/callbacks.ts';
import { callbackTaskId } from '#domain/kernel/ids.ts';
import { checkAttempt, checkCallback as checkCallbackAt } from '#domain/run/callback.ts';
import type { Callback } from '#domain/run/callback.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import type { Run } from '#domain/run/run.ts';
import { given } from '#test/support/decider.ts';
import {
  START_MS,
  beat,
  claim,
  completion,
  fail,
  finish,
  idOf,
  planOf,
  retry,
  runId,
  scope,
  stream,
  triggerOf,
  triggered,
  worker,
} from '#test/support/run-fixtures.ts';

const taskId = callbackTaskId({ runId, taskKey: 'm.a' });
const claims = (more: Partial<TaskTokenClaims> = {}): TaskTokenClaims => ({
  taskId,
  ...scope,
  runId,
  attempt: 1,
  attemptId: idOf('m.a', more.attempt ?? 1),
  ...more,
});
const started = (more: Partial<Callback['body']> = {}, given: Partial<TaskTokenClaims> = {}): Callback => ({
  kind: 'started',
  taskId: given.taskId ?? taskId,
  claims: claims(given),
  body: { attempt: 1, attemptId: idOf('m.a', 1), workerId: worker('wk-1'), ...more },
});
const checkCallback = (run: Run, callback: Callback, nowMs = START_MS) =>
  checkCallbackAt(run, callback, nowMs);
const running = () => triggered(planOf({ 'm.a': [], 'm.b': ['m.a'] })).after(claim('m.a'));
const refused = (code: string, more: object = {}) => ({ kind: 'refused', rejection: { code, ...more } });

describe('the token', () => {
  const otherRun = RunId.parse('run_01JQ8Z3T5N6M7P8Q9R0S1T2V3X');
  it.each([
    ['task_id_mismatch', { ...started(), taskId: callbackTaskId({ runId, taskKey: 'm.b' }) }],
    ['tenant_mismatch', started({}, { tenantId: 'other' as TaskTokenClaims['tenantId'] })],
    ['workspace_mismatch', started({}, { workspaceId: 'other' as TaskTokenClaims['workspaceId'] })],
    ['run_id_mismatch', started({}, { runId: otherRun })],
    ['attempt_id_mismatch', started({}, { attemptId: AttemptId.parse(`att_${'0'.repeat(24)}`) })],
  ] as const)('for something else is refused %s', (message, callback) => {
    expect(checkCallback(running().state(), callback)).toMatchObject(refused('invalid_token', { message }));
  });

  it('is compared with the header while there is no plan', () => {
    const trigger = triggerOf(planOf({ 'm.a': [] }));
    const facts = { type: 'RunTriggered', idempotencyKey: 'r', data: trigger.header };
    const state = given(runAggregate, { stream, nowMs: START_MS }, facts).state();
    expect(checkCallback(state, started())).toMatchObject(refused('task_not_found'));
    expect(
      checkCallback(state, started({}, { tenantId: 'other' as TaskTokenClaims['tenantId'] })),
    ).toMatchObject(refused('invalid_token'));
  });
});

describe('the task', () => {
  it('is not found when the run, the task or the id is unknown', () => {
    const unknown = callbackTaskId({ runId, taskKey: 'm.zzz' });
    const garbled = CallbackTaskId.parse('ct1_AAAA');
    expect(checkCallback({ status: 'none' }, started())).toMatchObject(refused('task_not_found'));
    expect(
      checkCallback(running().state(), started({}, { taskId: unknown, attemptId: idOf('m.zzz', 1) })),
    ).toMatchObject(refused('task_not_found'));
    expect(checkCallback(running().state(), started({}, { taskId: garbled }))).toMatchObject(
      refused('task_not_found'),
    );
  });
});

describe('the attempt', () => {
  it('of a superseded token is stale, whatever the body says', () => {
    const story = running()
      .after(fail('m.a'))
      .at(START_MS + 30_000)
      .after(retry('m.a'));
    const details = { expectedAttempt: 2, receivedAttempt: 1 };
    expect(checkCallback(story.state(), started({ attempt: 2 }))).toMatchObject(
      refused('stale_attempt', { details }),
    );
  });

  it('in the body must be that of the token', () => {
    expect(checkCallback(running().state(), started({ attempt: 2 }))).toMatchObject(
      refused('attempt_mismatch', { details: { expectedAttempt: 1, receivedAttempt: 2 } }),
    );
    expect(checkCallback(running().state(), started({ attemptId: idOf('m.a', 2) }))).toMatchObject(
      refused('attempt_id_mismatch', {
        details: { expectedAttemptId: idOf('m.a', 1), receivedAttemptId: idOf('m.a', 2) },
      }),
    );
  });

  it('of a token the ledger never made is refused', () => {
    const future = started({ attempt: 2, attemptId: idOf('m.a', 2) }, { attempt: 2 });
    expect(checkCallback(running().state(), future)).toMatchObject(refused('attempt_mismatch'));
  });
});

describe('a fitting callback', () => {
  const fresh = triggered(planOf({ 'm.a': [] })).state();
  const call = (report: Pick<Callback, 'kind' | 'body'>) =>
    ({ ...report, taskId, claims: claims() }) as Callback;

  it('becomes the command of its kind', () => {
    const heartbeat = { attempt: 1, attemptId: idOf('m.a', 1), workerId: worker('wk-1') };
    expect(checkCallback(fresh, started())).toMatchObject({
      kind: 'proceed',
      command: { type: 'StartTask' },
    });
    expect(checkCallback(fresh, call({ kind: 'heartbeat', body: heartbeat }))).toMatchObject({
      kind: 'proceed',
      command: { type: 'HeartbeatTask', taskKey: 'm.a' },
    });
    const body = completion('m.a', { outcome: 'SUCCEEDED' });
    expect(checkCallback(fresh, call({ kind: 'completed', body }))).toEqual({
      kind: 'proceed',
      command: { type: 'CompleteTask', taskKey: 'm.a', report: body },
    });
  });

  it('is a duplicate when the same worker says it again', () => {
    expect(checkCallback(running().state(), started())).toEqual({ kind: 'duplicate' });
    expect(checkCallback(running().state(), started({ workerId: worker('wk-2') }))).toMatchObject(
      refused('attempt_already_started'),
    );
  });

  it('is answered without a command while its heartbeat need not be recorded', () => {
    const { report } = beat('m.a') as Extract<ReturnType<typeof beat>, { type: 'HeartbeatTask' }>;
    const heartbeat = call({ kind: 'heartbeat', body: report });
    const story = running();
    expect(checkCallback(story.state(), heartbeat)).toMatchObject({ kind: 'proceed' });
    story.after(beat('m.a'));
    expect(checkCallback(story.state(), heartbeat, START_MS + 29_999)).toEqual({ kind: 'duplicate' });
    expect(checkCallback(story.state(), heartbeat, START_MS + 30_000)).toMatchObject({ kind: 'proceed' });
  });

  it('on an ended task is a duplicate, a conflict or too late', () => {
    const story = triggered(planOf({ 'm.a': [], 'm.b': [] })).after(...finish('m.a'));
    const completed = (body: Callback['body']) =>
      checkCallback(story.state(), call({ kind: 'completed', body }));
    expect(completed(completion('m.a', { outcome: 'SUCCEEDED' }))).toEqual({ kind: 'duplicate' });
    expect(completed(completion('m.a', { outcome: 'FAILED' }))).toMatchObject(
      refused('task_already_terminal', { details: { state: 'SUCCEEDED' } }),
    );
    const { report } = beat('m.a') as Extract<ReturnType<typeof beat>, { type: 'HeartbeatTask' }>;
    expect(checkCallback(story.state(), call({ kind: 'heartbeat', body: report }))).toMatchObject(
      refused('task_expired'),
    );
  });
});

describe('a call about any attempt of its token', () => {
  const failedOnce = () => triggered(planOf({ 'm.a': [] })).after(claim('m.a'), fail('m.a'));

  it('is placed although the attempt has ended or was superseded', () => {
    const story = failedOnce();
    expect(checkAttempt(story.state(), started())).toMatchObject({
      kind: 'placed',
      taskKey: 'm.a',
      taskIndex: 0,
    });
    story.at(START_MS + 3_600_000).after(retry('m.a'));
    expect(checkAttempt(story.state(), started())).toMatchObject({ kind: 'placed' });
  });

  it('is refused like every report, and for an attempt that was not made', () => {
    const state = failedOnce().state();
    const foreign = { ...started(), taskId: callbackTaskId({ runId, taskKey: 'm.b' }) };
    expect(checkAttempt(state, foreign)).toMatchObject(refused('invalid_token'));
    expect(checkAttempt(state, started({ attempt: 2 }))).toMatchObject(refused('attempt_mismatch'));
    const ahead = started({ attempt: 2, attemptId: idOf('m.a', 2) }, { attempt: 2 });
    expect(checkAttempt(state, ahead)).toMatchObject(
      refused('attempt_mismatch', { message: 'attempt 2 was never made; the last is 1' }),
    );
  });
});
