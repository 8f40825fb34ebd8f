import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandFaultError, isCommandFault } from '#domain/kernel/command-fault.ts';
import { prepareCommit } from '#domain/kernel/commit.ts';
import type { CommandRequest } from '#domain/kernel/commit.ts';
import { emptyStream, foldTail } from '#domain/kernel/stream.ts';
import type { StreamState } from '#domain/kernel/stream.ts';
import type { StateItem, StoredCommit } from '#domain/ports/ledger.ts';
import { counter, counterStream } from '#test/support/counter.ts';
import type { Counter, CounterCommand } from '#test/support/counter.ts';
import { brokenDecide, brokenFold, brokenOutputs, POISON } from '#test/support/faulty-counter.ts';
import { throwAnything } from '#test/support/thrown.ts';

let minted = 0;
const setting = (nowMs: number, stateBytes?: number) => ({
  nowMs,
  mintEventId: () => `01J${String(minted++).padStart(23, '0')}`,
  storedBytes: (text: string) => stateBytes ?? text.length,
});

const request = (
  command: CounterCommand,
  over: Partial<CommandRequest<CounterCommand>> = {},
): CommandRequest<CounterCommand> => ({
  stream: counterStream,
  command,
  commandId: `cmd-${minted++}`,
  actor: { kind: 'service', id: 'test' },
  correlationId: 'corr',
  ...over,
});

const prepare = (
  loaded: StreamState<Counter>,
  requests: readonly CommandRequest<CounterCommand>[],
  nowMs = 1_000,
) => prepareCommit(counter, requests, { loaded, setting: setting(nowMs) });

describe('prepareCommit', () => {
  it('numbers events from the version on and folds them', () => {
    const { commit, next, outcomes } = prepare(emptyStream(counter), [
      request({ type: 'Add', amount: 2 }),
      request({ type: 'Add', amount: 3 }),
    ]);

    expect(commit?.sequence).toBe(1);
    expect(commit?.events.map(({ sequence, type }) => [sequence, type])).toEqual([
      [1, 'Added'],
      [2, 'Added'],
    ]);
    expect(next).toMatchObject({ version: 2, state: { total: 5 } });
    expect(outcomes.map(({ kind }) => kind)).toEqual(['committed', 'committed']);
  });

  it('tells what caused its first command, when something did', () => {
    const caused = prepare(emptyStream(counter), [
      request({ type: 'Add', amount: 1 }, { causationId: 'cmd-before' }),
    ]);
    const spontaneous = prepare(emptyStream(counter), [request({ type: 'Add', amount: 1 })]);

    expect(caused.commit?.causationId).toBe('cmd-before');
    expect(spontaneous.commit).not.toHaveProperty('causationId');
  });

  it('prepares nothing when no command has anything to append', () => {
    const { commit, outcomes } = prepare(emptyStream(counter), [request({ type: 'Add', amount: 0 })]);

    expect(commit).toBeUndefined();
    expect(outcomes).toEqual([{ kind: 'unchanged', state: { total: 0, isClosed: false }, version: 0 }]);
  });

  it('answers a refusal by value and lets the others of the batch go on', () => {
    const { commit, outcomes } = prepare(emptyStream(counter), [
      request({ type: 'Close' }),
      request({ type: 'Add', amount: 1 }),
    ]);

    expect(commit?.events).toHaveLength(1);
    expect(outcomes[1]).toMatchObject({ kind: 'rejected', rejection: { code: 'task_already_terminal' } });
  });

  it('records the refusal of a command whose caller was already answered', () => {
    const closed = prepare(emptyStream(counter), [request({ type: 'Close' })]).next;

    const { commit } = prepare(closed, [request({ type: 'Add', amount: 1 }, { isAnswered: true })]);

    expect(commit?.events).toMatchObject([
      { type: 'CommandRefused', data: { commandType: 'Add', code: 'task_already_terminal' } },
    ]);
  });

  it('never lets time run backwards within a stream', () => {
    const first = prepare(emptyStream(counter), [request({ type: 'Add', amount: 1 })], 5_000);

    const second = prepare(first.next, [request({ type: 'Add', amount: 1 })], 4_000);

    expect(second.commit?.events[0]?.occurredAtMs).toBe(5_000);
  });

  it('answers a remembered key again and refuses it for another request', () => {
    const add = request({ type: 'Add', amount: 1 }, { commandId: 'key', requestHash: 'h1' });
    const { next } = prepare(emptyStream(counter), [add]);

    const repeated = prepare(next, [add]);
    const reused = prepare(next, [{ ...add, requestHash: 'h2' }]);

    expect(repeated.commit).toBeUndefined();
    expect(repeated.outcomes[0]).toMatchObject({ kind: 'repeated', sequence: 1 });
    expect(reused.outcomes[0]).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'idempotency_key_reused' },
    });
  });

  it('forgets the oldest remembered key beyond 64', () => {
    let stream: StreamState<Counter> = emptyStream(counter);
    for (let index = 0; index < 65; index++) {
      const add = request({ type: 'Add', amount: 1 }, { commandId: `key-${index}`, requestHash: 'h' });
      stream = prepare(stream, [add]).next;
    }

    expect(stream.remembered).toHaveLength(64);
    expect(stream.remembered[0]?.commandId).toBe('key-1');
  });

  it('arms a deadline only when it is earlier than the armed one or that one has passed', () => {
    const first = prepare(emptyStream(counter), [request({ type: 'Add', amount: 1, waitMs: 60_000 })], 0);
    const later = prepare(first.next, [request({ type: 'Add', amount: 1, waitMs: 90_000 })], 1_000);
    const earlier = prepare(first.next, [request({ type: 'Add', amount: 1, waitMs: 10_000 })], 1_000);
    const passed = prepare(first.next, [request({ type: 'Add', amount: 1, waitMs: 90_000 })], 60_000);

    expect(first.commit?.due).toMatch(/^1#\d+$/);
    expect(later.commit?.due).toBeUndefined();
    expect(earlier.commit?.due).toMatch(/^0#\d+$/);
    expect(passed.commit?.due).toMatch(/^2#\d+$/);
  });

  it('keeps a state above 16 KB apart instead of embedding it', () => {
    const loaded = { ...emptyStream(counter), tailCommits: 8 };
    const options = (bytes: number) => ({ loaded, setting: setting(1_000, bytes) });
    const add = [request({ type: 'Add', amount: 1 })];

    expect(prepareCommit(counter, add, options(16_384))).toMatchObject({
      commit: { state: { foldVersion: 1 } },
    });
    const apart = prepareCommit(counter, add, options(16_385));
    expect(apart.commit?.state).toBeUndefined();
    expect(apart.looseState).toBeDefined();
  });

  it('leaves the state out when it would cost a write unit, at the latest until the eighth commit', () => {
    const add = [request({ type: 'Add', amount: 1 })];
    const at = (tailCommits: number) =>
      prepareCommit(counter, add, {
        loaded: { ...emptyStream(counter), tailCommits },
        setting: setting(1_000, 2_000),
      }).commit?.state;

    expect(at(6)).toBeUndefined();
    expect(at(7)).toBeDefined();
  });

  it('refuses commands on a stream with an event it must understand and does not', () => {
    const loaded: StreamState<Counter> = { ...emptyStream(counter), mustUnderstand: 'Split' };

    const { outcomes, commit } = prepare(loaded, [request({ type: 'Add', amount: 1 })]);

    expect(commit).toBeUndefined();
    expect(outcomes[0]).toMatchObject({ kind: 'rejected', rejection: { code: 'unknown_event' } });
  });

  it('writes no state once the stream holds a type it does not know', () => {
    const loaded: StreamState<Counter> = { ...emptyStream(counter), sawUnknownType: true, tailCommits: 20 };

    expect(prepare(loaded, [request({ type: 'Add', amount: 1 })]).commit?.state).toBeUndefined();
  });
});

describe('a command whose decision breaks an invariant', () => {
  const batch = (...amounts: readonly number[]) => amounts.map((amount) => request({ type: 'Add', amount }));
  const faultOf = (
    aggregate: typeof counter,
    requests: readonly CommandRequest<CounterCommand>[],
  ): unknown => {
    try {
      prepareCommit(aggregate, requests, { loaded: emptyStream(aggregate), setting: setting(1_000) });
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it.each([
    ['decider', brokenDecide, 'broken while deciding'],
    ['fold', brokenFold, 'broken while folding'],
  ])('is named when its %s throws, with the cause', (_, aggregate, message) => {
    const error = faultOf(aggregate, batch(1, 2, POISON, 4));

    expect(error).toBeInstanceOf(CommandFaultError);
    expect(error).toMatchObject({ code: 'command_fault', requestIndex: 2, message, cause: { message } });
    expect(isCommandFault(error)).toBe(true);
  });

  it('is named when the commit cannot be closed and nobody else wrote to it', () => {
    expect(faultOf(brokenOutputs, batch(0, POISON, 0))).toMatchObject({ requestIndex: 1 });
  });

  it('is not named when the commit of several cannot be closed', () => {
    expect(faultOf(brokenOutputs, batch(1, POISON))).toMatchObject({
      code: 'command_fault',
      requestIndex: undefined,
    });
  });

  it('keeps what was thrown when it is no error', () => {
    const shouting: typeof counter = {
      ...counter,
      decide: () => throwAnything('everything is lost'),
    };

    expect(faultOf(shouting, batch(1))).toMatchObject({
      name: 'CommandFaultError',
      message: 'everything is lost',
      cause: 'everything is lost',
    });
    expect(isCommandFault('everything is lost')).toBe(false);
    expect(isCommandFault(new Error('no code'))).toBe(false);
  });
});

describe('loading', () => {
  it('gives the same stream from any tail, whatever states were embedded, and asks for more when it must', () => {
    const amounts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        amounts,
        fc.integer({ min: 0, max: 3_000 }),
        fc.integer({ min: 1, max: 9 }),
        (adds, bytes, limit) => {
          let stream: StreamState<Counter> = emptyStream(counter);
          const commits: StoredCommit[] = [];
          for (const amount of adds) {
            const prepared = prepareCommit(counter, [request({ type: 'Add', amount })], {
              loaded: stream,
              setting: setting(1_000, bytes),
            });
            if (prepared.commit) commits.unshift(prepared.commit);
            stream = prepared.next;
          }
          let count = limit;
          for (;;) {
            const tail = { commits: commits.slice(0, count), states: [], isWhole: count >= commits.length };
            const folded = foldTail(counter, tail);
            if (folded.kind === 'folded') {
              expect(folded.stream).toMatchObject({ version: stream.version, state: stream.state });
              return;
            }
            expect(folded.before).toBe(tail.commits.at(-1)?.sequence);
            count += limit;
          }
        },
      ),
    );
  });

  it('folds past a state that another fold version wrote', () => {
    const { commit, next } = prepare(emptyStream(counter), [request({ type: 'Add', amount: 4 })]);
    const foreign = { ...commit, state: { foldVersion: 99, text: 'gibberish' } } as StoredCommit;

    const folded = foldTail(counter, { commits: [foreign], states: [], isWhole: true });

    expect(folded).toMatchObject({ kind: 'folded', stream: { state: next.state } });
  });

  it('uses a state kept apart and folds only what came after it', () => {
    const first = prepare(emptyStream(counter), [request({ type: 'Add', amount: 4 })]);
    const second = prepare(first.next, [request({ type: 'Add', amount: 5 })]);
    const state: StateItem = {
      version: 1,
      state: {
        foldVersion: 1,
        text: JSON.stringify({ v: 1, t: 1_000, s: '{"total":100,"isClosed":false}' }),
      },
    };
    const bare = { ...second.commit, state: undefined } as unknown as StoredCommit;

    const folded = foldTail(counter, { commits: [bare], states: [state], isWhole: false });

    expect(folded).toMatchObject({ kind: 'folded', stream: { version: 2, state: { total: 105 } } });
  });

  it('folds unknown types to nothing and marks the stream', () => {
    const { commit } = prepare(emptyStream(counter), [request({ type: 'Add', amount: 4 })]);
    const [event] = commit?.events ?? [];
    const split = { ...event, type: 'Split', sequence: 2, mustUnderstand: true };
    const unknown = { ...commit, state: undefined, sequence: 2, events: [split] } as unknown as StoredCommit;
    const known = { ...commit, state: undefined } as unknown as StoredCommit;

    const folded = foldTail(counter, { commits: [unknown, known], states: [], isWhole: true });

    expect(folded).toMatchObject({
      stream: { version: 2, state: { total: 4 }, sawUnknownType: true, mustUnderstand: 'Split' },
    });
  });
});
