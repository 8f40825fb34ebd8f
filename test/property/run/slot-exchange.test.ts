/** Laws of runs and limits together, whatever the order in which their words come, and however often each. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#contracts/event.ts';
import { RunId, TaskKey } from '#contracts/ids.ts';
import type { Aggregate, ProposedEvent } from '#domain/kernel/aggregate.ts';
import type { Addressed, IssueCommand } from '#domain/kernel/effect.ts';
import { attemptId, planId } from '#domain/kernel/ids.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import type { Limit } from '#domain/limit/limit.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runStream } from '#domain/run/run-stream.ts';
import type { Run } from '#domain/run/run.ts';
import { recorded } from '#test/support/decider.ts';
import { cancelRun, planOf, scope, START_MS, triggerOf, worker } from '#test/support/run-fixtures.ts';

const RUNS = 3;
const TASKS = ['m.a', 'm.b'];
const LIMITS = ['key:warehouse', 'queue:etl'];
const plan = planOf(
  { 'm.a': [], 'm.b': [] },
  {
    limited: { 'm.a': LIMITS, 'm.b': LIMITS },
    policy: { retry: { maxAttempts: 1, baseMs: 0, factor: 1, maxMs: 0, jitterMs: 0 } },
  },
);

type Opaque = Aggregate<unknown, { readonly type: string }, ProposedEvent>;
type Word = Addressed & Pick<IssueCommand, 'ifDone' | 'ifRefused'>;

interface Stream {
  readonly aggregate: Opaque;
  state: unknown;
  readonly history: RecordedEvent[];
}

/** Streams that decide what they are told, and the words that are under way between them. */
const world = () => {
  const streams = new Map<string, Stream>();
  const underWay: Word[] = [];
  const streamOf = (stream: string): Stream => {
    const aggregate = (stream.startsWith('run#') ? runAggregate : limitAggregate) as unknown as Opaque;
    const known = streams.get(stream) ?? { aggregate, state: aggregate.initialState(), history: [] };
    streams.set(stream, known);
    return known;
  };
  const owed = ({ aggregate, state }: Stream): readonly IssueCommand[] =>
    aggregate.outstanding(state, START_MS).filter((effect) => effect.kind === 'issue-command');
  const tell = ({ stream, command, ifDone, ifRefused }: Word): void => {
    const one = streamOf(stream);
    const before = new Set(owed(one).map(({ name }) => name));
    const decision = one.aggregate.decide(command, one.state, { nowMs: START_MS, stream });
    const reply = decision.kind === 'rejected' ? ifRefused : ifDone;
    if (reply) underWay.push(reply);
    if (decision.kind === 'rejected') return;
    const events = recorded(decision.events, { stream, version: one.history.length, nowMs: START_MS });
    one.history.push(...events);
    one.state = events.reduce((state, event) => one.aggregate.evolve(state, event), one.state);
    underWay.push(...owed(one).filter(({ name }) => !before.has(name)));
  };
  const limits = (): readonly Limit[] =>
    LIMITS.map((id) => streamOf(`limit#${scope.tenantId}/${scope.workspaceId}/${id}`).state as Limit);
  return { streamOf, underWay, tell, limits, owed: () => [...streams.values()].flatMap(owed) };
};

const runIds = Array.from({ length: RUNS }, (_, index) =>
  RunId.parse(`run_${String(index).padStart(26, '0')}`),
);
const ofRun = (index: number): string => runStream({ ...scope, runId: runIds[index % RUNS] ?? '' });

const ids = (index: number, taskKey: string) => {
  const runId = runIds[index % RUNS] ?? '';
  return { attempt: 1, attemptId: attemptId({ runId, taskKey, attempt: 1 }), workerId: worker('wk-1') };
};

const statuses = (run: Run): readonly string[] =>
  run.status === 'none' || run.status === 'TRIGGERED' ? [] : run.tasks.map(({ status }) => status);

/** Attempts that were handed out and have not ended. */
const atWork = ({ streamOf }: ReturnType<typeof world>): number =>
  runIds
    .flatMap((_, index) => statuses(streamOf(ofRun(index)).state as Run))
    .filter((status) => status === 'DISPATCHED' || status === 'RUNNING').length;

const held = (limit: Limit | undefined): number => (limit?.status === 'open' ? limit.slots.length : 0);

const trigger = (index: number) => {
  const runId = runIds[index] ?? runIds[0];
  if (runId === undefined) throw new Error('there are no runs');
  return { ...triggerOf(plan, { runId, planId: planId(runId) }) };
};

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('deliver', 'deliver twice'), at: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('claim', 'succeed', 'fail'), at: fc.nat() }) },
  fc.record({ kind: fc.constant('cancel'), at: fc.nat() }),
);

describe('runs that share limits', () => {
  it('have no more at work than the limits allow, and hold nothing once all is said', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const all = world();
        const { underWay, tell } = all;
        runIds.forEach((_, index) => tell({ stream: ofRun(index), command: trigger(index) }));
        const move = (kind: string, at: number): void => {
          const taskKey = TaskKey.parse(TASKS[at % TASKS.length]);
          const stream = ofRun(Math.floor(at / TASKS.length));
          const place = ids(Math.floor(at / TASKS.length), taskKey);
          if (kind === 'claim') tell({ stream, command: { type: 'ClaimTask', taskKey, ...place } });
          else if (kind === 'cancel') tell({ stream, command: { ...cancelRun() } });
          else if (kind === 'succeed' || kind === 'fail')
            tell({
              stream,
              command: {
                type: 'CompleteTask',
                taskKey,
                report: { ...place, outcome: kind === 'fail' ? 'FAILED' : 'SUCCEEDED' },
              },
            });
          else if (underWay.length > 0) {
            const index = at % underWay.length;
            const word = kind === 'deliver' ? underWay.splice(index, 1)[0] : underWay[index];
            if (word) tell(word);
          }
          // Who is at work holds a slot of each limit, and no limit has granted more than one.
          for (const limit of all.limits()) expect(held(limit)).toBeLessThanOrEqual(1);
          expect(atWork(all)).toBeLessThanOrEqual(Math.min(...all.limits().map(held)));
        };
        for (const { kind, at } of steps) move(kind, at);

        for (let rounds = 0; rounds < 200 && (underWay.length > 0 || atWork(all) > 0); rounds++) {
          while (underWay.length > 0) move('deliver', 0);
          for (let at = 0; at < RUNS * TASKS.length; at++) move('succeed', at);
        }
        for (const [index] of runIds.entries())
          expect(runAggregate.isTerminal(all.streamOf(ofRun(index)).state as Run)).toBe(true);
        // A limit that nobody came to ask is none yet.
        for (const limit of all.limits().filter(({ status }) => status === 'open'))
          expect(limit).toMatchObject({ slots: [], waiters: [] });
        expect(all.owed()).toEqual([]);
      }),
      { numRuns: 120, examples: [[[0, 2, 4].map((at) => ({ kind: 'cancel', at }))]] },
    );
  });
});
