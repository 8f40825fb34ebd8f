import { beforeEach, describe, expect, it } from 'vitest';
import { handleCommands } from '#functions/shared/command-handler.ts';
import { loadStream } from '#functions/shared/load.ts';
import { counter, counterStream } from '#test/support/counter.ts';
import type { CounterCommand } from '#test/support/counter.ts';
import { adaptersOf, commandPorts, requestOf } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

describe('loading a stream', () => {
  let stage: LocalStage;
  beforeEach(async () => {
    stage = await localStage();
  });

  const write = async (commits: number): Promise<void> => {
    const ports = commandPorts(stage);
    for (let count = 0; count < commits; count++) {
      const requests = [requestOf<CounterCommand>(counterStream, { type: 'Add', amount: 1 })];
      await handleCommands(ports, counter, { requests });
    }
    stage.requests();
  };

  it('is one read whatever its length', async () => {
    for (const commits of [0, 1, 8, 9, 10, 20, 100]) {
      stage = await localStage();
      await write(commits);

      const { version, state } = await loadStream(adaptersOf(stage).ledger, counter, counterStream);

      expect([version, state.total]).toEqual([commits, commits]);
      expect(stage.requests(), `${commits} commits`).toEqual({ 'dynamodb.Query': 1 });
    }
  });

  it('of 10,000 events reads a snapshot and its tail, and folds no more than that', async () => {
    const ports = commandPorts(stage);
    for (let commit = 0; commit < 250; commit++) {
      const requests = Array.from({ length: 40 }, () =>
        requestOf<CounterCommand>(counterStream, { type: 'Add', amount: 1 }),
      );
      await handleCommands(ports, counter, { requests });
    }
    stage.requests();
    let folded = 0;
    const watched = {
      ...counter,
      evolve: (...fold: Parameters<typeof counter.evolve>) => {
        folded++;
        return counter.evolve(...fold);
      },
    };

    const { version, state } = await loadStream(adaptersOf(stage).ledger, watched, counterStream);

    expect([version, state.total]).toEqual([10_000, 10_000]);
    expect(stage.requests()).toEqual({ 'dynamodb.Query': 1 });
    expect(folded).toBeLessThanOrEqual(8 * 40);
  });

  it('folds the whole history when no state is of its fold version, page by page', async () => {
    await write(450);
    const newer = { ...counter, foldVersion: 2 };

    const { state } = await loadStream(adaptersOf(stage).ledger, newer, counterStream);

    expect(state.total).toBe(450);
    expect(stage.requests()).toEqual({ 'dynamodb.Query': 4 });
  });

  it('remembers the idempotency keys and the deadline of commits that embed no state', async () => {
    const ports = commandPorts(stage);
    const bulky = {
      ...counter,
      encodeState: (state: object) => JSON.stringify({ ...state, pad: 'x'.repeat(3_000) }),
    };
    const plain = { ...ports, storedBytes: (text: string) => text.length };
    const add = (commandId: string) =>
      requestOf<CounterCommand>(
        counterStream,
        { type: 'Add', amount: 1, waitMs: 90_000 },
        { commandId, requestHash: 'h' },
      );
    await handleCommands(plain, bulky, { requests: [add('a'), add('b')] });
    await handleCommands(plain, bulky, { requests: [add('c')] });

    const { commits } = await ports.ledger.tail(counterStream, 9);
    const loaded = await loadStream(ports.ledger, bulky, counterStream);

    expect(commits.filter((commit) => commit.state)).toEqual([]);
    expect(loaded.remembered.map(({ commandId, sequence }) => [commandId, sequence])).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    expect(loaded.armedDeadlineMs).toBe(Math.floor((stage.clock.nowMs() + 90_000) / 60_000) * 60_000);
  });

  it.each([
    [20, 'with a second read', 2],
    [9, 'out of what was read while the stream is short', 1],
  ])('puts back what the first of %i commits fixed %s', async (count, _, queries) => {
    await write(count);
    const withOrigin = {
      ...counter,
      origin: {
        isMissing: () => true,
        attach: (
          state: ReturnType<typeof counter.initialState>,
          first: readonly { readonly type: string }[],
        ) => ({
          ...state,
          total: state.total + first.length * 1_000,
        }),
      },
    };

    const { state } = await loadStream(adaptersOf(stage).ledger, withOrigin, counterStream);

    expect(state.total).toBe(1_000 + count);
    expect(stage.requests()).toEqual({ 'dynamodb.Query': queries });
  });
});
