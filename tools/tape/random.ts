/** A seeded generator (mulberry32): the same seed gives the same numbers everywhere. */
export interface Random {
  /** A number in [0, 1). */
  readonly next: () => number;
  /** An integer in [minimum, maximum]. */
  readonly integer: (minimum: number, maximum: number) => number;
  /** Roughly normal, mean 0, deviation 1. */
  readonly normal: () => number;
  readonly pick: <Item>(items: readonly [Item, ...Item[]]) => Item;
}

/** A source of chance that gives the same numbers for the same seed. */
export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const integer = (minimum: number, maximum: number): number =>
    minimum + Math.floor(next() * (maximum - minimum + 1));
  const normal = (): number => {
    let sum = 0;
    for (let count = 0; count < 12; count++) sum += next();
    return sum - 6;
  };
  return {
    next,
    integer,
    normal,
    pick: (items) => items[integer(0, items.length - 1)] ?? items[0],
  };
};
