/** Counters whose rules break for the amount 13, each at another place, after they have half changed their state. */
import type { Counter } from '#test/support/counter.ts';
import { counter } from '#test/support/counter.ts';

/** The amount that breaks the rules. */
export const POISON = 13;

const breakAt = (place: string): never => {
  throw new Error(`broken while ${place}`);
};

interface Mutable {
  total: number;
}

const adds = (amount: unknown): boolean => Number(amount) % 100 === POISON;
const holds = ({ total }: Counter): boolean => total % 100 === POISON;

/** The decider throws, having changed what it was only shown. */
export const brokenDecide: typeof counter = {
  ...counter,
  decide: (command, state, context) => {
    if (command.type === 'Add' && adds(command.amount)) {
      (state as Mutable).total += 1_000;
      return breakAt('deciding');
    }
    return counter.decide(command, state, context);
  },
};

/** The fold throws in the middle of an event. */
export const brokenFold: typeof counter = {
  ...counter,
  evolve: (state, event) => {
    if (adds(event.data['amount'])) {
      (state as Mutable).total += 1_000;
      return breakAt('folding');
    }
    return counter.evolve(state, event);
  },
};

/** What leaves the system because of an event cannot be told. */
export const brokenOutputs: typeof counter = {
  ...counter,
  outputs: (events) => (events.some(({ data }) => adds(data['amount'])) ? breakAt('telling outputs') : []),
};

/** What a state owes cannot be told. */
export const brokenOutstanding: typeof counter = {
  ...counter,
  outstanding: (state, nowMs) =>
    holds(state) ? breakAt('telling effects') : counter.outstanding(state, nowMs),
};
