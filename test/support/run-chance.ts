/** Worlds of runs by seed: graphs, policies, limits, cancels and faults that a test of whole runs plays through. */
import { seededChance } from '#local/dispatch/faults.ts';
import type { FaultKind, FaultRule } from '#local/dispatch/faults.ts';
import { manifestOf } from '#test/support/cloud-assets.ts';

/** Choices that depend on the seed alone. */
export interface Dice {
  /** A whole number from 0 on, below the bound. */
  readonly below: (bound: number) => number;
  readonly pick: <Value>(values: readonly Value[]) => Value;
  readonly happens: (probability: number) => boolean;
  readonly shuffled: <Value>(values: readonly Value[]) => readonly Value[];
}

export const diceOf = (seed: number): Dice => {
  const chance = seededChance(seed);
  const below = (bound: number): number => Math.floor(chance() * bound);
  return {
    below,
    pick: <Value>(values: readonly Value[]): Value => values[below(values.length)] as Value,
    happens: (probability) => chance() < probability,
    shuffled: (values) =>
      values
        .map((value) => ({ value, place: chance() }))
        .sort((one, other) => one.place - other.place)
        .map(({ value }) => value),
  };
};

/** One run of every asset. */
export interface PlannedCall {
  readonly body: {
    readonly runKey: string;
    readonly selection: readonly string[];
    readonly timeoutSec?: number;
  };
  /** The step before which somebody cancels it. */
  readonly cancelAtStep?: number;
}

export interface RunWorld {
  readonly manifest: object;
  /** Slots by limit. */
  readonly capacities: Readonly<Record<string, number>>;
  readonly calls: readonly PlannedCall[];
  /** None in every fourth world, so that what only a lost word delays can be asserted exactly there. */
  readonly faults: readonly FaultRule[];
}

/** The world of a seed. */
export const worldOf = (seed: number): RunWorld => {
  const dice = diceOf(seed);
  const names = Array.from({ length: 2 + dice.below(6) }, (_, index) => `t${index}`);
  const assets = Object.fromEntries(
    names.map((name, index) => [
      name,
      { after: names.slice(0, index).filter(() => dice.happens(0.35)), execution: executionOf(dice) },
    ]),
  );
  const capacities = {
    'key:warehouse': 1 + dice.below(2),
    ...(dice.happens(0.4) ? { workspace: 2 + dice.below(3) } : {}),
  };
  const limits = Object.entries(capacities).map(([limit, capacity]) => ({ limit, capacity }));
  const selection = names.map((name) => `demo.${name}`);
  return {
    manifest: { ...manifestOf(assets), limits },
    capacities,
    calls: Array.from({ length: 1 + dice.below(3) }, (_, index) => ({
      body: {
        ...{ runKey: `run-${index}`, selection },
        ...(dice.happens(0.15) ? { timeoutSec: dice.pick([30, 300]) } : {}),
      },
      ...(dice.happens(0.25) ? { cancelAtStep: dice.below(12) } : {}),
    })),
    faults: seed % 4 === 0 ? [] : faults,
  };
};

const executionOf = (dice: Dice): object => ({
  heartbeatTimeoutSec: 30,
  triggerRule: dice.pick(['all_success', 'all_success', 'all_done', 'one_success', 'none_failed', 'always']),
  retry: { maxAttempts: 1 + dice.below(4), baseMs: dice.pick([1_000, 5_000, 90_000]) },
  cancelGraceSec: dice.pick([0, 30, 120]),
  ...(dice.happens(0.2) ? { attemptTimeoutSec: 60 } : {}),
  ...(dice.happens(0.5) ? { concurrencyKey: 'warehouse' } : {}),
  ...(dice.happens(0.15) ? { runner: 'noop' } : {}),
});

/** Tables by name, so that a rebuild in a table of its own meets none. */
const operations: readonly Pick<FaultRule, 'service' | 'operation' | 'resource'>[] = [
  ...['ledger', 'views', 'control'].map((table) => ({
    ...{ service: 'dynamodb' as const, operation: 'PutItem', resource: `sluice-dev-${table}` },
  })),
  ...['Query', 'GetItem', 'DeleteItem', 'UpdateItem'].map((operation) => ({
    ...{ service: 'dynamodb' as const, operation },
  })),
  { service: 'sqs', operation: 'SendMessageBatch' },
  { service: 'states', operation: 'StartExecution' },
];
const kinds: readonly FaultKind[] = ['lost-answer', 'throttle', 'duplicate'];
const faults = operations.flatMap((operation) =>
  kinds.map((kind): FaultRule => ({ ...operation, kind, probability: 0.04, hitsMax: 6 })),
);
