import { describe, expect, it } from 'vitest';
import { DISPATCH_WINDOW } from '#contracts/runs/limits.ts';
import { handedOver } from '#domain/run/inline.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { inlineWaitingReason, waiting, waitingReason } from '#domain/run/waiting.ts';
import type { Run } from '#domain/run/run.ts';
import { given } from '#test/support/decider.ts';
import {
  START_MS,
  claim,
  finish,
  finishInline,
  idOf,
  planOf,
  retry,
  runId,
  scope,
  stream,
  succeed,
  sweep,
  triggerOf,
  triggered,
} from '#test/support/run-fixtures.ts';
import type { Edges } from '#test/support/run-fixtures.ts';

const inline = (edges: Edges, names: readonly string[] = Object.keys(edges)) =>
  triggered(planOf(edges, { inline: names }));
const chain = () => inline({ 'm.a': [], 'm.b': ['m.a'], 'm.c': ['m.b'] });
const wide = () => inline({ 'm.a': [], 'm.b': [], 'm.c': [] });

const statuses = (run: Run): readonly string[] =>
  'tasks' in run ? run.tasks.map(({ status }) => status) : [];
const effects = (run: Run) => runAggregate.outstanding(run, START_MS);
const reasons = (run: Run) =>
  waiting(run).map(({ reason, subject, deadlineMs }) => [reason, subject, deadlineMs - START_MS]);

describe('a task of an in-process runner', () => {
  it('is handed over when the run is triggered, and says by whom it is run', () => {
    given(runAggregate, { stream, nowMs: START_MS })
      .when(triggerOf(planOf({ 'm.a': [], 'm.b': ['m.a'] }, { inline: ['m.a'], partitionKey: 'date=d:1' })))
      .thenRecords(
        { type: 'RunTriggered' },
        { type: 'PlanCreated' },
        { type: 'TaskDispatched', data: { taskKey: 'm.a', attempt: 1, runner: 'noop' } },
      );
  });

  it('is what a runner is asked for, with all that names the attempt', () => {
    const story = triggered(planOf({ 'm.a': [] }, { inline: ['m.a'], partitionKey: 'date=d:2026-01-02' }));

    expect(handedOver(story.state())).toEqual({
      runner: 'noop',
      readyAtMs: START_MS,
      task: {
        ...scope,
        runId,
        taskKey: 'm.a',
        assetKey: 'm.a',
        partitionKey: 'date=d:2026-01-02',
        attempt: 1,
        attemptId: idOf('m.a', 1),
      },
    });
  });

  it('needs neither an asset nor a partition', () => {
    const { tasks, ...plan } = planOf({ 'm.a': [] }, { inline: ['m.a'] });
    const bare = tasks.map(({ assetKey: _, ...task }) => task);

    const { task } = handedOver(triggered({ ...plan, tasks: bare }).state()) ?? {};

    expect(task).toMatchObject({ taskKey: 'm.a' });
    expect(task).not.toHaveProperty('assetKey');
    expect(task).not.toHaveProperty('partitionKey');
  });

  it('starts, ends and hands the next over in one commit', () => {
    chain()
      .when(finishInline('m.a'))
      .thenRecords(
        { type: 'TaskStarted', data: { taskKey: 'm.a', workerId: 'run-inline' } },
        { type: 'TaskCompleted', data: { taskKey: 'm.a', outcome: 'SUCCEEDED' } },
        { type: 'TaskDispatched', data: { taskKey: 'm.b', runner: 'noop' } },
      );
  });

  it('ends the run when it is the last', () => {
    chain()
      .after(finishInline('m.a'), finishInline('m.b'))
      .when(finishInline('m.c'))
      .thenRecords({ type: 'TaskStarted' }, { type: 'TaskCompleted' }, { type: 'RunCompleted' });
  });

  it('is one of its run at a time, the others wait without a word', () => {
    const story = wide();
    expect(statuses(story.state())).toEqual(['DISPATCHED', 'READY', 'READY']);
    story.after(finishInline('m.a'));
    expect(statuses(story.state())).toEqual(['SUCCEEDED', 'DISPATCHED', 'READY']);
    expect(handedOver(story.state())).toMatchObject({ task: { taskKey: 'm.b' } });
  });

  it('says so when it becomes ready and another one is handed over', () => {
    inline({ 'm.a': [], 'm.b': [], 'm.w': [], 'm.c': ['m.w'] }, ['m.a', 'm.b', 'm.c'])
      .after(claim('m.w'))
      .when(succeed('m.w'))
      .thenRecords({ type: 'TaskCompleted' }, { type: 'TaskReadied', data: { taskKey: 'm.c' } });
  });

  it('takes no place of a worker, and no worker takes its place', () => {
    const names = Array.from({ length: DISPATCH_WINDOW + 1 }, (_, index) => `m.w${index}`);
    const edges = Object.fromEntries([...names, 'm.a'].map((name) => [name, []]));
    const run = inline(edges, ['m.a']).state();

    expect(statuses(run).filter((status) => status === 'DISPATCHED')).toHaveLength(DISPATCH_WINDOW + 1);
    expect(statuses(run).at(-1)).toBe('DISPATCHED');
    expect(statuses(run).at(-2)).toBe('READY');
  });

  it('hands on to workers, and they to it', () => {
    const story = inline({ 'm.w': [], 'm.a': ['m.w'], 'm.x': ['m.a'] }, ['m.a']);
    expect(handedOver(story.state())).toBeUndefined();
    story.after(...finish('m.w'));
    expect(handedOver(story.state())).toMatchObject({ task: { taskKey: 'm.a' } });
    story.after(finishInline('m.a'));
    expect(handedOver(story.state())).toBeUndefined();
    expect(effects(story.state())).toMatchObject([{ kind: 'offer-task', taskKey: 'm.x' }]);
    story.after(...finish('m.x'));
    expect(story.state().status).toBe('SUCCEEDED');
  });

  it('is not handed over in a run that has no plan, has ended or does not exist', () => {
    const { events } = given(runAggregate, { stream, nowMs: START_MS }).when(
      triggerOf(planOf({ 'm.a': [] }, { inline: ['m.a'] })),
    );
    const begun = given(runAggregate, { stream, nowMs: START_MS }, ...events.slice(0, 1));

    expect(handedOver(begun.state())).toBeUndefined();
    expect(handedOver(inline({ 'm.a': [] }).after(finishInline('m.a')).state())).toBeUndefined();
    expect(handedOver({ status: 'none' })).toBeUndefined();
  });

  describe('whose attempt is reported', () => {
    it('twice, has ended once', () => {
      chain().after(finishInline('m.a')).when(finishInline('m.a')).thenRecordsNothing();
    });

    it('otherwise by a slower invocation, keeps its end', () => {
      chain()
        .after(finishInline('m.a'))
        .when(finishInline('m.a', 1, 'INFRASTRUCTURE'))
        .thenRefuses({ code: 'task_already_terminal' });
    });

    it('after somebody had said that it started, does not start again', () => {
      chain()
        .after(claim('m.a'))
        .when(finishInline('m.a'))
        .thenRecords({ type: 'TaskCompleted' }, { type: 'TaskDispatched' });
    });

    it('as failed, is tried again by the ordinary retry', () => {
      const story = chain();
      story
        .when(finishInline('m.a', 1, 'INFRASTRUCTURE'))
        .thenRecords({ type: 'TaskStarted' }, { type: 'TaskCompleted', data: { outcome: 'FAILED' } });
      expect(effects(story.state())).toMatchObject([{ kind: 'start-execution', machine: 'retry-task' }]);
      story
        .at(START_MS + 30_000)
        .when(retry('m.a'))
        .thenRecords({ type: 'TaskDispatched', data: { attempt: 2, runner: 'noop' } });
      expect(handedOver(story.state())).toMatchObject({ task: { attempt: 2, attemptId: idOf('m.a', 2) } });
    });

    it('as failed, lets another one go first, and waits for it', () => {
      wide()
        .when(finishInline('m.a', 1, 'INFRASTRUCTURE'))
        .thenRecords({ type: 'TaskStarted' }, { type: 'TaskCompleted' }, { type: 'TaskDispatched' })
        .at(START_MS + 30_000)
        .when(retry('m.a'))
        .thenRecords({ type: 'TaskReadied', data: { taskKey: 'm.a', attempt: 2 } })
        .when(finishInline('m.b'))
        .thenRecords(
          { type: 'TaskStarted' },
          { type: 'TaskCompleted' },
          { type: 'TaskDispatched', data: { taskKey: 'm.a', attempt: 2 } },
        );
    });

    it('as failed for good, takes those behind it along', () => {
      const story = chain().after(finishInline('m.a', 1, 'CONFIGURATION'));
      expect(statuses(story.state())).toEqual(['FAILED', 'SKIPPED', 'SKIPPED']);
      expect(story.state().status).toBe('FAILED');
    });
  });
});

describe('what a run owes to its in-process runner', () => {
  it('is one message that names its stream, however many tasks wait', () => {
    expect(effects(wide().state())).toEqual([
      {
        kind: 'send-message',
        name: expect.stringMatching(/^inline-[a-z2-7]{26}-1$/) as string,
        queue: 'inline-runs',
        body: { stream },
      },
    ]);
  });

  it('has another name for each task, attempt and sending, and always the same for one', () => {
    const story = chain();
    const names = [effects(story.state())[0]?.name];
    expect(effects(chain().state())[0]?.name).toBe(names[0]);
    names.push(
      effects(
        story
          .at(START_MS + 60_000)
          .after(sweep(START_MS + 60_000))
          .state(),
      )[0]?.name,
    );
    names.push(effects(story.after(finishInline('m.a')).state())[0]?.name);
    expect(new Set(names).size).toBe(3);
    expect(names[1]).toBe(names[0]?.replace(/1$/, '2'));
  });
});

describe('a run that waits for its in-process runner', () => {
  it('says so, with the deadline of what is handed over', () => {
    expect(reasons(wide().state())).toEqual([
      ['tasks', runId, 60_000],
      ['inline_runner', 'm.a', 60_000],
      ['inline_runner', 'm.b', 60_000],
      ['inline_runner', 'm.c', 60_000],
    ]);
    expect(reasons(chain().state()).slice(2)).toEqual([
      ['upstream', 'm.b', 60_000],
      ['upstream', 'm.c', 60_000],
    ]);
  });

  it('has a reason for every open status, the same as for workers where no runner is waited for', () => {
    const { READY: _r, DISPATCHED: _d, ...others } = waitingReason;
    expect(inlineWaitingReason).toEqual({ ...others, READY: 'inline_runner', DISPATCHED: 'inline_runner' });
  });

  it('waits anew with each step', () => {
    const story = chain()
      .at(START_MS + 40_000)
      .after(finishInline('m.a'));
    expect(reasons(story.state())[1]).toEqual(['inline_runner', 'm.b', 100_000]);
  });

  it('sends its message again when nothing came of it, and after five times gives the task up', () => {
    let at = START_MS;
    const story = inline({ 'm.a': [] });
    for (let send = 1; send <= 5; send++) {
      at += 60_000 * 2 ** (send - 1);
      story
        .at(at - 1)
        .when(sweep(at - 1))
        .thenRecordsNothing()
        .at(at)
        .when(sweep(at))
        .thenRecords({ type: 'TaskRedispatched', data: { taskKey: 'm.a', sendNo: send + 1 } });
    }
    at += 60_000 * 2 ** 5;
    story
      .at(at)
      .when(sweep(at))
      .thenRecords(
        { type: 'TaskCompleted', data: { outcome: 'FAILED', failure: 'dispatch_lost' } },
        { type: 'RunCompleted', data: { outcome: 'FAILED' } },
      );
  });
});
