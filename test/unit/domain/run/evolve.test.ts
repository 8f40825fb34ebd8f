import { describe, expect, it } from 'vitest';
import { evolve, originFrom } from '#domain/run/evolve.ts';
import { originOf, plannedTask, taskAt } from '#domain/run/run.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { folded, recorded } from '#test/support/decider.ts';
import {
  START_MS,
  beat,
  claim,
  fail,
  finish,
  planOf,
  retry,
  stream,
  succeed,
  sweep,
  triggered,
} from '#test/support/run-fixtures.ts';

const plan = planOf({ 'm.a': [], 'm.b': ['m.a'], 'm.c': ['m.b'] });

const everyKind = () =>
  triggered(plan)
    .at(START_MS + 60_000)
    .after(sweep(START_MS + 60_000, 'm.a'), claim('m.a'), fail('m.a'))
    .at(START_MS + 90_000)
    .after(retry('m.a'), claim('m.a', 'wk-1', 2), succeed('m.a', 2))
    .after(claim('m.b'), fail('m.b', 1, 'DATA_QUALITY'));

describe('the fold of a run', () => {
  it('changes nothing when every event is delivered again at once', () => {
    const history = everyKind().history();
    const twice = history.flatMap((event) => [event, event]);
    expect(folded(runAggregate, twice)).toEqual(folded(runAggregate, history));
  });

  it('changes nothing when the whole history is delivered again', () => {
    const history = everyKind().history();
    expect(folded(runAggregate, [...history, ...history])).toEqual(folded(runAggregate, history));
  });

  it('ignores what an earlier attempt said, wherever the next one stands', () => {
    const story = triggered(plan)
      .at(START_MS + 60_000)
      .after(sweep(START_MS + 60_000, 'm.a'), claim('m.a'), beat('m.a'), fail('m.a'))
      .at(START_MS + 90_000);
    const first = story.history().slice();
    for (const command of [retry('m.a'), claim('m.a', 'wk-1', 2), succeed('m.a', 2)]) {
      story.after(command);
      expect(folded(runAggregate, [...story.history(), ...first])).toEqual(story.state());
    }
  });

  it('ignores that a task got ready once it is on its way', () => {
    const names = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`m.t${i}`, []]));
    const story = triggered(planOf({ ...names, 'm.z': ['m.t0'] })).after(claim('m.t0'), succeed('m.t0'));
    const [readied] = story.history().filter(({ type }) => type === 'TaskReadied');
    story.after(claim('m.t1'), claim('m.t2'));
    const history = story.history();
    expect(readied && folded(runAggregate, [...history, readied])).toEqual(story.state());
    expect(readied && folded(runAggregate, [...history.slice(0, 2), readied, readied])).toMatchObject({
      status: 'RUNNING',
    });
  });

  it('ignores types it does not know', () => {
    const [event] = recorded([{ type: 'SomethingNewer', idempotencyKey: 'x', data: {} }], {
      stream,
      version: 0,
      nowMs: 0,
    });
    expect(event && evolve({ status: 'none' }, event)).toEqual({ status: 'none' });
  });

  it('ignores events that come before what they need', () => {
    const late = everyKind().history().slice(1);
    expect(folded(runAggregate, late)).toEqual({ status: 'none' });
    const withoutPlan = everyKind()
      .history()
      .filter(({ type }) => type !== 'PlanCreated');
    expect(folded(runAggregate, withoutPlan).status).toBe('TRIGGERED');
  });

  it('ignores events of tasks that are elsewhere by now', () => {
    const story = triggered(plan);
    const foreign = everyKind()
      .history()
      .filter(({ type }) => type !== 'RunTriggered' && type !== 'PlanCreated' && type !== 'TaskDispatched');
    const skipped = foreign.filter(({ type }) => type !== 'RunCompleted' && type !== 'TaskSkipped');
    const waitingForC = folded(runAggregate, [...story.history().slice(0, 2), ...skipped]);
    expect(waitingForC).toMatchObject({
      tasks: [{ status: 'READY', attempt: 0 }, { status: 'BLOCKED' }, { status: 'BLOCKED' }],
    });
  });

  it('ends with the run and stays', () => {
    const story = triggered(planOf({ 'm.a': [] })).after(...finish('m.a'));
    expect(runAggregate.isTerminal(story.state())).toBe(true);
    expect(runAggregate.isTerminal({ status: 'none' })).toBe(false);
    expect(runAggregate.isTerminal(triggered(plan).state())).toBe(false);
  });

  it('knows cancelled descendants from skipped ones', () => {
    const [cancelled] = recorded(
      [
        {
          type: 'TaskCancelled',
          idempotencyKey: 'c',
          data: { taskIndex: 1, taskKey: 'm.b', upstreamTaskKey: 'm.a', upstreamResolution: 'CANCELLED' },
        },
      ],
      { stream, version: 9, nowMs: START_MS },
    );
    const once = folded(runAggregate, [...triggered(plan).history(), ...(cancelled ? [cancelled] : [])]);
    expect(once).toMatchObject({ tasks: [{}, { status: 'CANCELLED', attempt: 0 }, {}] });
    expect(cancelled && evolve(once, cancelled)).toEqual(once);
  });
});

describe('the origin', () => {
  it('is missing from a packed state and attached from the first commit', () => {
    const story = everyKind();
    const decoded = runAggregate.decodeState(runAggregate.encodeState(story.state()));
    expect(runAggregate.origin?.isMissing(decoded)).toBe(true);
    expect(runAggregate.origin?.attach(decoded, story.history().slice(0, 3))).toEqual(story.state());
  });

  it('is not missing where there is none', () => {
    expect(runAggregate.origin?.isMissing({ status: 'none' })).toBe(false);
    expect(runAggregate.origin?.attach({ status: 'none' }, [])).toEqual({ status: 'none' });
  });

  it('needs both trigger and plan', () => {
    const history = everyKind().history();
    expect(originFrom(history.slice(0, 1))).toBeUndefined();
    expect(originFrom(history.slice(1, 2))).toBeUndefined();
  });

  it('must be attached before anything is decided', () => {
    const decoded = runAggregate.decodeState(runAggregate.encodeState(everyKind().state()));
    expect(() => runAggregate.decide(claim('m.c'), decoded, { nowMs: 0, stream })).toThrow(
      'the origin of the run is not attached',
    );
  });

  it('names only tasks it has', () => {
    const state = everyKind().state();
    if (state.status !== 'FAILED') expect.fail('the run has failed');
    expect(() => taskAt(state, 3)).toThrow('task 3 is not in a run of 3');
    expect(() => plannedTask(originOf(state).plan, 3)).toThrow('task 3 is not in a plan of 3');
  });
});
