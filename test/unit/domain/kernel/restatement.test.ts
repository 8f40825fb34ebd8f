import { describe, expect, it } from 'vitest';
import type { Aggregate, ProposedEvent } from '#domain/kernel/aggregate.ts';
import { prepareCommit } from '#domain/kernel/commit.ts';
import { emptyStream, foldTail } from '#domain/kernel/stream.ts';
import type { StreamState } from '#domain/kernel/stream.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import { counter, counterStream } from '#test/support/counter.ts';
import type { Counter, CounterCommand } from '#test/support/counter.ts';

const restating: Aggregate<Counter, CounterCommand, ProposedEvent> = {
  ...counter,
  eventTypes: new Set([...counter.eventTypes, 'Restated']),
  evolve: (state, event) =>
    event.type === 'Restated'
      ? { total: Number(event.data['total']), isClosed: false }
      : counter.evolve(state, event),
  restatement: {
    type: 'Restated',
    of: ({ total }, sequence) =>
      total === 0 ? undefined : { type: 'Restated', idempotencyKey: `restated:${sequence}`, data: { total } },
  },
};

/** A commit of so many additions of this amount on a stream of that length. */
const commitAt = (
  version: number,
  added: number,
  {
    aggregate = restating,
    amount = 1,
    bytes = 98_304,
    ...over
  }: Partial<StreamState<Counter>> & {
    readonly aggregate?: typeof counter;
    readonly amount?: number;
    readonly bytes?: number;
  } = {},
) => {
  const loaded = { ...emptyStream(aggregate), version, state: { total: 7, isClosed: false }, ...over };
  const requests = Array.from({ length: added }, (_, index) => ({
    stream: counterStream,
    command: { type: 'Add', amount } as const,
    commandId: `cmd-${version}-${index}`,
    actor: { kind: 'service', id: 'test' } as const,
    correlationId: 'corr',
  }));
  const setting = { nowMs: 1_000, mintEventId: () => '0'.repeat(26), storedBytes: () => bytes };
  return prepareCommit(aggregate, requests, { loaded, setting });
};
const typesOf = ({ commit }: ReturnType<typeof commitAt>) => commit?.events.map(({ type }) => type);
const bare = ({ commit }: ReturnType<typeof commitAt>): StoredCommit => {
  const { state: _state, ...rest } = commit ?? expect.fail('nothing was committed');
  return rest;
};

describe('a restatement', () => {
  it('is written with the commit that reaches the next thousand events, and with no other', () => {
    expect(typesOf(commitAt(998, 1))).toEqual(['Added']);
    expect(typesOf(commitAt(999, 1))).toEqual(['Added', 'Restated']);
    expect(typesOf(commitAt(1_000, 1))).toEqual(['Added']);
    expect(typesOf(commitAt(997, 4))).toEqual(['Added', 'Added', 'Added', 'Added', 'Restated']);

    const { commit, next } = commitAt(999, 1);
    expect(commit?.events.at(-1)).toMatchObject({
      sequence: 1_001,
      idempotencyKey: 'restated:1001',
      data: { total: 8 },
    });
    expect(next).toMatchObject({ version: 1_001, state: { total: 8 } });
  });

  it('is written by nobody who has none, knows nothing yet, or may not know all', () => {
    expect(typesOf(commitAt(999, 1, { aggregate: counter }))).toEqual(['Added']);
    expect(typesOf(commitAt(999, 1, { state: { total: -1, isClosed: false } }))).toEqual(['Added']);
    expect(typesOf(commitAt(999, 1, { sawUnknownType: true }))).toEqual(['Added']);
    expect(typesOf(commitAt(999, 1, { amount: 0 }))).toBeUndefined();
  });

  it('is left out where it would take too much of its commit', () => {
    expect(typesOf(commitAt(999, 1, { bytes: 98_304 }))).toEqual(['Added', 'Restated']);
    expect(typesOf(commitAt(999, 1, { bytes: 98_305 }))).toEqual(['Added']);
  });

  it('is where a fold begins that no state helps, also in the middle of a commit', () => {
    const [reached, after] = [bare(commitAt(997, 4)), bare(commitAt(1_002, 2))];
    const tail = { commits: [after, reached], states: [], isWhole: false };

    expect(foldTail(restating, tail)).toMatchObject({
      kind: 'folded',
      stream: { version: 1_004, state: { total: 13 }, tailCommits: 2 },
    });
    expect(foldTail(restating, { ...tail, commits: [after] })).toEqual({ kind: 'needs-more', before: 1_003 });
    expect(foldTail(counter, tail)).toEqual({ kind: 'needs-more', before: 998 });
  });

  it('yields to a state that this version wrote', () => {
    const { commit = expect.fail() } = commitAt(997, 4);
    const known = {
      foldVersion: 1,
      text: JSON.stringify({ v: 1_002, t: 5, s: '{"total":40,"isClosed":false}' }),
    };

    const folded = foldTail(restating, {
      commits: [{ ...commit, state: known }],
      states: [],
      isWhole: false,
    });

    expect(folded).toMatchObject({ stream: { version: 1_002, state: { total: 40 } } });
  });
});
