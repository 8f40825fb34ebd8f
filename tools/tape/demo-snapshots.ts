/** The snapshots of the demo tape: evidence that makes regimes vary, and every way a snapshot can go wrong. */
import { regimes } from '#contracts/market/regime.ts';
import { DEMO_MINUTES, DEMO_START_MS, round } from '#tools/tape/demo-market.ts';
import type { DemoSymbol, VenueEvent } from '#tools/tape/demo-market.ts';
import type { Random } from '#tools/tape/random.ts';

const BOUNDARY_MS = 180_000;
/** Boundaries of the tape; the last minute of it lies behind the last one. */
const BOUNDARIES = Math.floor(DEMO_MINUTES / 3);

/** What happens to the snapshot of a symbol at a boundary; anything else is an ordinary one. */
const accidents: Readonly<
  Record<string, 'missing' | 'late' | 'early' | 'corrected' | 'bare' | 'foreign' | 'unknown'>
> = {
  'BTC-PERP#2': 'bare',
  'BTC-PERP#5': 'late',
  'BTC-PERP#10': 'unknown',
  'ETH-PERP#4': 'missing',
  'ETH-PERP#7': 'early',
  'ETH-PERP#11': 'bare',
  'SOL-PERP#3': 'corrected',
  'SOL-PERP#6': 'foreign',
  'SOL-PERP#9': 'missing',
};

const opinion = (regime: string, source: string, random: Random) => ({
  regime,
  strength: round(0.4 + random.next() * 0.6, 3),
  confidence: round(0.3 + random.next() * 0.7, 3),
  source,
});

const snapshot = (
  at: { readonly symbol: string; readonly timestampMs: number; readonly price: number },
  opinions: readonly object[] | undefined,
  random: Random,
): Readonly<Record<string, unknown>> => ({
  timestamp_ms: at.timestampMs,
  market: {
    price: at.price,
    vwap: round(at.price * (1 + random.normal() * 2e-4), 3),
    atr_z: round(random.normal(), 3),
    range_expansion: round(random.next(), 3),
    acceptance_score: round(random.next(), 3),
    ...(opinions && {
      structure_levels: {
        composer_evidence_snapshot_v1: {
          symbol: at.symbol,
          engine_timestamp_ms: at.timestampMs,
          opinions,
        },
      },
    }),
  },
  derivatives: { oi_slope_short: round(random.normal(), 3), liquidation_intensity: null },
  flow: { cvd: round(random.normal() * 50, 2), cvd_efficiency: round(random.next(), 3) },
});

const opinionsFor = (regime: string, random: Random) => [
  opinion(regime, 'demo:flow', random),
  ...(random.next() < 0.5 ? [opinion(regime, 'demo:structure', random)] : []),
];

/** The snapshots of one symbol, given the close of each minute. */
export const snapshotEvents = (
  of: DemoSymbol,
  closes: readonly number[],
  random: Random,
): readonly VenueEvent[] => {
  const events: VenueEvent[] = [];
  let regime: string = random.pick(regimes);
  for (let index = 1; index <= BOUNDARIES; index++) {
    if (random.next() < 0.45) regime = random.pick(regimes);
    const timestampMs = DEMO_START_MS + index * BOUNDARY_MS;
    const at = { symbol: of.symbol, timestampMs, price: closes[index * 3 - 1] ?? of.price };
    const add = (normalized: Readonly<Record<string, unknown>>, afterMs: number): void => {
      const recvTsMs = timestampMs + afterMs;
      const head = { symbol: of.symbol, eventType: 'SnapshotInputs', channel: 'snapshot_inputs' };
      events.push({ ...head, exchangeTsMs: timestampMs, recvTsMs, normalized });
    };
    const opinions = opinionsFor(regime, random);
    const whole = snapshot(at, opinions, random);
    const promptMs = random.integer(300, 900);
    switch (accidents[`${of.symbol}#${index}`]) {
      case 'missing':
        break;
      case 'late':
        add(whole, 2_600);
        break;
      case 'early':
        add(whole, 400 - BOUNDARY_MS);
        break;
      case 'corrected':
        add(whole, promptMs);
        add(snapshot(at, opinionsFor('SQUEEZE_DOWN', random), random), 1_400);
        break;
      case 'bare':
        add(snapshot(at, undefined, random), promptMs);
        break;
      case 'foreign':
        add(snapshot({ ...at, symbol: 'DOGE-PERP' }, opinions, random), promptMs);
        break;
      case 'unknown':
        add(snapshot(at, [opinion('SIDEWAYS', 'demo:beta', random), ...opinions], random), promptMs);
        break;
      case undefined:
        add(whole, promptMs);
    }
  }
  return events;
};
