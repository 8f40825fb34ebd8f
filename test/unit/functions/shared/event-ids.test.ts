import { describe, expect, it } from 'vitest';
import { eventIds } from '#functions/shared/event-ids.ts';

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

describe('event ids', () => {
  it('rise within an instant, from instant to instant, and when the clock goes back', () => {
    const mint = eventIds();

    const ids = [1_000, 1_000, 1_000, 1_001, 999, 5_000].map(mint);

    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(ULID);
  });

  it('tell two environments apart at the same instant', () => {
    expect(eventIds()(1_000)).not.toBe(eventIds()(1_000));
  });

  it('stay unlike when the pool of random numbers has been used up and filled again', () => {
    const mint = eventIds();

    const randomParts = Array.from({ length: 500 }, (_, index) => mint(1_000 + index).slice(10));

    expect(new Set(randomParts).size).toBe(500);
  });
});
