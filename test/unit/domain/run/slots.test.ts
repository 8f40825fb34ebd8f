import { describe, expect, it } from 'vitest';
import { LimitId } from '#contracts/runs/concurrency.ts';
import { TaskKey } from '#contracts/ids.ts';
import { concurrency, runTiming, SLOT_ROOM, SLOT_WINDOW } from '#contracts/runs/limits.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { originOf } from '#domain/run/run.ts';
import type { Run } from '#domain/run/run.ts';
import { limitsOf, requestEffect, slotWaits, standingOf } from '#domain/run/slots.ts';
import { waiting } from '#domain/run/waiting.ts';
import {
  START_MS,
  cancelRun,
  claim,
  fail,
  finishInline,
  grant,
  planOf,
  refused,
  retry,
  returned,
  runId,
  succeed,
  sweptAt,
  triggered,
} from '#test/support/run-fixtures.ts';

const KEY = 'key:warehouse';
const QUEUE = 'queue:etl';
const holder = { runId, taskKey: 'm.a', attempt: 1 };
const ONE = planOf({ 'm.a': [] }, { limited: { 'm.a': [KEY] } });
const TWO = planOf({ 'm.a': [] }, { limited: { 'm.a': [KEY, QUEUE] } });

const effectsOf = (run: Run) => runAggregate.outstanding(run, START_MS);
const reasonsOf = (run: Run) => waiting(run).map(({ reason, subject }) => [reason, subject]);
const standing = (run: Run, attempt = 1, limitId = KEY, taskKey = 'm.a') =>
  standingOf(run, { taskKey: TaskKey.parse(taskKey), attempt, limitId: LimitId.parse(limitId) });

describe('a task with a limit', () => {
  it('asks for a slot in the place of being handed out, with what the plan knows of the capacity', () => {
    const story = triggered(ONE);

    expect(story.history().at(-1)).toMatchObject({
      type: 'TaskSlotRequested',
      data: { taskKey: 'm.a', attempt: 1, limitId: KEY, place: 0, sendNo: 1 },
    });
    expect(effectsOf(story.state())).toEqual([
      {
        kind: 'issue-command',
        name: expect.stringMatching(/^slot-[a-z2-7]{26}-1$/) as string,
        stream: `limit#acme/prod/${KEY}`,
        command: { type: 'RequestSlot', holder, priority: 5, known: { capacity: 1, changeNo: 1 } },
        ifRefused: { stream: 'run#acme/prod/' + runId, command: refused('m.a', KEY) },
      },
    ]);
    expect(waiting(story.state())).toContainEqual({
      reason: 'concurrency_limit',
      subject: 'm.a',
      deadlineMs: START_MS + concurrency.askAgainMs,
    });
    expect(slotWaits(story.state())).toEqual(new Map([['m.a', { limitId: KEY, holder }]]));
  });

  it('is handed out with the grant, in one commit, and waits for it no more', () => {
    const story = triggered(ONE)
      .when(grant('m.a', KEY))
      .thenRecords({ type: 'TaskDispatched', data: { attempt: 1, slots: 1 } });

    expect(reasonsOf(story.state())).toContainEqual(['worker', 'm.a']);
    expect(slotWaits(story.state())).toEqual(new Map());
    story.when(grant('m.a', KEY)).thenRecordsNothing();
  });

  it('asks the next of several limits once one has granted, and is handed out by the last', () => {
    const story = triggered(TWO)
      .when(grant('m.a', KEY))
      .thenRecords({ type: 'TaskSlotRequested', data: { limitId: QUEUE, place: 1, sendNo: 1 } });

    story.when(grant('m.a', KEY)).thenRecordsNothing();
    story.when(grant('m.a', QUEUE)).thenRecords({ type: 'TaskDispatched', data: { slots: 2 } });
  });

  it('refuses a slot it did not ask for', () => {
    const notAwaited = { code: 'slot_not_awaited' } as const;
    const story = triggered(TWO);

    story.when(grant('m.a', QUEUE)).thenRefuses(notAwaited);
    story.when(grant('m.a', 'workspace')).thenRefuses(notAwaited);
    story.when(grant('m.a', KEY, 2)).thenRefuses(notAwaited);
    story.when(grant('m.x', KEY)).thenRefuses(notAwaited);
  });

  it('asks again when nothing comes of it, at a slower and slower pace up to once an hour', () => {
    const story = triggered(ONE);
    let atMs = START_MS;
    for (const [index, minutes] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
      const dueMs = atMs + minutes * 60_000;
      sweptAt(story, dueMs).thenRecords({ type: 'TaskSlotRequested', data: { place: 0, sendNo: index + 2 } });
      atMs = dueMs;
    }
    expect(new Set(effectsOf(story.state()).map(({ name }) => name.replace(/-\d+$/, ''))).size).toBe(1);
  });

  it('waits as dispatch_window behind as many as may ask at one time', () => {
    const names = Array.from({ length: SLOT_WINDOW + 2 }, (_, index) => `m.t${index}`);
    const edges = Object.fromEntries([...names, 'm.free'].map((name) => [name, []]));
    const story = triggered(
      planOf(edges, { limited: Object.fromEntries(names.map((name) => [name, [KEY]])) }),
    );
    const reasons = reasonsOf(story.state());

    expect(reasons.filter(([reason]) => reason === 'concurrency_limit')).toHaveLength(SLOT_WINDOW);
    expect(reasons.filter(([reason]) => reason === 'dispatch_window')).toHaveLength(2);
    expect(reasons).toContainEqual(['worker', 'm.free']);

    story.after(grant('m.t0', KEY));
    expect(reasonsOf(story.state())).toContainEqual(['dispatch_window', 'm.t100']);
    story.when(claim('m.t0')).thenRecords({ type: 'TaskStarted' }, { type: 'TaskSlotRequested' });
  });

  it('of an idle limit is not held up by those of a busy one', () => {
    const names = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => `m.${prefix}${index}`);
    const [busy, idle] = [names('b', SLOT_WINDOW + 1), names('i', SLOT_ROOM + 1)];
    const edges = Object.fromEntries([...busy, ...idle].map((name) => [name, []]));
    const limited = Object.fromEntries([
      ...busy.map((name) => [name, [KEY]] as const),
      ...idle.map((name) => [name, ['key:idle']] as const),
    ]);
    const story = triggered(planOf(edges, { limited }));

    const waits = [...slotWaits(story.state()).values()].map(({ limitId }) => limitId);
    expect(waits.filter((limitId) => limitId === KEY)).toHaveLength(SLOT_WINDOW);
    expect(waits.filter((limitId) => limitId === 'key:idle')).toHaveLength(SLOT_ROOM);
    expect(reasonsOf(story.state())).toContainEqual(['dispatch_window', `m.i${SLOT_ROOM}`]);

    story.after(grant('m.i0', 'key:idle'), claim('m.i0'), fail('m.i0'));
    expect(slotWaits(story.state()).has(`m.i${SLOT_ROOM}`)).toBe(true);
    const retryAtMs = START_MS + 30_000;
    story
      .at(retryAtMs)
      .when(retry('m.i0'))
      .thenRecords({ type: 'TaskReadied', data: { attempt: 2 } });
    story.after(grant('m.i1', 'key:idle'));
    story
      .when(claim('m.i1'))
      .thenRecords({ type: 'TaskStarted' }, { type: 'TaskSlotRequested', data: { taskKey: 'm.i0' } });
  });

  it('is not held up by less urgent ones that wait for the same limit', () => {
    const names = Array.from({ length: SLOT_WINDOW }, (_, index) => `m.t${index}`);
    const edges = { 'm.first': [], 'm.urgent': ['m.first'], 'm.other': ['m.first'] };
    const all = [...names, 'm.urgent', 'm.other'];
    const plan = planOf(
      { ...edges, ...Object.fromEntries(names.map((name) => [name, []])) },
      { limited: Object.fromEntries(all.map((name) => [name, [KEY]])) },
    );
    const tasks = plan.tasks.map((task) =>
      task.key === 'm.urgent' ? { ...task, policy: { priority: 0 } } : task,
    );
    const story = triggered({ ...plan, tasks }).after(claim('m.first'), succeed('m.first'));

    expect(slotWaits(story.state()).has('m.urgent')).toBe(true);
    expect(reasonsOf(story.state())).toContainEqual(['dispatch_window', 'm.other']);
  });

  it('asks in the next commit where one has no room for all the limits of its run', () => {
    const names = Array.from({ length: 450 }, (_, index) => `m.t${index}`);
    const plan = planOf(Object.fromEntries(names.map((name) => [name, []])), {
      limited: Object.fromEntries(names.map((name) => [name, [`key:k${name}`]])),
    });
    const story = triggered(plan);
    expect(story.history().length).toBe(400);

    const [first, ...asking] = slotWaits(story.state()).values();
    expect(asking.length).toBeLessThan(449);
    story.after(grant('m.t0', first?.limitId ?? ''), claim('m.t0'));
    expect(slotWaits(story.state()).size).toBe(449);
  });

  it('of an in-process runner is run when it is granted, and holds up the others of its run', () => {
    const plan = planOf({ 'm.a': [], 'm.b': [] }, { inline: ['m.a', 'm.b'], limited: { 'm.a': [KEY] } });
    const story = triggered(plan);
    expect(reasonsOf(story.state())).toContainEqual(['inline_runner', 'm.b']);

    story
      .after(grant('m.a', KEY))
      .when(finishInline('m.a'))
      .thenRecords({ type: 'TaskStarted' }, { type: 'TaskCompleted' }, { type: 'TaskDispatched' });
    expect(effectsOf(story.state())).toMatchObject([
      { command: { type: 'ReleaseSlot' } },
      { queue: 'inline-runs' },
    ]);
  });
});

describe('an attempt that is over', () => {
  const expectOwed = (run: Run, ...limitIds: readonly string[]): void => {
    const releases = effectsOf(run).filter(({ name }) => name.startsWith('release-'));
    expect(releases).toMatchObject(
      limitIds.map((limitId) => ({
        stream: `limit#acme/prod/${limitId}`,
        command: { type: 'ReleaseSlot', holder },
        ifDone: { command: { type: 'ConfirmSlotReturn', taskKey: 'm.a', attempt: 1, limitId } },
      })),
    );
  };

  it('gives its slots back until each limit has heard, also when its run has ended', () => {
    const story = triggered(TWO).after(grant('m.a', KEY), grant('m.a', QUEUE), claim('m.a'), succeed('m.a'));
    expect(story.state()).toMatchObject({ status: 'SUCCEEDED' });
    expectOwed(story.state(), KEY, QUEUE);
    expect(waiting(story.state())).toEqual([
      { reason: 'slot_return', subject: 'm.a', deadlineMs: START_MS + runTiming.silenceMs },
    ]);
    expect(runAggregate.isTerminal(story.state())).toBe(false);

    story.when(returned('m.a', KEY)).thenRecords({ type: 'TaskSlotReturned', data: { place: 0 } });
    expectOwed(story.state(), QUEUE);
    story.when(returned('m.a', KEY)).thenRecordsNothing();
    story.when(returned('m.a', QUEUE)).thenRecords({ type: 'TaskSlotReturned', data: { place: 1 } });
    expectOwed(story.state());
    expect(waiting(story.state())).toEqual([]);
    expect(runAggregate.isTerminal(story.state())).toBe(true);
  });

  it('is told of by nobody who never held it', () => {
    const story = triggered(ONE);

    story.when(returned('m.a', KEY)).thenRecordsNothing();
    story.when(returned('m.x', KEY)).thenRecordsNothing();
    story.when(returned('m.a', 'workspace')).thenRecordsNothing();
  });

  it('holds no slot while it waits for its retry, which asks for one of its own', () => {
    const story = triggered(ONE).after(grant('m.a', KEY), claim('m.a'), fail('m.a'));
    expectOwed(story.state(), KEY);
    expect(reasonsOf(story.state())).toEqual([
      ['tasks', runId],
      ['retry', 'm.a'],
      ['slot_return', 'm.a'],
    ]);

    story
      .at(START_MS + 30_000)
      .when(retry('m.a'))
      .thenRecords({ type: 'TaskSlotRequested', data: { attempt: 2, place: 0 } });
    expect(effectsOf(story.state())).toMatchObject([
      { command: { type: 'ReleaseSlot', holder } },
      { command: { type: 'RequestSlot', holder: { ...holder, attempt: 2 } } },
    ]);
    story.after(returned('m.a', KEY), grant('m.a', KEY, 2));
    story.when(grant('m.a', KEY)).thenRefuses({ code: 'slot_not_awaited' });
    story.when(fail('m.a', 1)).thenRefuses({ code: 'stale_attempt' });
  });

  it('waits for a slot for its retry and still knows what the attempt before had reported', () => {
    const story = triggered(ONE)
      .after(grant('m.a', KEY), claim('m.a'), fail('m.a'))
      .at(START_MS + 30_000)
      .after(retry('m.a'));

    story.when(fail('m.a')).thenRecordsNothing();
    story.when(succeed('m.a')).thenRefuses({ code: 'attempt_already_completed' });
  });

  it('gives back what it asked for when its run is stopped, granted or not', () => {
    const asking = triggered(TWO).after(grant('m.a', KEY), cancelRun());
    expect(asking.state()).toMatchObject({ status: 'CANCELLED' });
    expectOwed(asking.state(), KEY, QUEUE);
    asking.when(grant('m.a', QUEUE)).thenRefuses({ code: 'slot_not_awaited' });

    expectOwed(triggered(TWO).after(cancelRun()).state(), KEY);
    expectOwed(triggered(ONE).after(grant('m.a', KEY), cancelRun()).state(), KEY);
  });

  it('keeps several returns apart', () => {
    const plan = planOf({ 'm.a': [], 'm.b': [] }, { limited: { 'm.a': [KEY], 'm.b': [KEY] } });
    const story = triggered(plan)
      .after(cancelRun())
      .when(returned('m.b', KEY))
      .thenRecords({ type: 'TaskSlotReturned' });

    expectOwed(story.state(), KEY);
  });
});

describe('how an attempt stands to a slot', () => {
  it('is awaited, taken or over', () => {
    const story = triggered(TWO);
    expect(standing(story.state())).toBe('awaited');
    expect(standing(story.state(), 1, QUEUE)).toBe('over');
    expect(standing(story.state(), 2)).toBe('over');
    story.after(grant('m.a', KEY));
    expect(standing(story.state())).toBe('taken');
    expect(standing(story.state(), 1, QUEUE)).toBe('awaited');
    story.after(grant('m.a', QUEUE));
    expect(standing(story.state())).toBe('taken');
    story.after(claim('m.a'));
    expect(standing(story.state())).toBe('taken');
    story.after(succeed('m.a'));
    expect(standing(story.state())).toBe('over');
    expect(standing({ status: 'none' })).toBe('over');
    expect(standing(story.state(), 1, KEY, 'm.x')).toBe('over');
  });

  it('is over for what an attempt of an older plan holds that waits for a narrower one', () => {
    const older = planOf({ 'm.a': [] }, { limited: { 'm.a': ['workspace', QUEUE, KEY] } });
    const story = triggered(older).after(grant('m.a', 'workspace'), grant('m.a', QUEUE));
    expect(standing(story.state(), 1, 'workspace')).toBe('over');
    expect(standing(story.state(), 1, QUEUE)).toBe('over');

    story.when(grant('m.a', 'workspace')).thenRefuses({ code: 'slot_not_awaited' });
    story.after(grant('m.a', KEY));
    expect(standing(story.state(), 1, 'workspace')).toBe('taken');
  });
});

describe('the fold of slots', () => {
  it('takes each event only where it fits', () => {
    const story = triggered(TWO).after(grant('m.a', KEY), grant('m.a', QUEUE), claim('m.a'));
    const asked = story.history().filter(({ type }) => type === 'TaskSlotRequested');
    const before = story.state();

    expect(asked.reduce(runAggregate.evolve, before)).toEqual(before);
    const waitingStory = triggered(TWO).after(grant('m.a', KEY));
    const waitingState = waitingStory.state();
    const again = waitingStory.history().filter(({ type }) => type === 'TaskSlotRequested');
    expect(again.reduce(runAggregate.evolve, waitingState)).toEqual(waitingState);
    const [first, second] = again;
    const blocked = triggered(planOf({ 'm.z': [], 'm.a': ['m.z'] }));
    const misplaced = second && { ...second, data: { ...second.data, taskIndex: 1 } };
    expect(misplaced && runAggregate.evolve(blocked.state(), misplaced)).toBe(blocked.state());
    const placed = first && { ...first, data: { ...first.data, taskIndex: 1 } };
    const asking = placed && runAggregate.evolve(blocked.state(), placed);
    expect(asking).toMatchObject({ tasks: [{}, { status: 'SLOT_WAIT', attempt: 0, reportHash: '' }] });
  });

  it('knows limits by their places in the plan', () => {
    expect(limitsOf(TWO, 0).map(({ limitId }) => limitId)).toEqual([KEY, QUEUE]);
    expect(limitsOf(planOf({ 'm.a': [] }), 0)).toEqual([]);
    const broken = { ...ONE, limits: [] };
    expect(() => limitsOf(broken, 0)).toThrow('limit 0 is not in a plan of 0');
    const { limits: _limits, ...none } = ONE;
    expect(() => limitsOf(none, 0)).toThrow('limit 0 is not in a plan of 0');
    expect(slotWaits({ status: 'none' })).toEqual(new Map());
    const run = triggered(ONE).state();
    const [task] = run.status === 'RUNNING' ? run.tasks : [];
    if (run.status !== 'RUNNING' || task?.status !== 'SLOT_WAIT') expect.fail('the task does not wait');
    const beyond = { ...task, place: 1 };
    expect(() => requestEffect(originOf(run), 0, beyond)).toThrow('task 0 has no limit at place 1');
  });
});
