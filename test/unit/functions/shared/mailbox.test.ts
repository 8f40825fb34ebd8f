import { beforeEach, describe, expect, it } from 'vitest';
import { aggregateCache } from '#functions/shared/aggregate-cache.ts';
import { loadStream } from '#functions/shared/load.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { emptyStream } from '#domain/kernel/stream.ts';
import { counter, counterStream } from '#test/support/counter.ts';
import type { CounterCommand } from '#test/support/counter.ts';
import { commandPorts, requestOf, streamedCommits } from '#test/support/ledger.ts';
import type { RememberingPorts } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const add = (amount: number, stream = counterStream) =>
  requestOf<CounterCommand>(stream, { type: 'Add', amount });

describe('the mailbox', () => {
  let stage: LocalStage;
  let ports: RememberingPorts;
  beforeEach(async () => {
    stage = await localStage();
    ports = commandPorts(stage);
  });

  const total = async (): Promise<number> =>
    (await loadStream(ports.ledger, counter, counterStream)).state.total;

  /** Opens when told to: the first append waits there, those behind it do not. */
  const heldAppend = (): {
    readonly held: RememberingPorts;
    readonly open: () => void;
    readonly entered: Promise<void>;
  } => {
    let open = (): void => undefined;
    let enter = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const entered = new Promise<void>((resolve) => (enter = resolve));
    const held: RememberingPorts = {
      ...ports,
      ledger: {
        ...ports.ledger,
        append: async (commit) => {
          enter();
          await gate;
          return ports.ledger.append(commit);
        },
      },
    };
    return { held, open: () => open(), entered };
  };

  it('decides what is sent in one turn as one commit', async () => {
    const box = mailbox(ports);

    const outcomes = await Promise.all([1, 2, 3].map((amount) => box.send(counter, add(amount))));

    expect(outcomes).toMatchObject([{ version: 1 }, { version: 2 }, { version: 3 }]);
    expect(stage.requests()).toEqual({ 'dynamodb.Query': 1, 'dynamodb.PutItem': 1 });
  });

  it('lets commands that arrive during an append share the next commit', async () => {
    const { held, open, entered } = heldAppend();
    const box = mailbox(held);
    const first = box.send(counter, add(1));
    await entered;

    const others = [2, 3, 4].map((amount) => box.send(counter, add(amount)));
    open();
    await Promise.all([first, ...others]);

    expect(streamedCommits(stage).map(({ events }) => events.length)).toEqual([1, 3]);
    expect(await total()).toBe(10);
  });

  it('loses none of 200 concurrent commands on one stream, fifty to a commit', async () => {
    const box = mailbox(ports);

    await Promise.all(Array.from({ length: 200 }, () => box.send(counter, add(1))));

    expect(await total()).toBe(200);
    expect(stage.requests()['dynamodb.PutItem']).toBe(4);
  });

  it('loses none either when several environments race', async () => {
    const boxes = Array.from({ length: 4 }, () => mailbox(commandPorts(stage)));

    await Promise.all(boxes.flatMap((box) => Array.from({ length: 50 }, () => box.send(counter, add(1)))));

    expect(await total()).toBe(200);
    const sequences = streamedCommits(stage).flatMap(({ events }) => events.map(({ sequence }) => sequence));
    expect(sequences).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  });

  it('lets streams go their own ways', async () => {
    const { held, open, entered } = heldAppend();
    const box = mailbox({
      ...held,
      ledger: {
        ...held.ledger,
        append: (commit) =>
          commit.stream === counterStream ? held.ledger.append(commit) : ports.ledger.append(commit),
      },
    });
    const slow = box.send(counter, add(1));
    await entered;

    expect(await box.send(counter, add(1, 'counter#local/main/two'))).toMatchObject({ kind: 'committed' });

    open();
    await slow;
  });

  it('answers each command of a commit with its own outcome', async () => {
    const box = mailbox(ports);
    const close = requestOf<CounterCommand>(counterStream, { type: 'Close' });

    const outcomes = await Promise.all([
      box.send(counter, add(1)),
      box.send(counter, add(0)),
      box.send(counter, close),
      box.send(counter, add(2)),
    ]);

    expect(outcomes.map(({ kind }) => kind)).toEqual(['committed', 'unchanged', 'committed', 'rejected']);
  });

  it('fails those who share a commit that failed, and serves those behind it', async () => {
    const box = mailbox(ports);
    stage.inject({ service: 'dynamodb', operation: 'PutItem', kind: 'server-error', calls: [1] });

    const failed = await Promise.allSettled([box.send(counter, add(1)), box.send(counter, add(1))]);

    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await box.send(counter, add(5))).toMatchObject({ kind: 'committed', state: { total: 5 } });
  });

  it('tells a failed effect only to the caller who asked for it', async () => {
    const box = mailbox(ports);
    ports.failure = new Error('queue is down');

    const [patient, strict] = await Promise.allSettled([
      box.send(counter, add(1)),
      box.send(counter, add(2), { effectsMustSucceed: true }),
    ]);

    expect(patient).toMatchObject({ status: 'fulfilled', value: { kind: 'committed', version: 1 } });
    expect(strict).toMatchObject({ status: 'rejected', reason: { code: 'effects_failed' } });
    expect(await total()).toBe(3);
  });

  it('takes several commits for commands that are too much for one', async () => {
    const text = (seed: number): string => {
      let state = seed;
      return Array.from({ length: 20_000 }, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return String.fromCharCode(0x4e00 + ((state >>> 12) % 20_000));
      }).join('');
    };
    const wordy: typeof counter = {
      ...counter,
      decide: (command, ...rest) => {
        const decision = counter.decide(command, ...rest);
        if (decision.kind === 'rejected' || command.type !== 'Add') return decision;
        const events = decision.events.map((event) => ({
          ...event,
          data: { ...event.data, text: text(command.amount) },
        }));
        return { kind: 'accepted', events };
      },
    };
    const box = mailbox(ports);

    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, index) => box.send(wordy, add(index + 1))),
    );

    expect(outcomes.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(streamedCommits(stage).length).toBeGreaterThan(2);
    expect(await total()).toBe(55);
  });

  it('refuses one command that is too much for a commit', async () => {
    const huge: typeof counter = {
      ...counter,
      decide: () => ({
        kind: 'accepted',
        events: Array.from({ length: 20_000 }, (_, index) => ({
          type: 'Added',
          idempotencyKey: `${index * 7_919}-${Math.sin(index)}`,
          data: { amount: index },
        })),
      }),
    };

    await expect(mailbox(ports).send(huge, add(1))).rejects.toMatchObject({ code: 'commit_too_large' });
  });
});

describe('the cache of aggregates', () => {
  const at = (version: number) => ({ ...emptyStream(counter), version });

  it('gives an entry away when it is taken', () => {
    const cache = aggregateCache();
    cache.put('a', at(1));

    expect(cache.peek('a')).toMatchObject({ version: 1 });
    expect(cache.take('a')).toMatchObject({ version: 1 });
    expect(cache.take('a')).toBeUndefined();
  });

  it('keeps the newer of two states', () => {
    const cache = aggregateCache();
    cache.put('a', at(5));
    cache.put('a', at(4));
    expect(cache.peek('a')).toMatchObject({ version: 5 });
    cache.put('a', at(6));
    expect(cache.peek('a')).toMatchObject({ version: 6 });
  });

  it('forgets the stream that was put longest ago', () => {
    const cache = aggregateCache(2);
    for (const stream of ['a', 'b', 'a', 'c']) cache.put(stream, at(1));

    expect(['a', 'b', 'c'].map((stream) => cache.peek(stream) !== undefined)).toEqual([true, false, true]);
  });
});
