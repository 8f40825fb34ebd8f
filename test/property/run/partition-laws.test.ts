/** The row of a partition is what the ends of attempts say, in whatever order and however often they arrive. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#contracts/event.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import type { SharedContent } from '#domain/kernel/projection.ts';
import { partitionRows } from '#domain/run/partition-rows.ts';
import { recorded } from '#test/support/decider.ts';

interface End {
  readonly run: number;
  readonly sequence: number;
  readonly atMs: number;
  readonly outcome: 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT';
}

/** Few runs, sequences and instants, so that ties of each kind are common. */
const ends = fc.uniqueArray(
  fc.record<End>({
    run: fc.integer({ min: 0, max: 2 }),
    sequence: fc.integer({ min: 1, max: 12 }),
    atMs: fc.integer({ min: 0, max: 3 }),
    outcome: fc.constantFrom('SUCCEEDED', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'TIMED_OUT'),
  }),
  { minLength: 1, maxLength: 12, selector: ({ run, sequence }) => `${run}/${sequence}` },
);

const runIdOf = (run: number): string => `run_${String(run).padStart(26, '0')}`;

const eventOf = ({ run, sequence, atMs, outcome }: End): RecordedEvent => {
  const [event] = recorded(
    [
      {
        type: 'TaskCompleted',
        idempotencyKey: 'k',
        data: {
          taskIndex: 0,
          taskKey: 'm.a',
          attempt: sequence,
          outcome,
          assetKey: 'm.a',
          partitionKey: 'date=d:2026-01-02',
          ...(sequence % 2 === 0 ? { output: { deltaTable: 'm.a', deltaVersion: sequence } } : {}),
        },
      },
    ],
    { stream: `run#acme/prod/${runIdOf(run)}`, version: sequence - 1, nowMs: atMs },
  );
  if (!event) throw new Error('one event was recorded');
  return event;
};

const said = (end: End): SharedContent => {
  const [statement, ...others] = partitionRows.statements(eventOf(end));
  if (!statement || others.length > 0) throw new Error('an end says one thing of one partition');
  return { version: statement.version, data: statement.data };
};

const mergeAll = (contents: readonly SharedContent[]): SharedContent => contents.reduce(partitionRows.merge);

const text = (content: SharedContent): string => canonicalJson(content);

/** The greatest by time, then run, then place in the run; written without the code under test. */
const latest = (of: readonly End[]): End | undefined =>
  [...of]
    .sort((one, other) => one.atMs - other.atMs || one.run - other.run || one.sequence - other.sequence)
    .at(-1);

describe('the row of a partition', () => {
  it('is the same in any order and with any repetition', () => {
    const deliveries = ends.chain((given) =>
      fc.tuple(
        fc.constant(given),
        fc.shuffledSubarray([...given, ...given], { minLength: 0 }).map((some) => [...some]),
      ),
    );
    fc.assert(
      fc.property(deliveries, ([given, some]) => {
        const inOrder = mergeAll(given.map(said));
        const delivered = mergeAll([...some, ...[...given].reverse()].map(said));

        expect(text(delivered)).toBe(text(inOrder));
      }),
    );
  });

  it('is the same however partial rows are merged, and takes what it already says without a change', () => {
    const places = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(ends, places, (given, part) => {
        // The first end is in all parts, so that none is empty and they overlap.
        const partOf = (wanted: number): SharedContent =>
          mergeAll(given.filter((_, index) => index === 0 || part[index] === wanted).map(said));
        const [a, b, c] = [partOf(0), partOf(1), partOf(2)];
        const { merge } = partitionRows;

        expect(text(merge(merge(a, b), c))).toBe(text(merge(a, merge(b, c))));
        expect(text(merge(a, b))).toBe(text(merge(b, a)));
        expect(merge(a, a)).toBe(a);
      }),
    );
  });

  it('has the last attempt of all and the last success of all, each by its own instant', () => {
    fc.assert(
      fc.property(ends, (given) => {
        const { data } = mergeAll(given.map(said));
        const attempt = latest(given);
        const success = latest(given.filter(({ outcome }) => outcome === 'SUCCEEDED'));

        expect(data['lastAttemptRunId']).toBe(attempt && runIdOf(attempt.run));
        expect(data['lastAttemptOutcome']).toBe(attempt?.outcome.toLowerCase());
        expect(data['lastMaterializationRunId']).toBe(success && runIdOf(success.run));
        expect(data['executionLineageRef']).toBe(success && said(success).data['executionLineageRef']);
        expect(data['deltaVersion']).toBe(success && said(success).data['deltaVersion']);
      }),
    );
  });
});
