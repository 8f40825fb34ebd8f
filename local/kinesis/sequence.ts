/** Sequence numbers and hash keys: both are compared as text, so that no put needs big integers. */
import { hash } from 'node:crypto';

const SEQUENCE_PREFIX = '496';
const SEQUENCE_DIGITS = 56;
const HASH_DIGITS = 32;

/** One more than the largest hash key. */
export const HASH_KEY_END = 2n ** 128n;

/** Events of one millisecond before counters run ahead of time; with it a counter stays a safe integer until 2255. */
const EVENTS_PER_MS = 1_000;

/**
 * The least counter of an event at an instant. As on AWS, what a younger stream gives out is greater than all an
 * older one gave, even in another cloud: a consumer that remembers a position goes on after its stream was replaced.
 */
export const counterAt = (nowMs: number): number => nowMs * EVENTS_PER_MS;

/** The sequence number of the event with this counter: 56 digits, strictly increasing with it. */
export const sequenceNumber = (counter: number): string =>
  SEQUENCE_PREFIX + String(counter).padStart(SEQUENCE_DIGITS - SEQUENCE_PREFIX.length, '0');

/** Orders decimal numbers without leading zeros by value; negative, zero or positive. */
export const compareDecimal = (left: string, right: string): number => {
  if (left.length !== right.length) return left.length - right.length;
  if (left === right) return 0;
  return left < right ? -1 : 1;
};

/** The hash key of a partition key as 32 hex digits, which order as the numbers do. */
export const hashOfKey = (partitionKey: string): string => hash('md5', partitionKey);

/** A number below 2^128 as 32 hex digits. */
export const hashOfNumber = (value: bigint): string => value.toString(16).padStart(HASH_DIGITS, '0');

/** The number 32 hex digits stand for. */
export const numberOfHash = (hashKey: string): bigint => BigInt(`0x${hashKey}`);

/** Index of the first item from `start` on that is not before the place sought; the items are ordered. */
export const firstNotBefore = <Item>(
  items: readonly Item[],
  start: number,
  isBefore: (item: Item) => boolean,
): number => {
  let low = start;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && isBefore(item)) low = middle + 1;
    else high = middle;
  }
  return low;
};
