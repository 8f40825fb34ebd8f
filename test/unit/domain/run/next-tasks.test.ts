import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#contracts/event.ts';
import type { ExecutionLocation } from '#contracts/runs/locations.ts';
import { DISPATCH_WINDOW } from '#contracts/runs/limits.ts';
import type { NextTasks, RunCommand } from '#domain/run/command.ts';
import { begunWith } from '#domain/run/next-tasks.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import {
  cancelRun,
  claim,
  fail,
  planOf,
  START_MS,
  succeed,
  triggered,
  worker,
} from '#test/support/run-fixtures.ts';

const CHAIN = { 'm.a': [], 'm.b': ['m.a'] };
const FAN = { 'm.a': [], 'm.b': ['m.a'], 'm.c': ['m.a'] };

const goOn = (taskKey: string, next: Partial<NextTasks> = {}, command = succeed(taskKey)): RunCommand => {
  if (command.type !== 'CompleteTask') throw new Error('only a completion goes on');
  return {
    ...command,
    next: { workerId: worker('wk-1'), queue: 'default-queue', maxTasks: 1, ...next },
  };
};

const begun = (...taskKeys: readonly string[]): readonly object[] =>
  taskKeys.map((taskKey) => ({ type: 'TaskStarted', data: { taskKey, attempt: 1, workerId: 'wk-1' } }));
const ready = (...taskKeys: readonly string[]): readonly object[] =>
  taskKeys.map((taskKey) => ({ type: 'TaskDispatched', data: { taskKey } }));

describe('a completion whose worker goes on', () => {
  it('begins what it makes ready in the same commit, and owes no offer of it', () => {
    const story = triggered(planOf(FAN))
      .after(claim('m.a'))
      .when(goOn('m.a'))
      .thenRecords({ type: 'TaskCompleted' }, ...ready('m.b', 'm.c'), ...begun('m.b'));

    expect(runAggregate.outstanding(story.state(), START_MS)).toMatchObject([
      { kind: 'offer-task', taskKey: 'm.c' },
    ]);
  });

  it('begins no more than it asked for', () => {
    const start = triggered(planOf(FAN)).after(claim('m.a'));

    start
      .when(goOn('m.a', { maxTasks: 2 }))
      .thenRecords({ type: 'TaskCompleted' }, ...ready('m.b', 'm.c'), ...begun('m.b', 'm.c'));
  });

  it('begins the most urgent first', () => {
    const plan = planOf(FAN);
    const urgent = plan.tasks.map((task) =>
      task.key === 'm.c' ? { ...task, policy: { priority: 1 } } : task,
    );

    triggered({ ...plan, tasks: urgent })
      .after(claim('m.a'))
      .when(goOn('m.a'))
      .thenRecords({ type: 'TaskCompleted' }, ...ready('m.c', 'm.b'), ...begun('m.c'));
  });

  it.each([
    ['as urgent, and older', 5, []],
    ['more urgent', 0, []],
    ['less urgent', 6, ['m.b']],
  ] as const)('gives way to what waits in the queue when that is %s', (_case, before, expected) => {
    triggered(planOf({ 'm.a': [], 'm.b': ['m.a'] }))
      .after(claim('m.a'))
      .when(goOn('m.a', { before }))
      .thenRecords({ type: 'TaskCompleted' }, ...ready('m.b'), ...begun(...expected));
  });

  it.each<[string, Parameters<typeof planOf>[1], Partial<NextTasks>]>([
    ['of another queue', {}, { queue: 'gpu' }],
    ['of an in-process runner', { inline: ['m.b'] }, {}],
  ])('leaves what is %s', (_case, options, next) => {
    triggered(planOf({ 'm.a': [], 'm.b': ['m.a'] }, options))
      .after(claim('m.a'))
      .when(goOn('m.a', next))
      .thenRecords({ type: 'TaskCompleted' }, ...ready('m.b'));
  });

  it('leaves what is sent to an execution location', () => {
    const location: ExecutionLocation = {
      executionLocationId: 'here',
      kind: 'managed_queue',
      workerQueue: 'default-queue',
      queueName: 'sluice-dev-worker-0-x',
      callbackBaseUrl: 'https://api.test',
    };
    triggered({ ...planOf({ 'm.a': [], 'm.b': ['m.a'] }), locations: [location] })
      .when(goOn('m.a'))
      .thenRecords({ type: 'TaskCompleted' }, ...ready('m.b'));
  });

  it('asks the limits of what follows before anybody begins it', () => {
    triggered(planOf({ 'm.a': [], 'm.b': ['m.a'] }, { limited: { 'm.b': ['workspace'] } }))
      .after(claim('m.a'))
      .when(goOn('m.a'))
      .thenRecords({ type: 'TaskCompleted' }, { type: 'TaskSlotRequested', data: { taskKey: 'm.b' } });
  });

  it('begins nothing when a retry follows, or the run is being cancelled', () => {
    triggered(planOf(FAN))
      .after(claim('m.a'))
      .when(goOn('m.a', {}, fail('m.a')))
      .thenRecords({ type: 'TaskCompleted', data: { outcome: 'FAILED' } });

    triggered(planOf(FAN))
      .after(claim('m.a'), cancelRun())
      .when(goOn('m.a'))
      .thenRecords({ type: 'TaskCompleted' }, { type: 'RunCompleted' });
  });

  it('makes room in the dispatch window, which the same commit fills', () => {
    const names = Array.from({ length: DISPATCH_WINDOW + 1 }, (_, index) => `m.t${index}`);
    const edges = { 'm.a': [], ...Object.fromEntries(names.map((name) => [name, ['m.a']])) };
    const { events } = triggered(planOf(edges)).after(claim('m.a')).when(goOn('m.a'));

    const dispatched = events.flatMap((event) =>
      event.type === 'TaskDispatched' ? [event.data.taskKey] : [],
    );
    expect(dispatched).toEqual(names);
    expect(events.at(-1)).toMatchObject({ type: 'TaskDispatched', data: { taskKey: names.at(-1) } });
  });

  it('ends the run once when it is the last', () => {
    triggered(planOf({ 'm.a': [] }))
      .after(claim('m.a'))
      .when(goOn('m.a'))
      .thenRecords({ type: 'TaskCompleted' }, { type: 'RunCompleted' });
  });

  it('adds nothing the second time', () => {
    triggered(planOf(FAN)).after(claim('m.a'), goOn('m.a')).when(goOn('m.a')).thenRecordsNothing();
  });
});

describe('what was begun with a report', () => {
  const first = { taskKey: 'm.a', attempt: 1 };
  const keys = (found: ReturnType<typeof begunWith>): readonly string[] | undefined =>
    found?.map(({ taskKey }) => taskKey);
  const after = (...commands: readonly RunCommand[]) => {
    const story = triggered(planOf({ ...FAN, 'm.z': [], 'm.y': ['m.z'] })).after(
      claim('m.a'),
      claim('m.z'),
      ...commands,
    );
    return (report = first, workerId = 'wk-1') =>
      keys(begunWith(story.history(), report, { run: story.state(), workerId: worker(workerId) }));
  };

  it('is told from the events behind its completion, and not those behind another one', () => {
    const begunBy = after(goOn('m.a', { maxTasks: 2 }), goOn('m.z'));

    expect(begunBy()).toEqual(['m.b', 'm.c']);
    expect(begunBy({ taskKey: 'm.z', attempt: 1 })).toEqual(['m.y']);
  });

  it('does not end with an attempt that is given up in the same commit', () => {
    const plan = planOf({ 'm.a': [], 'm.c': [], 'm.z': ['m.a'] }, { rules: { 'm.z': 'always' } });
    const stopping = triggered(plan)
      .after(claim('m.a'), claim('m.c'), cancelRun())
      .at(START_MS + 120_000);
    stopping
      .when(goOn('m.a'))
      .thenRecords(
        { type: 'TaskCompleted', data: { taskKey: 'm.a' } },
        { type: 'TaskCompleted', data: { taskKey: 'm.c', failure: 'cancel_grace' } },
        ...ready('m.z'),
        ...begun('m.z'),
      );

    const story = stopping.after(goOn('m.a'));
    expect(keys(begunWith(story.history(), first, { run: story.state(), workerId: worker('wk-1') }))).toEqual(
      ['m.z'],
    );
  });

  it('is not what the worker claimed in the same commit', () => {
    const story = triggered(planOf({ ...FAN, 'm.z': [] })).after(claim('m.a'), goOn('m.a'), claim('m.z'));

    expect(keys(begunWith(story.history(), first, { run: story.state(), workerId: worker('wk-1') }))).toEqual(
      ['m.b'],
    );
  });

  it('is unknown where the report is not', () => {
    expect(after()()).toBeUndefined();
    expect(after(goOn('m.a'))({ taskKey: 'm.a', attempt: 2 })).toBeUndefined();
  });

  it('is of its worker alone, as far as it still has it', () => {
    expect(after(goOn('m.a'))(first, 'wk-2')).toEqual([]);
    expect(after(goOn('m.a', { maxTasks: 2 }), succeed('m.b'))()).toEqual(['m.c']);
    expect(after(goOn('m.a'), fail('m.b'))()).toEqual([]);
  });

  it('is nothing once its run has ended, whatever else stands in its commit', () => {
    const story = triggered(planOf(CHAIN)).after(claim('m.a'), goOn('m.a'), succeed('m.b'));
    const refusal = { ...story.history()[0], type: 'CommandRefused', data: { code: 'stale_attempt' } };
    const events = [refusal as RecordedEvent, ...story.history()];

    expect(begunWith(events, first, { run: story.state(), workerId: worker('wk-1') })).toEqual([]);
  });
});
