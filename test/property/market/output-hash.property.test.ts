import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { addOutput, openOutputHash, outputDigest } from '#domain/market/output-hash.ts';
import type { SaidEvent } from '#domain/market/output-hash.ts';

const hashOf = (events: readonly SaidEvent[]): string => {
  const hash = openOutputHash();
  for (const event of events) addOutput(hash, event);
  return outputDigest(hash);
};

const said = (symbol: string, run: number, more: object = {}): SaidEvent => ({
  event_type: 'EngineRunCompleted',
  symbol,
  run_id: `${symbol}-${run}`,
  payload: { value: run },
  ...more,
});

/** What some symbols said, each in its order. */
const outputs = fc
  .array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 })
  .map((counts) =>
    counts.map((count, symbol) => Array.from({ length: count }, (_, run) => said(`S${symbol}`, run))),
  );

/** One order of all events that keeps each symbol's own, by drawing a symbol for each place. */
const interleaved = (bySymbol: readonly (readonly SaidEvent[])[], draws: readonly number[]): SaidEvent[] => {
  const rest = bySymbol.map((events) => [...events]);
  const whole: SaidEvent[] = [];
  for (let draw = 0; rest.some((events) => events.length > 0); draw++) {
    const open = rest.filter((events) => events.length > 0);
    const next = open[(draws[draw % draws.length] ?? 0) % open.length]?.shift();
    if (next) whole.push(next);
  }
  return whole;
};
const draws = fc.array(fc.nat(), { minLength: 1, maxLength: 30 });

it('is the same however symbols interleave', () => {
  fc.assert(
    fc.property(outputs, draws, draws, (bySymbol, one, other) => {
      expect(hashOf(interleaved(bySymbol, one))).toBe(hashOf(interleaved(bySymbol, other)));
    }),
  );
});

it('is the same however often events come again later, and whenever they were published', () => {
  fc.assert(
    fc.property(outputs, draws, fc.array(fc.tuple(fc.nat(), fc.nat())), (bySymbol, order, again) => {
      const events = interleaved(bySymbol, order);
      const repeated = again.reduce<readonly SaidEvent[]>((known, [which, behind]) => {
        const at = which % known.length;
        const place = at + 1 + (behind % (known.length - at));
        const copy = { ...known[at], published_ts_ms: behind, attempt: behind + 1 } as SaidEvent;
        return [...known.slice(0, place), copy, ...known.slice(place)];
      }, events);

      expect(hashOf(repeated)).toBe(hashOf(events));
    }),
  );
});

it('is another one when two events of a symbol change places, or one is lost or altered', () => {
  fc.assert(
    fc.property(outputs, fc.nat(), (bySymbol, which) => {
      const events = bySymbol.flat();
      const at = which % events.length;
      const hash = hashOf(events);

      expect(hashOf(events.filter((_, index) => index !== at))).not.toBe(hash);
      expect(
        hashOf(events.map((event, index) => (index === at ? { ...event, cut_end_ingest_seq: -9 } : event))),
      ).not.toBe(hash);
      const [first = [], ...others] = bySymbol;
      if (first.length > 1) expect(hashOf([...first.toReversed(), ...others.flat()])).not.toBe(hash);
    }),
  );
});

it('knows no skipped runs, so that a feed that says them and one that does not have one hash', () => {
  const skipped = said('S0', 9, { event_type: 'EngineRunSkipped' });

  expect(hashOf([skipped, said('S0', 1), skipped])).toBe(hashOf([said('S0', 1)]));
  expect(hashOf([skipped])).toBe(hashOf([]));
});

it('does not depend on the order of members', () => {
  const { symbol, ...rest } = said('S0', 1);

  expect(hashOf([{ ...rest, symbol }])).toBe(hashOf([said('S0', 1)]));
});

it('is the same where each event comes once, and remembers none of them then', () => {
  fc.assert(
    fc.property(outputs, draws, (bySymbol, order) => {
      const events = interleaved(bySymbol, order);
      const once = openOutputHash('once');
      for (const event of events) addOutput(once, event);

      expect(outputDigest(once)).toBe(hashOf(events));
      expect([...once.chains.values()].map(({ seen }) => seen.size)).toEqual(bySymbol.map(() => 0));
    }),
  );
});
