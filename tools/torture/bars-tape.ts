/** A seeded bar tape: one-minute bars of a random walk, as long as wanted, for jobs longer than the demo's. */
import { seededRandom } from '#tools/tape/random.ts';

const START_MS = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;

const timestamp = (atMs: number): string => new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');

/** The text of a bar CSV with so many bars. */
export const barsTape = (bars: number, seed: number): string => {
  const random = seededRandom(seed);
  let price = 40_000;
  const lines = Array.from({ length: bars }, (_, index) => {
    const open = price;
    const close = open * (1 + random.normal() * 0.001);
    const high = Math.max(open, close) * (1 + random.next() * 0.0005);
    const low = Math.min(open, close) * (1 - random.next() * 0.0005);
    price = close;
    const prices = [open, high, low, close].map((value) => value.toFixed(2));
    const end = timestamp(START_MS + (index + 1) * MINUTE_MS);
    return [end, ...prices, (1 + random.next() * 50).toFixed(3)].join(',');
  });
  return `timestamp,open,high,low,close,volume\n${lines.join('\n')}\n`;
};
