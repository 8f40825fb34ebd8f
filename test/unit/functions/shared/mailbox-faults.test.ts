import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadStream } from '#functions/shared/load.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { counter, counterStream } from '#test/support/counter.ts';
import type { CounterCommand } from '#test/support/counter.ts';
import {
  brokenDecide,
  brokenFold,
  brokenOutputs,
  brokenOutstanding,
  POISON,
} from '#test/support/faulty-counter.ts';
import { commandPorts, requestOf, streamedCommits } from '#test/support/ledger.ts';
import type { RememberingPorts } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const add = (amount: number) => requestOf<CounterCommand>(counterStream, { type: 'Add', amount });

const broken: readonly (readonly [string, typeof counter, string])[] = [
  ['decider', brokenDecide, 'broken while deciding'],
  ['fold', brokenFold, 'broken while folding'],
];

describe('a command whose decision breaks an invariant', () => {
  let stage: LocalStage;
  let ports: RememberingPorts;
  beforeEach(async () => {
    stage = await localStage();
    ports = commandPorts(stage);
  });
  const total = async (): Promise<number> =>
    (await loadStream(ports.ledger, counter, counterStream)).state.total;

  it.each(broken)(
    'fails alone when its %s throws: 49 others share one commit',
    async (_, aggregate, message) => {
      const box = mailbox(ports);
      const amounts = Array.from({ length: 50 }, (_unused, index) => (index === 20 ? POISON : 100));

      const results = await Promise.allSettled(amounts.map((amount) => box.send(aggregate, add(amount))));

      expect(results[20]).toMatchObject({ status: 'rejected', reason: { code: 'command_fault', message } });
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(49);
      expect(results.at(-1)).toMatchObject({ value: { kind: 'committed', version: 49 } });
      expect(streamedCommits(stage).map(({ events }) => events.length)).toEqual([49]);
      expect(await total()).toBe(4_900);
    },
  );

  it.each(broken)('leaves nothing of itself behind when its %s throws', async (_, aggregate) => {
    const box = mailbox(ports);
    await box.send(aggregate, add(100));

    await expect(box.send(aggregate, add(POISON))).rejects.toMatchObject({ code: 'command_fault' });

    expect(await box.send(aggregate, add(200))).toMatchObject({ state: { total: 300 }, version: 2 });
    expect(await total()).toBe(300);
  });

  it('is looked at again on a fresh load before it is called its fault', async () => {
    const suspicious: typeof counter = {
      ...counter,
      decide: (command, state, context) => {
        if (state.total === 1 && command.type === 'Add') throw new Error('this state is behind');
        return counter.decide(command, state, context);
      },
    };
    const box = mailbox(ports);
    await box.send(suspicious, add(1));
    await mailbox(commandPorts(stage)).send(counter, add(1));
    stage.requests();

    expect(await box.send(suspicious, add(1))).toMatchObject({ kind: 'committed', state: { total: 3 } });
    expect(stage.requests()).toEqual({ 'dynamodb.Query': 1, 'dynamodb.PutItem': 1 });
    expect(ports.telemetry.logged).toMatchObject([{ level: 'warn' }]);
    expect(ports.telemetry.counted.get('CommandsFailed')).toBeUndefined();
  });

  it('is counted and logged once, with what is needed to find it', async () => {
    const box = mailbox(ports);

    await Promise.allSettled([add(1), add(POISON), add(2)].map((request) => box.send(brokenDecide, request)));

    expect(ports.telemetry.counted.get('CommandsFailed')).toBe(1);
    expect(ports.telemetry.logged).toMatchObject([
      {
        level: 'error',
        fields: { stream: counterStream, commandType: 'Add', errorMessage: 'broken while deciding' },
      },
    ]);
  });

  it.each([
    ['outputs', brokenOutputs],
    ['effects', brokenOutstanding],
  ])('is found among others when only their %s show it', async (_, aggregate) => {
    const box = mailbox(ports);
    const amounts = [100, 200, POISON, 300, 400];

    const results = await Promise.allSettled(amounts.map((amount) => box.send(aggregate, add(amount))));

    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect(await total()).toBe(1_000);
  });

  it('fails everybody when the stream itself is broken, and appends nothing', async () => {
    await mailbox(ports).send(counter, add(POISON));
    const box = mailbox(commandPorts(stage));

    const results = await Promise.allSettled(
      [1, 2].map((amount) => box.send(brokenOutstanding, add(amount))),
    );

    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await total()).toBe(POISON);
  });

  it('makes no difference to the others, whoever breaks and whatever is warm', async () => {
    const amounts = fc.array(fc.constantFrom(0, 100, 200, 300, POISON), { minLength: 1, maxLength: 12 });
    const rounds = fc.array(amounts, { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(rounds, fc.constantFrom(brokenDecide, brokenFold), async (given, aggregate) => {
        const [with_, without] = [await localStage(), await localStage()];
        const [box, sane] = [mailbox(commandPorts(with_)), mailbox(commandPorts(without))];
        for (const round of given) {
          const sound = round.filter((amount) => amount !== POISON);
          const results = await Promise.allSettled(round.map((amount) => box.send(aggregate, add(amount))));
          const expected = await Promise.all(sound.map((amount) => sane.send(counter, add(amount))));
          const answered = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
          expect(answered.map(({ kind, version }) => [kind, version])).toEqual(
            expected.map(({ kind, version }) => [kind, version]),
          );
          expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(
            round.length - sound.length,
          );
        }
        const bodies = (from: LocalStage) =>
          streamedCommits(from).map(({ sequence, events }) => [sequence, events.map(({ data }) => data)]);
        expect(bodies(with_)).toEqual(bodies(without));
      }),
      { numRuns: 25 },
    );
  });
});
