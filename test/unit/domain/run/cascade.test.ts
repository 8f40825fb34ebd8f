/** What a change asks of hundreds of tasks at once: a bounded part with each commit, and all of it in the end. */
import { describe, expect, it } from 'vitest';
import type { RunCommand } from '#domain/run/command.ts';
import { outstanding } from '#domain/run/outstanding.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { originOf } from '#domain/run/run.ts';
import type { PlannedRun } from '#domain/run/run.ts';
import { waiting } from '#domain/run/waiting.ts';
import {
  START_MS,
  beat,
  cancelRun,
  claim,
  fail,
  planOf,
  start,
  succeed,
  sweep,
  triggered,
} from '#test/support/run-fixtures.ts';

const EVENTS_MAX = 400;
/** Events besides those of the tasks: what was asked for, what is handed out, the end. */
const OTHERS_MAX = 310;
const leaves = Array.from({ length: 450 }, (_, index) => `m.t${index}`);
const fan = () =>
  triggered(planOf({ 'm.root': [], ...Object.fromEntries(leaves.map((name) => [name, ['m.root']])) }));
type Story = ReturnType<typeof fan>;

const run = (story: Story): PlannedRun => {
  const state = story.state();
  if (state.status === 'none' || state.status === 'TRIGGERED') throw new Error('the run has a plan');
  return state;
};
const statusOf = (story: Story, taskKey: string) =>
  run(story).tasks[originOf(run(story)).indexByKey.get(taskKey) ?? -1]?.status;
const statuses = (story: Story): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { status } of run(story).tasks) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};
const owed = (story: Story) =>
  outstanding(story.state()).flatMap((effect) =>
    effect.kind === 'issue-command' && effect.stream === runStream(originOf(run(story)).header)
      ? [effect]
      : [],
  );

/** Does what the run owes itself until it owes nothing, and tells how many events each commit had. */
const goOn = (story: Story, by: 'command' | 'sweep' = 'command'): readonly number[] => {
  const sizes: number[] = [];
  const names = new Set<string>();
  for (let effects = owed(story); effects.length > 0; effects = owed(story)) {
    const [effect] = effects;
    if (!effect || effects.length > 1) throw new Error('one command at a time');
    // A name that comes again would be dropped as a repeat.
    expect(names).not.toContain(effect.name);
    names.add(effect.name);
    expect(Math.min(...waiting(story.state()).map(({ deadlineMs }) => deadlineMs))).toBe(START_MS);
    const before = story.history().length;
    story.after(by === 'command' ? (effect.command as unknown as RunCommand) : sweep(START_MS));
    sizes.push(story.history().length - before);
  }
  return sizes;
};

describe('a run of hundreds of tasks', () => {
  it.each(['command', 'sweep'] as const)('skips behind a failure part by part, by its own %s', (by) => {
    const story = fan().after(claim('m.root'));
    const before = story.history().length;
    story.after(fail('m.root', 1, 'DATA_QUALITY'));

    const sizes = [story.history().length - before, ...goOn(story, by)];

    expect(sizes).toHaveLength(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(EVENTS_MAX + OTHERS_MAX);
    expect(statuses(story)).toEqual({ FAILED: 1, SKIPPED: 450 });
    expect(run(story).status).toBe('FAILED');
  });

  it('is cancelled part by part, and hands nothing out meanwhile', () => {
    const story = fan().after(claim('m.root'), succeed('m.root'));
    goOn(story);
    const handedOut = () => story.history().filter(({ type }) => type === 'TaskDispatched').length;
    const before = handedOut();

    story.after(cancelRun());
    expect(run(story).status).toBe('RUNNING');
    goOn(story);

    expect(statuses(story)).toEqual({ SUCCEEDED: 1, CANCELLED: 450 });
    expect(run(story).status).toBe('CANCELLED');
    expect(handedOut()).toBe(before);
  });

  it('readies what follows a success part by part, and hands out no more than its window', () => {
    const story = fan().after(claim('m.root'), succeed('m.root'));
    const sizes = goOn(story);

    expect(sizes.length).toBeGreaterThan(0);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(EVENTS_MAX + OTHERS_MAX);
    expect(statuses(story)).toEqual({ SUCCEEDED: 1, DISPATCHED: 100, READY: 350 });
  });

  it('gives up as many silent attempts with a sweep as one commit takes, and the others with the next', () => {
    const story = fan().after(claim('m.root'), succeed('m.root'));
    goOn(story);
    story.after(...leaves.map((name) => claim(name)));
    expect(statuses(story)).toEqual({ SUCCEEDED: 1, RUNNING: 450 });
    const lateMs = START_MS + 3_600_000;

    const counts = [1, 2].map(() => {
      story.at(lateMs).after(sweep(lateMs));
      return statuses(story)['RUNNING'] ?? 0;
    });

    expect(counts).toEqual([50, 0]);
  });
});

it('owes itself nothing when it is small, or when all of it had room', () => {
  expect(owed(fan())).toEqual([]);
  const small = triggered(planOf({ 'm.a': [], 'm.b': ['m.a'] }));
  expect(owed(small.after(cancelRun()))).toEqual([]);
  const names = Array.from({ length: 399 }, (_, index) => `m.t${index}`);
  const whole = triggered(
    planOf({ 'm.root': [], ...Object.fromEntries(names.map((name) => [name, ['m.root']])) }),
  ).after(claim('m.root'), fail('m.root', 1, 'DATA_QUALITY'));
  expect(owed(whole)).toEqual([]);
  expect(run(whole).status).toBe('FAILED');
});

it('makes room in the window with a beat that starts an attempt, as with a start', () => {
  const names = Array.from({ length: 101 }, (_, index) => `m.t${index}`);
  const full = () => triggered(planOf(Object.fromEntries(names.map((name) => [name, []]))));

  expect(statusOf(full(), 'm.t100')).toBe('READY');
  for (const begin of [start('m.t0'), beat('m.t0')])
    expect(statusOf(full().after(begin), 'm.t100')).toBe('DISPATCHED');
});
