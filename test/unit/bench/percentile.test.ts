import { describe, expect, it } from 'vitest';
import { percentile } from '#bench/percentile.ts';

describe('percentile', () => {
  it('answers the only value whatever is asked', () => {
    expect([0, 50, 100].map((percent) => percentile([7], percent))).toEqual([7, 7, 7]);
  });

  it('takes the nearest rank, whatever the order of the values', () => {
    const values = [10, 1, 9, 2, 8, 3, 7, 4, 6, 5];

    expect([10, 11, 50, 51, 99, 100].map((percent) => percentile(values, percent))).toEqual([
      1, 2, 5, 6, 10, 10,
    ]);
  });

  it('orders by number and not by text', () => {
    expect(percentile([100, 9], 50)).toBe(9);
  });

  it('leaves the values as they are', () => {
    const values = [2, 1];

    percentile(values, 50);

    expect(values).toEqual([2, 1]);
  });

  it('refuses to answer for no values', () => {
    expect(() => percentile([], 50)).toThrow('there are no values');
  });
});
