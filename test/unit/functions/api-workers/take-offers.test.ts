import { describe, expect, it } from 'vitest';
import type { Offer, Offers } from '#domain/ports/control.ts';
import { spread, takeOffers } from '#functions/api-workers/take-offers.ts';
import type { Claim } from '#functions/api-workers/start-attempt.ts';
import { witness } from '#test/support/ledger.ts';

const offersOf = (count: number, priority = 'normal'): Offer[] =>
  Array.from({ length: count }, (_, index) => ({ taskKey: `m.t${index}`, priority }) as unknown as Offer);

const claimOf = (maxTasks: number, requestId = 'r-1') =>
  ({ place: { queue: 'default-queue' }, wish: { maxTasks }, request: { requestId } }) as Claim;

/** A queue whose first so many offers somebody else takes between the look and the try. */
const crowded = (standing: readonly Offer[], lost: number | ((offer: Offer) => boolean)) => {
  const looks: number[] = [];
  const tried: Offer[] = [];
  const isLost = typeof lost === 'number' ? () => tried.length <= lost : lost;
  const offers = {
    peek: (_place: unknown, limit: number) => {
      looks.push(limit);
      return Promise.resolve(standing.slice(0, limit));
    },
    take: (offer: Offer) => {
      tried.push(offer);
      return Promise.resolve(!isLost(offer));
    },
  } as Pick<Offers, 'peek' | 'take'> as Offers;
  return { looks, tried, ports: { offers, telemetry: witness() } };
};

const taken = async (ports: { offers: Offers; telemetry: ReturnType<typeof witness> }, claim: Claim) => {
  const used: Offer[] = [];
  await takeOffers(ports, claim, (offer) => Promise.resolve(used.push(offer) > 0));
  return used;
};

describe('taking offers', () => {
  it('takes the oldest as long as nobody else is there, and looks once', async () => {
    const standing = offersOf(50);
    const { ports, looks } = crowded(standing, 0);

    expect(await taken(ports, claimOf(3))).toEqual(standing.slice(0, 3));
    expect(looks).toEqual([6]);
  });

  it('looks wider once after a lost try, and begins at its own place there', async () => {
    const standing = offersOf(50);
    const { ports, looks, tried } = crowded(standing, 1);

    expect(await taken(ports, claimOf(3))).toEqual(spread(standing, 'r-1').slice(0, 3));
    expect(looks).toEqual([6, 100]);
    expect(tried[0]).toBe(standing[0]);
  });

  it.each([
    [2, 1],
    [3, 0],
  ])('has lost %i tries and takes %i task', async (lost, count) => {
    const { ports, looks } = crowded(offersOf(50), lost);

    expect(await taken(ports, claimOf(1))).toHaveLength(count);
    expect(looks).toEqual([2, 100]);
  });

  it('goes on behind what was taken and turned out to be over', async () => {
    const standing = offersOf(4);
    const { ports } = crowded(standing, 0);
    const seen: Offer[] = [];

    await takeOffers(ports, claimOf(1), (offer) => Promise.resolve(seen.push(offer) > 1));

    expect(seen).toEqual(standing.slice(0, 2));
  });

  it('throws a fault before the first task, and ends with a log line at one behind it', async () => {
    const fails = async (failAt: number) => {
      const { ports } = crowded(offersOf(4), 0);
      let count = 0;
      const use = () => (count++ === failAt ? Promise.reject(new Error('down')) : Promise.resolve(true));
      await takeOffers(ports, claimOf(4), use);
      return { count, logged: ports.telemetry.logged };
    };

    await expect(fails(0)).rejects.toThrow('down');
    expect(await fails(2)).toMatchObject({ count: 3, logged: [{ level: 'error' }] });
  });
});

describe('the spread of a crowd', () => {
  it('keeps the more urgent first, each offer once, and another place for another request', () => {
    const urgent = offersOf(20, 'high');
    const others = offersOf(5);
    const starts = new Set<string>();

    for (let index = 0; index < 40; index++) {
      const order = spread([...urgent, ...others], `r-${index}`);
      expect(order.slice(20)).toEqual(others);
      expect(new Set(order.slice(0, 20))).toEqual(new Set(urgent));
      starts.add(order[0]?.taskKey ?? '');
    }

    expect(starts.size).toBeGreaterThan(10);
    expect(spread([], 'r-1')).toEqual([]);
  });
});
