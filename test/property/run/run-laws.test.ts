/** Laws of a run that hold whatever workers, queues and clocks do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#contracts/event.ts';
import { runTiming, taskDefaults } from '#contracts/runs/limits.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import type { RunCommand } from '#domain/run/command.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { isEnded } from '#domain/run/run.ts';
import type { Run } from '#domain/run/run.ts';
import { stateOf } from '#domain/run/run-state.ts';
import { runDetail } from '#domain/run/run-detail.ts';
import { waiting } from '#domain/run/waiting.ts';
import { folded, reloaded } from '#test/support/decider.ts';
import {
  beat,
  cancel,
  cancelRun,
  claim,
  fail,
  planOf,
  publish,
  retry,
  start,
  succeed,
  sweep,
  triggered,
} from '#test/support/run-fixtures.ts';
import type { Edges } from '#test/support/run-fixtures.ts';

const name = (index: number): string => `m.t${index}`;

/** Graphs of up to 8 tasks; edges point backwards, so they are never cyclic. */
const graphs: fc.Arbitrary<Edges> = fc
  .integer({ min: 1, max: 8 })
  .chain((count) =>
    fc.tuple(
      ...Array.from({ length: count }, (_, index) =>
        fc.subarray(Array.from({ length: index }, (__, i) => i)),
      ),
    ),
  )
  .map((upstreams) => Object.fromEntries(upstreams.map((list, index) => [name(index), list.map(name)])));

/** Plans of such graphs, with any rules and limits. */
const plans: fc.Arbitrary<Planned> = fc
  .record({
    edges: graphs,
    rules: fc.array(fc.constantFrom(undefined, 'all_done', 'one_success', 'none_failed', 'always' as const), {
      minLength: 8,
      maxLength: 8,
    }),
    attemptTimeoutSec: fc.constantFrom(undefined, undefined, 60, 600),
    timeoutSec: fc.constantFrom(undefined, undefined, 30, 3_600),
  })
  .map(({ edges, rules, attemptTimeoutSec, timeoutSec }) => ({
    edges,
    plan: planOf(edges, {
      policy: attemptTimeoutSec === undefined ? {} : { attemptTimeoutSec },
      rules: Object.fromEntries(
        rules.flatMap((rule, index) => (rule === undefined ? [] : [[name(index), rule]])),
      ),
    }),
    header: timeoutSec === undefined ? {} : { timeoutSec },
  }));

interface Planned {
  readonly edges: Edges;
  readonly plan: Plan;
  readonly header: { readonly timeoutSec?: number };
}

interface Step {
  readonly kind:
    | 'claim'
    | 'start'
    | 'beat'
    | 'succeed'
    | 'fail'
    | 'fatal'
    | 'cancel'
    | 'retry'
    | 'stop'
    | 'publish'
    | 'sweep'
    | 'repeat';
  readonly task: number;
  readonly attempt: number;
  readonly worker: string;
  readonly waitMs: number;
  readonly isLost: boolean;
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Step['kind']>(
      'claim',
      'claim',
      'start',
      'beat',
      'succeed',
      'succeed',
      'fail',
      'fatal',
      'cancel',
      'retry',
      'stop',
      'publish',
      'sweep',
      'sweep',
      'repeat',
    ),
    task: fc.nat(7),
    attempt: fc.integer({ min: 1, max: 3 }),
    worker: fc.constantFrom('wk-1', 'wk-2'),
    waitMs: fc.constantFrom(0, 1, 2, 29_999, 30_000, 60_000, 330_000, 2_000_000),
    isLost: fc.boolean(),
  }),
  { maxLength: 60 },
);

const VISIBILITIES = ['PENDING', 'VISIBLE', 'FAILED'] as const;

const commandOf = (step: Step, nowMs: number, sent: readonly RunCommand[]): RunCommand => {
  const task = name(step.task);
  switch (step.kind) {
    case 'claim':
      return claim(task, step.worker, step.attempt);
    case 'start':
      return start(task, step.worker, step.attempt);
    case 'beat':
      return beat(task, { attempt: step.attempt });
    case 'succeed':
      return succeed(task, step.attempt);
    case 'fail':
      return fail(task, step.attempt);
    case 'fatal':
      return fail(task, step.attempt, 'DATA_QUALITY');
    case 'cancel':
      return cancel(task);
    case 'retry':
      return retry(task, step.attempt);
    case 'stop':
      return cancelRun();
    case 'publish':
      return publish(task, VISIBILITIES[step.waitMs % 3] ?? 'PENDING', { attempt: step.attempt });
    case 'sweep':
      return sweep(nowMs, ...(step.isLost ? [task] : []));
    case 'repeat':
      return sent[step.task % Math.max(1, sent.length)] ?? sweep(nowMs);
  }
};

const ENDING = new Set(['TaskSkipped', 'TaskCancelled', 'TaskStopped', 'TaskCompleted']);

/** Events that end a task for good. */
const endings = (events: readonly RecordedEvent[]) =>
  events.filter(({ type, data }) => ENDING.has(type) && data['retryAtMs'] === undefined);

const checkOpen = (run: Run): void => {
  if (run.status !== 'RUNNING') {
    // A run that has ended waits at most for its outputs.
    expect(waiting(run).every(({ reason }) => reason === 'visibility')).toBe(true);
    expect(runAggregate.isTerminal(run)).toBe(waiting(run).length === 0);
    return;
  }
  const open = run.tasks.filter((task) => !isEnded(task)).length;
  const reasons = waiting(run);
  expect(reasons.filter(({ reason }) => reason !== 'deadline')).toHaveLength(open + 1);
  expect(reasons.every(({ deadlineMs }) => Number.isSafeInteger(deadlineMs))).toBe(true);
  // Something is always under way: nothing waits for a thing that will not come.
  expect(reasons.some(({ reason }) => ['worker', 'heartbeat', 'retry', 'cancel'].includes(reason))).toBe(
    true,
  );
  const names = runAggregate.outstanding(run, 0).map((effect) => effect.name);
  expect(new Set(names).size).toBe(names.length);
};

/** Plays random steps and then good workers until the run has ended. */
const play = ({ plan, header }: Planned, script: readonly Step[]) => {
  const story = triggered(plan, header);
  const sent: RunCommand[] = [];
  for (const step of script) {
    story.at(story.nowMs() + step.waitMs);
    const command = commandOf(step, story.nowMs(), sent);
    sent.push(command);
    story.when(command);
    checkOpen(story.state());
  }
  for (let turn = 0; turn < 200; turn++) {
    const run = story.state();
    if (run.status !== 'RUNNING') break;
    story.at(story.nowMs() + 1_000_000).when(sweep(story.nowMs()));
    for (const [index, task] of run.tasks.entries()) {
      if (task.status === 'DISPATCHED') story.when(succeed(name(index), task.attempt));
    }
  }
  story.at(story.nowMs() + runTiming.visibilityMs).when(sweep(story.nowMs()));
  return { story, sent };
};

describe('a run under any behaviour', () => {
  it('ends, each task once, each attempt with at most one outcome', () => {
    fc.assert(
      fc.property(plans, steps, (planned, script) => {
        const { story } = play(planned, script);
        const run = story.state();
        expect(runAggregate.isTerminal(run)).toBe(true);
        const ended = endings(story.history()).map(({ data }) => data['taskKey']);
        expect([...ended].sort()).toEqual(Object.keys(planned.edges).sort());
        const keys = story.history().map(({ idempotencyKey }) => idempotencyKey);
        const once = keys.filter((key) => !key.startsWith('heartbeat:'));
        expect(new Set(once).size).toBe(once.length);
        const last = story.history().findLast(({ type }) => type !== 'OutputVisibilityChanged');
        expect(last?.type).toBe('RunCompleted');
      }),
      { numRuns: 150 },
    );
  });

  it('absorbs everything once it has ended but the first word on an output', () => {
    fc.assert(
      fc.property(plans, steps, (planned, script) => {
        const { story, sent } = play(planned, script);
        const before = runAggregate.encodeState(story.state());
        const count = story.history().length;
        for (const command of sent) if (command.type !== 'ReportOutputVisibility') story.when(command);
        expect(runAggregate.encodeState(story.state())).toBe(before);
        expect(story.history()).toHaveLength(count);
      }),
      { numRuns: 60 },
    );
  });

  it('is not changed by repeating any command at once', () => {
    fc.assert(
      fc.property(plans, steps, (planned, script) => {
        const story = triggered(planned.plan, planned.header);
        for (const step of script) {
          story.at(story.nowMs() + step.waitMs);
          const command = commandOf(step, story.nowMs(), []);
          story.when(command);
          const before = runAggregate.encodeState(story.state());
          expect(story.when(command).events).toEqual([]);
          expect(runAggregate.encodeState(story.state())).toBe(before);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('folds the same from any prefix packed and read back, and with every event twice', () => {
    fc.assert(
      fc.property(plans, steps, fc.nat(), (planned, script, cut) => {
        const { story } = play(planned, script);
        const history = story.history();
        const at = cut % (history.length + 1);
        const whole = folded(runAggregate, history);
        const prefix = reloaded(
          runAggregate,
          folded(runAggregate, history.slice(0, at)),
          history.slice(0, 2),
        );
        const rest = history.slice(at).reduce((state, event) => runAggregate.evolve(state, event), prefix);
        expect(rest).toEqual(whole);
        expect(
          folded(
            runAggregate,
            history.flatMap((event) => [event, event]),
          ),
        ).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });

  it('is not changed by an event that arrives again later', () => {
    fc.assert(
      fc.property(plans, steps, fc.nat(), fc.nat(), (planned, script, one, other) => {
        const history = play(planned, script).story.history();
        const at = one % (history.length + 1);
        const late = history.slice(0, at).slice(other % Math.max(1, at), (other % Math.max(1, at)) + 1);
        const disturbed = [...history.slice(0, at), ...late, ...history.slice(at)];
        expect(folded(runAggregate, disturbed)).toEqual(folded(runAggregate, history));
      }),
      { numRuns: 200 },
    );
  });

  it('shows the state its fold has, and an end exactly when that is over', () => {
    fc.assert(
      fc.property(plans, steps, fc.nat(), (planned, script, cut) => {
        const history = play(planned, script).story.history();
        const known = history.slice(0, 2 + (cut % history.length));
        const run = folded(runAggregate, known);
        const read = runDetail(known);
        if (run.status === 'none') throw new Error('a triggered run is there');
        expect(read?.state).toBe(stateOf(run));
        expect(read?.completedAt !== undefined).toBe(runAggregate.isTerminal(run));
      }),
      { numRuns: 100 },
    );
  });

  it('shows counts that always add up to its tasks', () => {
    fc.assert(
      fc.property(plans, steps, fc.nat(), (planned, script, cut) => {
        const history = play(planned, script).story.history();
        const read = runDetail(history.slice(0, 2 + (cut % history.length)));
        const { total, ...byState } = read?.taskCounts ?? { total: -1 };
        expect(total).toBe(Object.keys(planned.edges).length);
        expect(Object.values(byState).reduce<number>((sum, count = 0) => sum + count, 0)).toBe(total);
        for (const task of read?.tasks ?? []) {
          if (task.state === 'SKIPPED') expect(task.skipAttribution).toBeDefined();
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('a run that is being stopped', () => {
  it('ends within its graces although nobody ever reports again', () => {
    fc.assert(
      fc.property(plans, steps, (planned, script) => {
        const story = triggered(planned.plan, planned.header);
        for (const step of script) {
          story.at(story.nowMs() + step.waitMs);
          story.when(commandOf(step, story.nowMs(), []));
        }
        if (story.state().status !== 'RUNNING') return;
        story.when(cancelRun());
        story.at(story.nowMs() + taskDefaults.cancelGraceSec * 1_000 + runTiming.cleanupGraceMs);
        story.when(sweep(story.nowMs()));
        expect(['CANCELLED', 'TIMED_OUT']).toContain(story.state().status);
      }),
      { numRuns: 100 },
    );
  });

  it('starts no attempt but of the rule always', () => {
    fc.assert(
      fc.property(plans, steps, (planned, script) => {
        const { story } = play(planned, script);
        const at = story
          .history()
          .findIndex(({ type }) => /^Run(CancelRequested|DeadlinePassed)$/.test(type));
        if (at < 0) return;
        const started = story
          .history()
          .slice(at)
          .filter(({ type }) => type === 'TaskDispatched');
        const rules = new Map(planned.plan.tasks.map(({ key, triggerRule }) => [key as string, triggerRule]));
        for (const { data } of started) expect(rules.get(String(data['taskKey']))).toBe('always');
      }),
      { numRuns: 100 },
    );
  });
});

describe('the outcome', () => {
  it('does not depend on the order in which tasks complete', () => {
    const verdicts = fc.array(fc.constantFrom('succeed', 'succeed', 'fatal', 'cancel'), {
      minLength: 8,
      maxLength: 8,
    });
    const orders = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8, maxLength: 8 });
    const outcome = (edges: Edges, plan: readonly string[], order: readonly number[]) => {
      const story = triggered(planOf(edges));
      for (let turn = 0; turn < 8; turn++) {
        for (const index of order) {
          const run = story.state();
          if (run.status !== 'RUNNING' || run.tasks[index]?.status !== 'DISPATCHED') continue;
          const verdict = plan[index];
          const reports = { succeed: succeed(name(index)), fatal: fail(name(index), 1, 'DATA_QUALITY') };
          story.after(verdict === 'succeed' || verdict === 'fatal' ? reports[verdict] : cancel(name(index)));
        }
      }
      const read = runDetail(story.history());
      return { state: read?.state, reason: read?.outcomeReason };
    };
    fc.assert(
      fc.property(graphs, verdicts, orders, orders, (edges, plan, one, other) => {
        expect(outcome(edges, plan, one)).toEqual(outcome(edges, plan, other));
      }),
      { numRuns: 100 },
    );
  });
});

describe('runs of every size', () => {
  it.each([1, 10, 500])('end when their %i tasks have', (count) => {
    const edges = Object.fromEntries(
      Array.from({ length: count }, (_, index) => [name(index), index % 10 === 0 ? [] : [name(index - 1)]]),
    );
    const story = triggered(planOf(edges));
    let claims = 0;
    for (let run = story.state(); run.status === 'RUNNING'; run = story.state()) {
      const index = run.tasks.findIndex(({ status }) => status === 'DISPATCHED');
      story.after(claim(name(index)), succeed(name(index)));
      claims += 1;
    }
    expect(claims).toBe(count);
    expect(story.state().status).toBe('SUCCEEDED');
    expect(runDetail(story.history())?.taskCounts).toMatchObject({ total: count, succeeded: count });
  });
});
