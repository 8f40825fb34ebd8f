import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runTiming } from '#contracts/runs/limits.ts';
import { RerunRequest } from '#contracts/runs/rerun.ts';
import { askRerun } from '#domain/run/rerun.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runDetail, runItem } from '#domain/run/run-detail.ts';
import { runRowAfter } from '#domain/run/run-rows.ts';
import type { RunRow } from '#domain/run/run-rows.ts';
import { stateOf } from '#domain/run/run-state.ts';
import { gateOf } from '#domain/run/visibility.ts';
import { waiting, why } from '#domain/run/waiting.ts';
import { reloaded } from '#test/support/decider.ts';
import {
  cancelRun,
  claim,
  fail,
  finish,
  idOf,
  planOf,
  publish,
  retry,
  runId,
  START_MS,
  succeed,
  sweep,
  triggered,
} from '#test/support/run-fixtures.ts';

type Story = ReturnType<typeof triggered>;

const two = planOf({ 'm.a': [], 'm.b': [] });
const output = (outputVisibilityState: string, more: object = {}) => ({ outputVisibilityState, ...more });
const pendingRun = (): Story =>
  triggered(two).after(claim('m.a'), succeed('m.a', 1, output('PENDING')), ...finish('m.b'));
const rowOf = (story: Story): RunRow => {
  const row = story.history().reduce<RunRow | undefined>(runRowAfter, undefined);
  if (!row) throw new Error('the story has no run');
  return row;
};
/** What the ledger's fold, the detail and the list say of the run, which must be the same. */
const shown = (story: Story) => {
  const run = story.state();
  const detail = runDetail(story.history());
  const item = runItem(rowOf(story));
  if (run.status === 'none' || !detail) throw new Error('the story has no run');
  expect([stateOf(run), item.state]).toEqual([detail.state, detail.state]);
  expect(item.completedAt).toBe(detail.completedAt);
  return detail;
};

describe('a run whose tasks have all succeeded', () => {
  it('goes on for its readers while a required output is pending, and says why', () => {
    const story = pendingRun();
    const detail = shown(story);
    expect(detail).toMatchObject({ state: 'RUNNING', taskCounts: { succeeded: 2 } });
    expect([detail.completedAt, detail.outcomeReason]).toEqual([undefined, undefined]);
    expect(why(story.state())).toMatchObject({
      state: 'RUNNING',
      waiting: [{ reason: 'visibility', subject: 'm.a' }],
    });
    expect(runAggregate.isTerminal(story.state())).toBe(false);
  });

  it('has succeeded, at the instant its tasks did, once the output is visible', () => {
    const story = pendingRun()
      .at(START_MS + 60_000)
      .after(publish('m.a', 'VISIBLE'));
    expect(shown(story)).toMatchObject({
      state: 'SUCCEEDED',
      outcomeReason: 'every task succeeded',
      completedAt: new Date(START_MS).toISOString(),
    });
    expect(shown(story).tasks[0]).toMatchObject({
      outputVisibilityState: 'VISIBLE',
      publishedAt: new Date(START_MS + 60_000).toISOString(),
    });
    expect(waiting(story.state())).toEqual([]);
    expect(runAggregate.isTerminal(story.state())).toBe(true);
  });

  it('has failed when one could not be made visible, even while others are pending, and runs again from there', () => {
    const story = triggered(two).after(
      ...['m.a', 'm.b'].flatMap((key) => [claim(key), succeed(key, 1, output('PENDING'))]),
      publish('m.b', 'FAILED', { publishError: 'lost the race, token=abcdef' }),
    );
    const detail = shown(story);
    expect(detail).toMatchObject({
      state: 'FAILED',
      outcomeReason: 'the output of task m.b could not be made visible',
    });
    expect(detail.tasks[1]?.publishError).toBe('lost the race, token=[redacted]');
    const { header, plan } = (story.state() as Extract<ReturnType<Story['state']>, { origin: unknown }>)
      .origin as never as Parameters<typeof askRerun>[0];
    const asked = askRerun({ header, plan, ...detail }, RerunRequest.parse({ mode: 'fromFailure' }));
    expect(asked).toMatchObject({ kind: 'asked', taskKeys: ['m.b'] });
  });

  it('has failed too when the worker itself said so with its success', () => {
    const story = triggered(planOf({ 'm.a': [] })).after(claim('m.a'), succeed('m.a', 1, output('FAILED')));
    expect(shown(story).state).toBe('FAILED');
    expect(story.state().status).toBe('SUCCEEDED');
  });

  it('is held up by no output that nobody reported on, nor by one that is not required', () => {
    expect(shown(triggered(two).after(...finish('m.a'), ...finish('m.b'))).state).toBe('SUCCEEDED');
    const free = { ...planOf({ 'm.a': [] }), requiresVisibleOutput: false };
    expect(shown(triggered(free).after(claim('m.a'), succeed('m.a', 1, output('PENDING')))).state).toBe(
      'SUCCEEDED',
    );
  });

  it('asks nothing of a task that has no output', () => {
    const run = pendingRun().state();
    if (run.status !== 'SUCCEEDED') throw new Error('all tasks have succeeded');
    expect(gateOf(run)).toBe('pending');
    expect(gateOf({ ...run, tasks: [{ status: 'SKIPPED' }, { status: 'SKIPPED' }] })).toBe('open');
  });

  it('waits a bounded time, and then fails with the outputs it waited for', () => {
    const story = pendingRun();
    const deadlineMs = START_MS + runTiming.visibilityMs;
    expect(waiting(story.state())).toEqual([{ reason: 'visibility', subject: 'm.a', deadlineMs }]);
    story
      .at(deadlineMs - 1)
      .when(sweep(deadlineMs - 1))
      .thenRecordsNothing();
    const given = story.at(deadlineMs).when(sweep(deadlineMs));
    const after = given.thenRecords({
      type: 'OutputVisibilityChanged',
      idempotencyKey: `output_visibility:${runId}:m.a:1:failed`,
      data: { visibilityState: 'FAILED', publishError: 'no report came within 604800000 ms' },
    });
    expect(shown(after).state).toBe('FAILED');
    after.when(sweep(deadlineMs)).thenRecordsNothing();
  });
});

describe('a report on an output', () => {
  it('is recorded with its attempt, and once', () => {
    const at = '2026-01-02T21:03:09Z';
    const story = pendingRun();
    story.when(publish('m.a', 'VISIBLE', { publishedAt: at })).thenRecords({
      type: 'OutputVisibilityChanged',
      data: { taskIndex: 0, taskKey: 'm.a', attempt: 1, attemptId: idOf('m.a', 1), publishedAt: at },
    });
    const after = story.after(publish('m.a', 'VISIBLE', { publishedAt: at }));
    after.when(publish('m.a', 'VISIBLE')).thenRecordsNothing();
    expect(shown(after).tasks[0]?.publishedAt).toBe(at);
  });

  it.each(['VISIBLE', 'FAILED'] as const)('stays when it was %s', (state) => {
    const story = pendingRun().after(publish('m.a', state));
    for (const other of (['PENDING', 'VISIBLE', 'FAILED'] as const).filter((one) => one !== state))
      story
        .when(publish('m.a', other))
        .thenRefuses({ code: 'visibility_already_decided', details: { state } });
  });

  it('may come for the first time after the end, but not to wait for', () => {
    const ended = (): Story => triggered(two).after(...finish('m.a'), ...finish('m.b'));
    ended()
      .when(publish('m.a', 'PENDING'))
      .thenRefuses({ code: 'visibility_already_decided', details: { state: 'nothing' } });
    expect(shown(ended().after(publish('m.a', 'VISIBLE'))).state).toBe('SUCCEEDED');
    expect(shown(ended().after(publish('m.a', 'FAILED'))).state).toBe('FAILED');
    ended()
      .after(publish('m.a', 'FAILED'))
      .when(publish('m.b', 'FAILED'))
      .thenRecords({ type: 'OutputVisibilityChanged', data: { taskKey: 'm.b' } });
  });

  it('may say that an output is pending while the run is still at work', () => {
    const story = triggered(two).after(...finish('m.a'), publish('m.a', 'PENDING'));
    expect(shown(story).state).toBe('RUNNING');
    expect(shown(story.after(...finish('m.b')))).not.toHaveProperty('completedAt');
  });

  it('is refused for what has no output', () => {
    const story = triggered(two).after(claim('m.a'), fail('m.a'));
    story.when(publish('m.none', 'VISIBLE')).thenRefuses({ code: 'task_not_found' });
    story
      .when(publish('m.a', 'VISIBLE'))
      .thenRefuses({ code: 'task_not_succeeded', details: { state: 'PENDING' } });
    story.when(publish('m.a', 'VISIBLE', { attempt: 2 })).thenRefuses({ code: 'attempt_mismatch' });
    story
      .at(START_MS + 3_600_000)
      .after(retry('m.a'))
      .when(publish('m.a', 'VISIBLE'))
      .thenRefuses({ code: 'stale_attempt', details: { expectedAttempt: 2, receivedAttempt: 1 } });
  });

  it.each([
    ['waits for', undefined, 'RUNNING', 'waits for its outputs alone'],
    ['could not be made visible', 'FAILED', 'FAILED', 'has ended FAILED'],
    ['is visible', 'VISIBLE', 'SUCCEEDED', 'has ended SUCCEEDED'],
  ] as const)(
    'cannot be cancelled when its output %s, in the words of its reads',
    (_name, word, state, message) => {
      const pending = pendingRun();
      const story = word === undefined ? pending : pending.after(publish('m.a', word));

      expect(shown(story).state).toBe(state);
      story.when(cancelRun()).thenRefuses({
        code: 'run_already_terminal',
        message: expect.stringContaining(message),
        details: { state },
      });
    },
  );

  it('does not change how a run ended that did not succeed', () => {
    const story = triggered(two).after(
      claim('m.a'),
      succeed('m.a', 1, output('PENDING')),
      claim('m.b'),
      fail('m.b', 1, 'DATA_QUALITY'),
    );
    expect(shown(story)).toMatchObject({ state: 'FAILED', outcomeReason: 'task m.b failed' });
    expect(waiting(story.state())).toEqual([]);
    expect(shown(story.after(publish('m.a', 'VISIBLE'))).tasks[0]?.outputVisibilityState).toBe('VISIBLE');
    story.when(cancelRun()).thenRefuses({ code: 'run_already_terminal' });
  });

  it('that comes late, for another attempt or after a final word, folds to nothing', () => {
    const story = pendingRun().after(publish('m.a', 'VISIBLE'));
    const [last] = story.history().slice(-1);
    if (!last) throw new Error('no event');
    const state = story.state();
    for (const data of [{ visibilityState: 'FAILED' }, { attempt: 2 }, { taskIndex: 1, attempt: 3 }])
      expect(runAggregate.evolve(state, { ...last, data: { ...last.data, ...data } })).toBe(state);
  });
});

describe('the packed run', () => {
  it('keeps how each output stands, and nothing when nobody said', () => {
    const states = fc.constantFrom(undefined, 'PENDING', 'VISIBLE', 'FAILED');
    fc.assert(
      fc.property(fc.array(fc.option(states), { minLength: 1, maxLength: 6 }), (outputs) => {
        const keys = outputs.map((_, index) => `m.t${index}`);
        const story = triggered(planOf(Object.fromEntries(keys.map((key) => [key, []]))));
        for (const [index, state] of outputs.entries()) {
          const key = keys[index] ?? '';
          if (state === null) story.after(claim(key));
          else story.after(claim(key), succeed(key, 1, state === undefined ? undefined : output(state)));
        }
        const first = story.history().slice(0, 2);
        expect(reloaded(runAggregate, story.state(), first)).toEqual(story.state());
        shown(story);
        expect(runAggregate.encodeState(story.state()).includes('"v"')).toBe(outputs.some((state) => state));
      }),
    );
  });
});
