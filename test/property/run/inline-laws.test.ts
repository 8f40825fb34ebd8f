/** Runs of mixed tasks, some for workers and some for an in-process runner, whatever is lost, late or said twice. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunCommand } from '#domain/run/command.ts';
import { handedOver } from '#domain/run/inline.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { isEnded } from '#domain/run/run.ts';
import type { Run } from '#domain/run/run.ts';
import { waiting } from '#domain/run/waiting.ts';
import {
  claim,
  fail,
  finishInline,
  planOf,
  retry,
  succeed,
  sweep,
  triggered,
} from '#test/support/run-fixtures.ts';
import type { Edges } from '#test/support/run-fixtures.ts';

const TASKS = 7;
const name = (index: number): string => `m.t${index}`;

interface Shape {
  readonly edges: Edges;
  readonly inline: readonly string[];
}

const shapes: fc.Arbitrary<Shape> = fc
  .tuple(
    fc.tuple(
      ...Array.from({ length: TASKS }, (_, index) =>
        fc.subarray(Array.from({ length: index }, (__, upstream) => upstream)),
      ),
    ),
    fc.subarray(Array.from({ length: TASKS }, (_, index) => index)),
  )
  .map(([upstreams, inline]) => ({
    edges: Object.fromEntries(upstreams.map((list, index) => [name(index), list.map(name)])),
    inline: inline.map(name),
  }));

interface Step {
  readonly kind: 'claim' | 'succeed' | 'fail' | 'inline' | 'inline fails' | 'retry' | 'sweep' | 'repeat';
  readonly task: number;
  readonly attempt: number;
  readonly waitMs: number;
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Step['kind']>(
      'claim',
      'succeed',
      'fail',
      'inline',
      'inline',
      'inline fails',
      'retry',
      'sweep',
      'repeat',
    ),
    task: fc.nat(TASKS - 1),
    attempt: fc.integer({ min: 1, max: 3 }),
    waitMs: fc.constantFrom(0, 1, 30_000, 60_000, 330_000),
  }),
  { maxLength: 50 },
);

/** A command for the task, or for the one that is handed over when that is asked for. */
const commandOf = ({ kind, task, attempt }: Step, run: Run, nowMs: number): RunCommand => {
  const key = name(task);
  const handed = handedOver(run)?.task;
  switch (kind) {
    case 'claim':
      return claim(key, 'wk-1', attempt);
    case 'succeed':
      return succeed(key, attempt);
    case 'fail':
      return fail(key, attempt);
    case 'inline':
      return handed ? finishInline(handed.taskKey, handed.attempt) : sweep(nowMs);
    case 'inline fails':
      return handed ? finishInline(handed.taskKey, handed.attempt, 'INFRASTRUCTURE') : sweep(nowMs);
    case 'retry':
      return retry(key, attempt);
    case 'repeat':
    case 'sweep':
      return sweep(nowMs);
  }
};

/** Workers and runner have their own tasks: nobody does the other's. */
const isMeant = (command: RunCommand, inline: readonly string[]): boolean =>
  command.type === 'ClaimTask' || command.type === 'CompleteTask' ? !inline.includes(command.taskKey) : true;

const checkHandedOver = (run: Run, inline: readonly string[]): void => {
  if (run.status !== 'RUNNING') return;
  const ofRunner = run.tasks.filter((_, index) => inline.includes(name(index)));
  const handed = ofRunner.filter(({ status }) => status === 'DISPATCHED').length;
  const ready = ofRunner.filter(({ status }) => status === 'READY').length;
  expect(handed).toBeLessThanOrEqual(1);
  if (ready > 0) expect(handed).toBe(1);
  expect(ofRunner.every(({ status }) => status !== 'RUNNING')).toBe(true);
  const messages = runAggregate.outstanding(run, 0).filter(({ kind }) => kind === 'send-message');
  expect(messages).toHaveLength(handed);
  const open = run.tasks.filter((task) => !isEnded(task)).length;
  const reasons = waiting(run);
  expect(reasons).toHaveLength(open + 1);
  expect(
    reasons.some(({ reason }) => ['worker', 'inline_runner', 'heartbeat', 'retry'].includes(reason)),
  ).toBe(true);
};

/** Plays the script, then lets good workers and a good runner finish what is left. */
const play = ({ edges, inline }: Shape, script: readonly Step[]) => {
  const story = triggered(planOf(edges, { inline, policy: {} }));
  const sent: RunCommand[] = [];
  for (const step of script) {
    story.at(story.nowMs() + step.waitMs);
    const repeated = step.kind === 'repeat' ? sent[step.task % Math.max(1, sent.length)] : undefined;
    const command = repeated ?? commandOf(step, story.state(), story.nowMs());
    if (!isMeant(command, inline)) continue;
    sent.push(command);
    story.when(command);
    checkHandedOver(story.state(), inline);
  }
  for (let turn = 0; turn < 200 && story.state().status === 'RUNNING'; turn++) {
    const run = story.state();
    const handed = handedOver(run)?.task;
    if (handed) story.when(finishInline(handed.taskKey, handed.attempt));
    if ('tasks' in run)
      for (const [index, task] of run.tasks.entries())
        if (task.status === 'DISPATCHED' && !inline.includes(name(index)))
          story.when(succeed(name(index), task.attempt));
    story.at(story.nowMs() + 1_000_000).when(sweep(story.nowMs()));
    checkHandedOver(story.state(), inline);
  }
  return story;
};

describe('a run of mixed tasks', () => {
  it('hands over one task at a time, never forgets one, and ends with each task done once', () => {
    fc.assert(
      fc.property(shapes, steps, (shape, script) => {
        const story = play(shape, script);
        expect(runAggregate.isTerminal(story.state())).toBe(true);
        const ended = story
          .history()
          .filter(
            ({ type, data }) =>
              type === 'TaskSkipped' || (type === 'TaskCompleted' && data['retryAtMs'] === undefined),
          )
          .map(({ data }) => String(data['taskKey']));
        expect([...ended].sort()).toEqual(Object.keys(shape.edges).sort());
        const keys = story.history().map(({ idempotencyKey }) => idempotencyKey);
        expect(new Set(keys).size).toBe(keys.length);
      }),
      { numRuns: 200 },
    );
  });

  it('comes to the same end as if workers did it all', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const mixed = play(shape, []).state();
        const plain = play({ ...shape, inline: [] }, []).state();
        expect(mixed).toMatchObject({ status: 'SUCCEEDED' });
        expect('tasks' in mixed && mixed.tasks.map(({ status }) => status)).toEqual(
          'tasks' in plain && plain.tasks.map(({ status }) => status),
        );
      }),
      { numRuns: 60 },
    );
  });
});
