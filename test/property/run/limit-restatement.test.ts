/** However long the stream of a limit is, and whether or not a version left a state behind, little of it is read. */
import { expect, it } from 'vitest';
import { packedBytes } from '#adapters/dynamodb/attributes.ts';
import { prepareCommit } from '#domain/kernel/commit.ts';
import { emptyStream } from '#domain/kernel/stream.ts';
import type { LimitCommand } from '#domain/limit/command.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import { asLimitEvent } from '#domain/limit/evolve.ts';
import type { LedgerReader, StoredCommit } from '#domain/ports/ledger.ts';
import { loadStream } from '#functions/shared/load.ts';
import { folded } from '#test/support/decider.ts';
import { ask, giveBack, holder, ofLimit } from '#test/support/limit-fixtures.ts';
import { START_MS } from '#test/support/run-fixtures.ts';

const ATTEMPTS = 2_500;
const CAPACITY = 10;
const WAITING = 10;

/** A limit that so many attempts have asked, held and given back, one command a commit. */
const longStream = (): readonly StoredCommit[] => {
  const commits: StoredCommit[] = [];
  let loaded = emptyStream(limitAggregate);
  const send = (command: LimitCommand): void => {
    const commandId = `cmd-${commits.length}`;
    const request = { stream: ofLimit, command, commandId, actor: { kind: 'service', id: 'test' } as const };
    const { commit, next } = prepareCommit(limitAggregate, [{ ...request, correlationId: 'corr' }], {
      loaded,
      setting: {
        nowMs: START_MS + commits.length * 500,
        mintEventId: () => '0'.repeat(26),
        storedBytes: packedBytes,
      },
    });
    loaded = next;
    if (commit) commits.push(commit);
  };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    send(ask(holder(attempt), { capacity: CAPACITY }));
    if (attempt >= CAPACITY + WAITING) send(giveBack(holder(attempt - CAPACITY - WAITING)));
  }
  return commits;
};

/** Reads these commits, and counts what it reads. */
const countingReader = (commits: readonly StoredCommit[]) => {
  const read = { requests: 0, commits: 0 };
  const tail: LedgerReader['tail'] = (_stream, limit, before = Infinity) => {
    const older = commits.filter(({ sequence }) => sequence < before);
    const page = older.slice(-limit).reverse();
    read.requests++;
    read.commits += page.length;
    return Promise.resolve({ commits: page, states: [], isWhole: older.length <= limit });
  };
  const unused = () => Promise.reject(new Error('a load reads tails alone'));
  return { read, ledger: { tail, read: unused, document: unused } };
};

it('a load reads one page, and under a raised fold version a thousand events at most, of however many', async () => {
  const commits = longStream();
  const events = commits.flatMap((commit) => commit.events);
  expect(events.length).toBeGreaterThan(7_000);
  const state = folded(limitAggregate, events);
  const raised = { ...limitAggregate, foldVersion: limitAggregate.foldVersion + 1 };
  const { restatement: _none, ...forgetful } = raised;

  for (const length of [500, 2_000, commits.length - 1, commits.length]) {
    const known = commits.slice(0, length);
    const expected = folded(
      limitAggregate,
      known.flatMap((commit) => commit.events),
    );

    const warm = countingReader(known);
    expect((await loadStream(warm.ledger, limitAggregate, ofLimit)).state).toEqual(expected);
    expect(warm.read).toEqual({ requests: 1, commits: 9 });

    const upgraded = countingReader(known);
    expect((await loadStream(upgraded.ledger, raised, ofLimit)).state).toEqual(expected);
    expect(upgraded.read.requests).toBeLessThanOrEqual(6);
    expect(upgraded.read.commits).toBeLessThanOrEqual(1_009);
  }
  const whole = countingReader(commits);
  expect((await loadStream(whole.ledger, forgetful, ofLimit)).state).toEqual(state);
  expect(whole.read.commits).toBe(commits.length);
});

it('a fold that begins with any restatement comes to the state of the whole history', () => {
  const events = longStream().flatMap((commit) => commit.events);
  const state = folded(limitAggregate, events);
  const places = events.flatMap((event, index) =>
    asLimitEvent(event)?.type === 'LimitRestated' ? [index] : [],
  );

  expect(places.length).toBe(Math.floor(events.length / 1_000));
  for (const place of places) expect(folded(limitAggregate, events.slice(place))).toEqual(state);
});
