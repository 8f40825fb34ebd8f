import { beforeEach, describe, expect, it } from 'vitest';
import type { CommandRequest } from '#domain/kernel/commit.ts';
import { EffectsFailedError, handleCommands } from '#functions/shared/command-handler.ts';
import type { HandleOptions } from '#functions/shared/command-handler.ts';
import { loadStream } from '#functions/shared/load.ts';
import { counter, counterStream } from '#test/support/counter.ts';
import type { CounterCommand } from '#test/support/counter.ts';
import { commandPorts, requestOf, streamedCommits } from '#test/support/ledger.ts';
import type { RememberingPorts } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const add = (amount: number, over: Partial<CommandRequest<CounterCommand>> = {}) =>
  requestOf<CounterCommand>(counterStream, { type: 'Add', amount }, over);
const close = () => requestOf<CounterCommand>(counterStream, { type: 'Close' });

const ONE_READ = { 'dynamodb.Query': 1 };
const ONE_WRITE = { 'dynamodb.PutItem': 1 };

describe('handling commands', () => {
  let stage: LocalStage;
  let ports: RememberingPorts;
  /** Another environment: the same ledger, a cache of its own. */
  let others: RememberingPorts;
  beforeEach(async () => {
    stage = await localStage();
    ports = commandPorts(stage);
    others = commandPorts(stage);
  });

  const handle = (
    by: RememberingPorts,
    requests: readonly CommandRequest<CounterCommand>[],
    options?: HandleOptions,
  ) => handleCommands(by, counter, { requests, ...(options ? { options } : {}) });
  const total = async (): Promise<number> =>
    (await loadStream(ports.ledger, counter, counterStream)).state.total;

  it('costs one read and one write cold, and one write warm', async () => {
    await handle(ports, [add(1)]);
    expect(stage.requests()).toEqual({ ...ONE_READ, ...ONE_WRITE });

    for (let count = 0; count < 20; count++) {
      await handle(ports, [add(1)]);
      expect(stage.requests()).toEqual(ONE_WRITE);
    }

    await handle(others, [add(1)]);
    expect(stage.requests()).toEqual({ ...ONE_READ, ...ONE_WRITE });
    expect(await total()).toBe(22);
  });

  it('skips the read for a stream that is new, and finds out when it is not', async () => {
    await handle(ports, [add(1)], { assumeNew: true });
    expect(stage.requests()).toEqual(ONE_WRITE);

    const [outcome] = await handle(others, [add(5)], { assumeNew: true });

    expect(outcome).toMatchObject({ kind: 'committed', state: { total: 6 } });
    expect(stage.requests()).toEqual({ 'dynamodb.PutItem': 2, ...ONE_READ });
  });

  it('does nothing for nothing', async () => {
    expect(await handle(ports, [])).toEqual([]);
    expect(stage.requests()).toEqual({});
  });

  it('decides again on a fresh load after a lost race', async () => {
    await handle(ports, [add(1)]);
    await handle(others, [add(10)]);

    const [outcome] = await handle(ports, [add(100)]);

    expect(outcome).toMatchObject({ kind: 'committed', state: { total: 111 }, version: 3 });
    expect(ports.telemetry.counted.get('AppendConflicts')).toBe(1);
    expect(streamedCommits(stage).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  it('gives a refusal only after a fresh look at the ledger', async () => {
    await handle(ports, [add(1)]);
    await handle(others, [close()]);
    stage.requests();

    const [refused] = await handle(ports, [add(1)]);

    expect(refused).toMatchObject({ kind: 'rejected', rejection: { code: 'task_already_terminal' } });
    // From the cached state the append is tried and lost; the refusal comes from the fresh load.
    expect(stage.requests()).toEqual({ ...ONE_READ, ...ONE_WRITE });
  });

  it('does not refuse out of a cached state that is behind', async () => {
    await handle(ports, [add(1)]);
    await handle(others, [add(1)]);
    stage.requests();

    const [unchanged] = await handle(ports, [add(0)]);

    expect(unchanged).toMatchObject({ kind: 'unchanged', state: { total: 2 }, version: 2 });
    expect(stage.requests()).toEqual(ONE_READ);
  });

  it('answers a refusal of a stream taken for new after one read', async () => {
    await handle(ports, [add(1)]);
    await handle(ports, [close()]);
    stage.requests();

    const [refused] = await handle(others, [add(0)], { assumeNew: true, triesMax: 1 });

    expect(refused).toMatchObject({ kind: 'rejected' });
    expect(stage.requests()).toEqual(ONE_READ);
  });

  it('gives up after its tries and has written nothing', async () => {
    stage.inject();
    await handle(ports, [add(1)]);
    const racing: RememberingPorts = {
      ...ports,
      ledger: {
        ...ports.ledger,
        append: async (commit) => {
          await handle(others, [add(1)]);
          return ports.ledger.append(commit);
        },
      },
    };

    await expect(handle(racing, [add(1_000)], { triesMax: 3 })).rejects.toMatchObject({ code: 'contention' });

    expect(racing.telemetry.counted.get('AppendConflicts')).toBe(3);
    expect(await total()).toBe(4);
  });

  it('forgets the cached state of a stream whose append failed', async () => {
    await handle(ports, [add(1)]);
    stage.inject({ service: 'dynamodb', operation: 'PutItem', kind: 'server-error', calls: [1] });

    await expect(handle(ports, [add(1)])).rejects.toMatchObject({ name: 'InternalServerError' });
    stage.requests();
    await handle(ports, [add(1)]);

    expect(stage.requests()).toEqual({ ...ONE_READ, ...ONE_WRITE });
    expect(await total()).toBe(2);
  });

  it('keeps no terminal stream warm', async () => {
    await handle(ports, [add(1)]);
    await handle(ports, [close()]);

    expect(ports.cache.peek(counterStream)).toBeUndefined();
  });

  it('answers an idempotency key again from whichever environment, and refuses it for another request', async () => {
    const keyed = { commandId: 'key', requestHash: 'h1' };
    await handle(ports, [add(1, keyed)]);

    expect(await handle(others, [add(1, keyed)])).toMatchObject([{ kind: 'repeated', sequence: 1 }]);
    expect(await handle(others, [add(2, { ...keyed, requestHash: 'h2' })])).toMatchObject([
      { kind: 'rejected', rejection: { code: 'idempotency_key_reused' } },
    ]);
    expect(await total()).toBe(1);
  });

  describe('and what they owe', () => {
    it('performs only what the commit added', async () => {
      await handle(ports, [add(1)]);
      await handle(ports, [add(2)]);

      expect(ports.performed.map(({ name }) => name)).toEqual(['total-1', 'total-3']);
    });

    it('performs everything that is owed when it meets a duplicate', async () => {
      await handle(ports, [add(1)]);
      await handle(others, [add(0)]);

      expect(others.performed.map(({ name }) => name)).toEqual(['total-1']);
    });

    it('performs what a lost commit owes when its duplicate shares a commit with others', async () => {
      const piecewise = {
        ...counter,
        outstanding: ({ total: pieces }: { readonly total: number }) =>
          Array.from({ length: pieces }, (_, piece) => ({
            kind: 'send-message' as const,
            name: `piece-${piece + 1}`,
            queue: 'sweep' as const,
            body: {},
          })),
      };
      const keyed = add(1, { commandId: 'key', requestHash: 'h' });
      ports.failure = new Error('queue is down');
      await handleCommands(ports, piecewise, { requests: [keyed] });

      await handleCommands(others, piecewise, { requests: [keyed, add(1)] });

      expect(others.performed.map(({ name }) => name)).toEqual(['piece-1', 'piece-2']);
    });

    it('performs everything when asked to', async () => {
      await handle(ports, [add(1)]);
      await handle(others, [add(0)], { performAll: false });
      expect(others.performed).toEqual([]);

      await handle(others, [add(0)], { performAll: true });
      expect(others.performed).toHaveLength(1);
    });

    it('never tells an HTTP caller that an effect failed', async () => {
      ports.failure = new Error('queue is down');

      const [outcome] = await handle(ports, [add(1)]);

      expect(outcome).toMatchObject({ kind: 'committed' });
      expect(ports.telemetry.counted.get('EffectsFailed')).toBe(1);
      expect(ports.telemetry.logged).toMatchObject([
        { level: 'error', fields: { errorMessage: 'queue is down' } },
      ]);
      expect(await total()).toBe(1);
    });

    it('fails a queue-fed handler after the facts stand', async () => {
      ports.failure = new Error('queue is down');

      const failed = await handle(ports, [add(1)], { effectsMustSucceed: true }).catch(
        (error: unknown) => error,
      );

      expect(failed).toBeInstanceOf(EffectsFailedError);
      expect(failed).toMatchObject({
        code: 'effects_failed',
        outcomes: [{ kind: 'committed' }],
        cause: ports.failure,
      });
      expect(await total()).toBe(1);
    });
  });
});

describe('handling commands over a network that fails', () => {
  it.each(['lost-answer', 'throttle', 'server-error', 'duplicate'] as const)(
    'appends once whatever meets a %s',
    async (kind) => {
      for (const operation of ['Query', 'PutItem']) {
        const stage = await localStage({ fidelity: 'handler' });
        stage.inject({ service: 'dynamodb', operation, kind, calls: [1] });

        const [outcome] = await handleCommands(commandPorts(stage), counter, { requests: [add(1)] });

        expect(stage.injected(), operation).toHaveLength(1);
        expect(outcome, operation).toMatchObject({ kind: 'committed', version: 1, state: { total: 1 } });
        expect(streamedCommits(stage), operation).toHaveLength(1);
      }
    },
  );
});
