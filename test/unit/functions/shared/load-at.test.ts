import { beforeEach, expect, it } from 'vitest';
import { handleCommands } from '#functions/shared/command-handler.ts';
import { stateBefore } from '#functions/shared/load-at.ts';
import { eachEvent } from '#functions/shared/read-events.ts';
import { counter, counterStream } from '#test/support/counter.ts';
import type { CounterCommand } from '#test/support/counter.ts';
import { adaptersOf, commandPorts, requestOf } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

let stage: LocalStage;
beforeEach(async () => {
  stage = await localStage();
});

/** Commits of so many events each; every event adds one. */
const write = async (...commits: readonly number[]): Promise<void> => {
  const ports = commandPorts(stage);
  for (const count of commits) {
    const requests = Array.from({ length: count }, () =>
      requestOf<CounterCommand>(counterStream, { type: 'Add', amount: 1 }),
    );
    await handleCommands(ports, counter, { requests });
  }
};
const totalBefore = async (sequence: number): Promise<number> =>
  (await stateBefore(adaptersOf(stage).ledger, counter, { stream: counterStream, sequence })).total;

it('folds a stream as it was before any of its events, also within a commit and far back', async () => {
  await write(...Array.from({ length: 40 }, (_, index) => 1 + (index % 4)));

  for (let sequence = 1; sequence <= 101; sequence++) expect(await totalBefore(sequence)).toBe(sequence - 1);
  expect(await totalBefore(5_000)).toBe(100);
});

it('folds a stream nobody has written to as empty', async () => {
  expect(await totalBefore(1)).toBe(0);
  expect(await totalBefore(7)).toBe(0);
});

it('reads the events from any sequence on, however many commits at a time, and no more than are asked for', async () => {
  await write(3, 1, 4, 2);
  const { ledger } = adaptersOf(stage);

  for (let from = 1; from <= 11; from++)
    for (const atOnce of [1, 2, 3, 4, 5]) {
      const read: number[] = [];
      for await (const { sequence } of eachEvent(ledger, counterStream, from, atOnce)) read.push(sequence);
      expect(read).toEqual(Array.from({ length: 11 - from }, (_, index) => from + index));
    }
  stage.requests();
  for await (const { sequence } of eachEvent(ledger, counterStream, 1, 2)) if (sequence === 4) break;
  expect(stage.requests()).toEqual({ 'dynamodb.Query': 1 });
});
