/** The functions Step Functions adds to JSONata, and the two of JSONata that must follow the engine's clock. */
import { createHash } from 'node:crypto';
import jsonata from 'jsonata';
import type { Clock } from '#local/kernel/clock.ts';

type NativeFunction = (...given: readonly unknown[]) => unknown;

const formatInstant = jsonata('$fromMillis($instant, $picture, $timezone)');
const hashNames: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};
const rangeMax = 360_145;

const partition: NativeFunction = (items, size) => {
  const width = Math.trunc(Number(size));
  if (!Array.isArray(items) || items.length === 0 || !(width > 0)) return undefined;
  const list: readonly unknown[] = items;
  return Array.from({ length: Math.ceil(list.length / width) }, (_, index) =>
    list.slice(index * width, (index + 1) * width),
  );
};

const range: NativeFunction = (from, to, by) => {
  const [first, last, step] = [from, to, by].map((value) => Math.trunc(Number(value)));
  if (first === undefined || last === undefined || step === undefined) return undefined;
  const count = Math.floor((last - first) / step) + 1;
  if (!Number.isFinite(count) || count < 1) return undefined;
  if (count > rangeMax) throw new Error('Expression evaluation memory limit exceeded');
  // A sequence of one collapses to its value, as every JSONata sequence does.
  return count === 1 ? first : Array.from({ length: count }, (_, index) => first + index * step);
};

const hash: NativeFunction = (value, algorithm) => {
  const name = typeof algorithm === 'string' ? hashNames[algorithm] : undefined;
  if (value === undefined || name === undefined) return undefined;
  return createHash(name)
    .update(typeof value === 'string' ? value : JSON.stringify(value))
    .digest('hex');
};

/** Mulberry32: the same seed gives the same number, which is all `$random(seed)` promises. */
const seededNumber = (seed: number): number => {
  let mixed = (Math.trunc(seed) + 0x6d2b79f5) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};

/** A version 4 UUID drawn from the given chance. */
export const uuidFrom = (chance: () => number): string =>
  'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, (letter) => {
    const digit = Math.floor(chance() * 16);
    return (letter === 'x' ? digit : (digit & 3) | 8).toString(16);
  });

/** Functions for one evaluation: `$now` and `$millis` give one instant throughout it, as JSONata promises. */
export const machineFunctions =
  ({ clock, chance }: { readonly clock: Clock; readonly chance: () => number }) =>
  (): Readonly<Record<string, NativeFunction>> => {
    const nowMs = clock.nowMs();
    return {
      partition,
      range,
      hash,
      parse: (text) => (typeof text === 'string' ? (JSON.parse(text) as unknown) : undefined),
      random: (seed) => (typeof seed === 'number' ? seededNumber(seed) : chance()),
      uuid: () => uuidFrom(chance),
      millis: () => nowMs,
      now: (picture, timezone): unknown =>
        formatInstant.evaluate(undefined, { instant: nowMs, picture, timezone }),
      shuffle: (items) => shuffled(items, chance),
      eval: () => {
        throw new Error('$eval is not available; use $parse');
      },
    };
  };

const shuffled = (given: unknown, chance: () => number): unknown => {
  if (!Array.isArray(given)) return given;
  const items: unknown[] = [...(given as readonly unknown[])];
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(chance() * (last + 1));
    [items[last], items[other]] = [items[other], items[last]];
  }
  return items;
};
