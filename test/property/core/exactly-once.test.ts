/** Whatever the network does to environments that race on one stream, each keyed command takes effect once. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FaultKind } from '#local/dispatch/faults.ts';
import { loadStream } from '#functions/shared/load.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { counter, counterStream } from '#test/support/counter.ts';
import type { CounterCommand } from '#test/support/counter.ts';
import { commandPorts, requestOf, streamedCommits } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';

const TRIES = 200;

/** A caller who repeats its request under the same key until it is answered. */
const insist = async (boxes: readonly Mailbox[], key: number): Promise<string> => {
  const request = requestOf<CounterCommand>(
    counterStream,
    { type: 'Add', amount: 1 },
    { commandId: `key-${key}`, requestHash: 'h' },
  );
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      const box = boxes[(key + tries) % boxes.length];
      const outcome = await box?.send(counter, request);
      if (outcome) return outcome.kind;
    } catch {
      // The answer was lost or refused: ask again, perhaps somewhere else.
    }
  }
  throw new Error(`key ${key} was never answered`);
};

describe('commands under keys', () => {
  it('take effect exactly once through faults and races', async () => {
    const kinds = fc.constantFrom<FaultKind>('lost-answer', 'throttle', 'server-error', 'duplicate');
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.tuple(kinds, fc.constantFrom('PutItem', 'Query')), { maxLength: 3 }),
        async (keys, environments, faults) => {
          const stage = await localStage();
          stage.inject(
            ...faults.map(([kind, operation]) => ({
              service: 'dynamodb' as const,
              operation,
              kind,
              probability: 0.2,
            })),
          );
          const boxes = Array.from({ length: environments }, () => mailbox(commandPorts(stage)));

          const answers = await Promise.all(Array.from({ length: keys }, (_, key) => insist(boxes, key)));

          stage.inject();
          const { state, version } = await loadStream(commandPorts(stage).ledger, counter, counterStream);
          expect(state.total).toBe(keys);
          expect(version).toBe(keys);
          expect(new Set(answers).size).toBeLessThanOrEqual(2);
          const events = streamedCommits(stage).flatMap((commit) => commit.events);
          expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
        },
      ),
      { numRuns: 40 },
    );
  });
});
