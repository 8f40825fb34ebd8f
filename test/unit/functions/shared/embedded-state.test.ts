import { beforeEach, describe, expect, it } from 'vitest';
import { handleCommands } from '#functions/shared/command-handler.ts';
import { loadStream } from '#functions/shared/load.ts';
import { counter, counterStream } from '#test/support/counter.ts';
import type { CounterCommand } from '#test/support/counter.ts';
import { commandPorts, requestOf, streamedCommits } from '#test/support/ledger.ts';
import type { RememberingPorts } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const add = (amount: number) => requestOf<CounterCommand>(counterStream, { type: 'Add', amount });
const ONE_READ = { 'dynamodb.Query': 1 };

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

  const handle = (by: RememberingPorts, requests: readonly ReturnType<typeof add>[]) =>
    handleCommands(by, counter, { requests });
  const total = async (): Promise<number> =>
    (await loadStream(ports.ledger, counter, counterStream)).state.total;

  describe('of streams with events this code does not know', () => {
    const foreign = async (mustUnderstand: boolean): Promise<void> => {
      const known = streamedCommits(stage).at(-1);
      const event = known?.events.at(-1);
      if (!known || !event) throw new Error('there is no commit yet');
      const sequence = event.sequence + 1;
      await ports.ledger.append({
        stream: known.stream,
        sequence,
        events: [
          {
            ...event,
            sequence,
            type: 'CounterSplit',
            ...(mustUnderstand ? { mustUnderstand: true as const } : {}),
          },
        ],
        committedAtMs: 0,
        commandId: 'newer',
        correlationId: 'newer',
      });
    };

    it('refuses commands when it must understand them', async () => {
      await handle(ports, [add(1)]);
      await foreign(true);

      expect(await handle(others, [add(1)])).toMatchObject([
        { kind: 'rejected', rejection: { code: 'unknown_event' } },
      ]);
      expect(await handle(ports, [add(1)])).toMatchObject([
        { kind: 'rejected', rejection: { code: 'unknown_event' } },
      ]);
    });

    it('goes on without embedding a state, so that newer code folds what this one skipped', async () => {
      await handle(ports, [add(1)]);
      await foreign(false);
      for (let count = 0; count < 12; count++) await handle(others, [add(1)]);

      const newer = {
        ...counter,
        eventTypes: new Set([...counter.eventTypes, 'CounterSplit']),
        evolve: (
          state: ReturnType<typeof counter.initialState>,
          event: Parameters<typeof counter.evolve>[1],
        ) =>
          event.type === 'CounterSplit'
            ? { ...state, total: state.total * 100 }
            : counter.evolve(state, event),
      };
      const { state } = await loadStream(ports.ledger, newer, counterStream);

      expect(
        streamedCommits(stage)
          .slice(1)
          .filter((commit) => commit.state),
      ).toEqual([]);
      expect(state.total).toBe(112);
      expect(await total()).toBe(13);
    });
  });

  describe('with a state too large to embed', () => {
    const padding = Array.from({ length: 9_000 }, (_, index) =>
      String.fromCharCode(0x4e00 + ((index * 7_919) % 20_000)),
    );
    const large = {
      ...counter,
      encodeState: (state: object) => JSON.stringify({ ...state, padding: padding.join('') }),
    };
    const handleLarge = (by: RememberingPorts) => handleCommands(by, large, { requests: [add(1)] });

    it('keeps it beside the stream and loads from there in one read', async () => {
      for (let count = 0; count < 30; count++) await handleLarge(ports);
      stage.requests();

      const loaded = await loadStream(others.ledger, large, counterStream);

      expect(loaded).toMatchObject({ version: 30, state: { total: 30 } });
      expect(stage.requests()).toEqual(ONE_READ);
      expect(streamedCommits(stage).filter((commit) => commit.state)).toEqual([]);
    });

    it('loses nothing but time when the state cannot be kept', async () => {
      const unlucky: RememberingPorts = {
        ...ports,
        ledger: { ...ports.ledger, keepState: () => Promise.reject(new Error('throttled')) },
      };

      for (let count = 0; count < 30; count++) await handleLarge(unlucky);

      expect(unlucky.telemetry.logged[0]).toMatchObject({
        level: 'warn',
        fields: { errorMessage: 'throttled' },
      });
      expect(unlucky.performed).toHaveLength(30);
      expect(await total()).toBe(30);
    });
  });
});
