import { describe, expect, it } from 'vitest';
import { concurrency, runTiming } from '#contracts/runs/limits.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import type { Run, SlotWait } from '#domain/run/run.ts';
import { slotWaits } from '#domain/run/slots.ts';
import { why } from '#domain/run/waiting.ts';
import { folded } from '#test/support/decider.ts';
import {
  START_MS,
  cancelRun,
  grant,
  planOf,
  refused,
  retry,
  runId,
  sweep,
  sweptAt,
  triggered,
} from '#test/support/run-fixtures.ts';

const KEY = 'key:warehouse';
const QUEUE = 'queue:etl';
const ONE = planOf({ 'm.a': [] }, { limited: { 'm.a': [KEY] } });
const TWO = planOf({ 'm.a': [] }, { limited: { 'm.a': [KEY, QUEUE] } });
/** Tasks `m.t0`, `m.t1` and so on, each with a limit of its own. */
const apart = (count: number) => {
  const names = Array.from({ length: count }, (_, index) => `m.t${index}`);
  const limited = Object.fromEntries(names.map((name) => [name, [`key:${name}`]]));
  return { names, plan: planOf(Object.fromEntries(names.map((name) => [name, []])), { limited }) };
};

const effectsOf = (run: Run) => runAggregate.outstanding(run, START_MS);
const waitAt = (run: Run, index = 0): SlotWait => {
  const task = run.status === 'RUNNING' ? run.tasks[index] : undefined;
  return task?.status === 'SLOT_WAIT' ? task : expect.fail('the task does not wait for a slot');
};
const againAtMs = (run: Run, index = 0): number =>
  waitAt(run, index).againAtMs ?? expect.fail('the task was not refused');

describe('an attempt that is refused a slot', () => {
  it('asks again after one to two seconds, then after twice as long each time up to five minutes', () => {
    const story = triggered(ONE);
    for (let refusals = 1; refusals <= 12; refusals++) {
      story
        .when(refused('m.a', KEY, refusals))
        .thenRecords({ type: 'TaskSlotRefused', data: { limitId: KEY, place: 0, sendNo: refusals } });
      const dueMs = againAtMs(story.state());
      const leastMs = Math.min(1_000 * 2 ** (refusals - 1), 150_000);
      expect(dueMs - story.nowMs()).toBeGreaterThanOrEqual(leastMs);
      expect(dueMs - story.nowMs()).toBeLessThan(2 * leastMs);
      expect(2 * leastMs).toBeLessThanOrEqual(concurrency.refusedAgainMaxMs);

      story
        .at(dueMs - 1)
        .when(retry('m.a', 0))
        .thenRefuses({
          code: 'retry_not_due',
          message: 'the retry of m.a is due in 1 ms',
          details: { retryAt: new Date(dueMs).toISOString() },
        });
      story
        .at(dueMs)
        .when(retry('m.a', 0))
        .thenRecords({ type: 'TaskSlotRequested', data: { place: 0, sendNo: refusals + 1 } });
      story.when(retry('m.a', 0)).thenRecordsNothing();
      expect(effectsOf(story.state())).toMatchObject([{ command: { type: 'RequestSlot' } }]);
    }
  });

  it('has its timer at a whole second, and is swept where that is lost', () => {
    const story = triggered(ONE).after(refused('m.a', KEY));
    const dueMs = againAtMs(story.state());
    const fireAtMs = Math.ceil(dueMs / 1_000) * 1_000;

    expect(effectsOf(story.state())).toEqual([
      {
        kind: 'start-execution',
        name: expect.stringMatching(/^ask-[a-z2-7]{26}-1$/) as string,
        machine: 'retry-task',
        input: {
          ...{ runId, tenantId: 'acme', workspaceId: 'prod', taskKey: 'm.a', attempt: 0 },
          retryAt: new Date(fireAtMs).toISOString(),
        },
      },
    ]);
    expect(why(story.state())?.waiting).toContainEqual({
      reason: 'concurrency_limit',
      subject: 'm.a',
      deadlineAt: new Date(dueMs + runTiming.retryGraceMs).toISOString(),
    });
    sweptAt(story, dueMs).thenRecords({ type: 'TaskSlotRequested', data: { sendNo: 2 } });
  });

  it('looks after a request that is lost behind refusals as soon as after the first one', () => {
    const story = triggered(ONE);
    for (let refusals = 1; refusals <= 8; refusals++) {
      story.after(refused('m.a', KEY, refusals));
      story.at(againAtMs(story.state())).after(retry('m.a', 0));
    }
    const dueMs = story.nowMs() + concurrency.askAgainMs;

    sweptAt(story, dueMs).thenRecords({ type: 'TaskSlotRequested', data: { sendNo: 10 } });
    story
      .after(refused('m.a', KEY, 10), grant('m.a', KEY))
      .when(retry('m.a', 0))
      .thenRecordsNothing();
  });

  it('heeds the refusal of its last request alone, and once, and starts anew with its next limit', () => {
    const story = triggered(TWO);
    for (const stale of [
      refused('m.x', KEY),
      refused('m.a', 'workspace'),
      refused('m.a', QUEUE),
      refused('m.a', KEY, 2),
      refused('m.a', KEY, 1, 2),
    ])
      story.when(stale).thenRecordsNothing();
    story.after(refused('m.a', KEY)).when(refused('m.a', KEY)).thenRecordsNothing();

    story.after(grant('m.a', KEY));
    expect(effectsOf(story.state())).toMatchObject([{ command: { type: 'RequestSlot' } }]);
    expect(waitAt(story.state())).toMatchObject({ place: 1, refusals: 0 });
    story.when(refused('m.a', KEY)).thenRecordsNothing();
    story.after(refused('m.a', QUEUE));
    expect(againAtMs(story.state()) - START_MS).toBeLessThan(2_000);
    const facts = story.history().filter(({ type }) => type === 'TaskSlotRefused');
    expect(facts.reduce(runAggregate.evolve, story.state())).toEqual(story.state());
    story.after(grant('m.a', QUEUE)).when(refused('m.a', QUEUE)).thenRecordsNothing();
    expect(facts.reduce(runAggregate.evolve, story.state())).toEqual(story.state());
  });

  it('is forgotten by the timer when its run is stopped', () => {
    const story = triggered(ONE).after(refused('m.a', KEY), cancelRun());

    expect(effectsOf(story.state())).toMatchObject([{ command: { type: 'ReleaseSlot' } }]);
    story
      .at(START_MS + 2_000)
      .when(retry('m.a', 0))
      .thenRecordsNothing();
  });

  it('asked again after minutes in histories of earlier versions', () => {
    const story = triggered(ONE);
    for (const [index, minutes] of [1, 2, 4, 5, 5].entries()) {
      const askedAtMs = story.nowMs();
      story.at(askedAtMs + 30).after(refused('m.a', KEY, index + 1));
      const earlier = story.history().map((event) => {
        const { askAgainAtMs: _new, ...data } = event.data;
        return { ...event, data };
      });
      const refolded = folded(runAggregate, earlier);
      expect(waitAt(refolded)).toMatchObject({
        refusals: index + 1,
        againAtMs: askedAtMs + minutes * 60_000,
      });
      story.at(againAtMs(story.state())).after(retry('m.a', 0));
    }
  });
});

describe('attempts of a run that are refused at one time', () => {
  it('come back apart, and share one timer that asks for all that are due', () => {
    const { names, plan } = apart(20);
    const story = triggered(plan).after(...names.map((name) => refused(name, `key:${name}`)));
    const dues = names.map((_, index) => againAtMs(story.state(), index));
    expect(new Set(dues).size).toBeGreaterThan(15);
    const firstMs = Math.min(...dues);
    const timers = effectsOf(story.state());
    expect(timers).toMatchObject([{ input: { taskKey: names[dues.indexOf(firstMs)] } }]);

    const fireAtMs = firstMs + 500;
    const due = names.filter((_, index) => (dues[index] ?? 0) <= fireAtMs);
    expect(due.length).toBeGreaterThan(1);
    expect(due.length).toBeLessThan(names.length);
    story
      .at(fireAtMs)
      .when(retry(names[dues.indexOf(firstMs)] ?? '', 0))
      .thenRecords(...due.map((taskKey) => ({ type: 'TaskSlotRequested', data: { taskKey } })));
    const next = effectsOf(story.state()).filter(({ kind }) => kind === 'start-execution');
    expect(next).toHaveLength(1);
    expect(next).not.toEqual(timers);
  });

  it('ask in several commits where one has no room for all', () => {
    const { names, plan } = apart(405);
    const story = triggered(plan);
    story.after(sweep(START_MS), ...names.map((name) => refused(name, `key:${name}`)));
    story.at(START_MS + 2_000);

    expect(story.when(retry('m.t0', 0)).events).toHaveLength(400);
    expect(story.when(sweep(START_MS + 2_000)).events).toHaveLength(5);
    expect(slotWaits(story.state()).size).toBe(405);
  });
});
