import { beforeEach, describe, expect, it } from 'vitest';
import type { Ledger } from '#domain/ports/ledger.ts';
import { keepFirstCommits } from '#functions/shared/first-commits.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { counter, counterStream } from '#test/support/counter.ts';
import type { CounterCommand } from '#test/support/counter.ts';
import { adaptersOf, commandPorts, requestOf } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const OTHER = 'counter#acme/prod/other';

describe('a ledger that keeps first commits', () => {
  let stage: LocalStage;
  let ledger: Ledger;
  beforeEach(async () => {
    stage = await localStage();
    ({ ledger } = adaptersOf(stage));
  });

  const add = async (stream: string, amount: number): Promise<void> => {
    const request = requestOf<CounterCommand>(stream, { type: 'Add', amount });
    await mailbox(commandPorts(stage)).send(counter, request);
  };
  const readsOf = async (act: () => Promise<unknown>): Promise<number> => {
    stage.requests();
    await act();
    return stage.requests()['dynamodb.Query'] ?? 0;
  };

  it('reads a first commit once', async () => {
    await add(counterStream, 3);
    const keeping = keepFirstCommits(ledger);
    const first = await keeping.read(counterStream, 1, 1);

    expect(await readsOf(() => keeping.read(counterStream, 1, 1))).toBe(0);
    expect(await keeping.read(counterStream, 1, 1)).toEqual(first);
    expect(first).toMatchObject([{ sequence: 1, events: [{ data: { amount: 3 } }] }]);
  });

  it('looks again for a stream that had no commit yet', async () => {
    const keeping = keepFirstCommits(ledger);
    expect(await keeping.read(counterStream, 1, 1)).toEqual([]);

    await add(counterStream, 4);

    expect(await keeping.read(counterStream, 1, 1)).toMatchObject([{ sequence: 1 }]);
  });

  it.each([
    ['more than the first commit', 1, 2],
    ['a later commit', 2, 1],
  ])('reads %s from the table every time', async (_, from, limit) => {
    await add(counterStream, 1);
    await add(counterStream, 2);
    const keeping = keepFirstCommits(ledger);
    await keeping.read(counterStream, from, limit);

    expect(await readsOf(() => keeping.read(counterStream, from, limit))).toBe(1);
  });

  it('forgets the oldest beyond its bytes', async () => {
    await add(counterStream, 1);
    await add(OTHER, 2);
    const keeping = keepFirstCommits(ledger, 200);
    await keeping.read(counterStream, 1, 1);
    await keeping.read(OTHER, 1, 1);

    expect(await readsOf(() => keeping.read(OTHER, 1, 1))).toBe(0);
    expect(await readsOf(() => keeping.read(counterStream, 1, 1))).toBe(1);
  });

  it('keeps none that is larger than all it may hold', async () => {
    await add(counterStream, 1);
    const keeping = keepFirstCommits(ledger, 10);
    await keeping.read(counterStream, 1, 1);

    expect(await readsOf(() => keeping.read(counterStream, 1, 1))).toBe(1);
  });

  it('counts a commit once when two ask for it at the same time', async () => {
    await add(counterStream, 1);
    const keeping = keepFirstCommits(ledger, 200);

    const both = await Promise.all([keeping.read(counterStream, 1, 1), keeping.read(counterStream, 1, 1)]);

    expect(both[0]).toEqual(both[1]);
    expect(await readsOf(() => keeping.read(counterStream, 1, 1))).toBe(0);
  });

  it('leaves every other member as it is', () => {
    expect(keepFirstCommits(ledger).append).toBe(ledger.append);
  });
});
