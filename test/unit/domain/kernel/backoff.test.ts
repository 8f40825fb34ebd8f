import { expect, it } from 'vitest';
import { backoffDelays, waitsBetweenTries } from '#domain/kernel/backoff.ts';
import type { RetryBounds } from '#domain/kernel/backoff.ts';

const bounds = (
  minDelayMs: number,
  maxDelayMs: number,
  attemptsMax: number,
  elapsedMaxMs?: number,
): RetryBounds => ({
  minDelayMs,
  maxDelayMs,
  attemptsMax,
  ...(elapsedMaxMs === undefined ? {} : { elapsedMaxMs }),
});

it.each([
  [bounds(100, 1_000, 6), [100, 200, 400, 800, 1_000, 1_000]],
  [bounds(250, 5_000, 5), [250, 500, 1_000, 2_000, 4_000]],
  [bounds(100, 150, 4), [100, 150, 150, 150]],
  [bounds(100, 1_000, 6, 500), [100, 200]],
  [bounds(100, 1_000, 6, 300), [100, 200]],
  [bounds(100, 1_000, 6, 299), [100]],
  [bounds(100, 1_000, 6, 99), []],
])('doubles the delay from the least to the most within the bounds: %j', (given, delays) => {
  expect(backoffDelays(given)).toEqual(delays);
});

it('waits between tries only, and never forbids the first try', () => {
  expect(waitsBetweenTries(bounds(100, 1_000, 3))).toEqual([100, 200]);
  expect(waitsBetweenTries(bounds(100, 1_000, 1))).toEqual([]);
  expect(waitsBetweenTries(bounds(100, 1_000, 6, 99))).toEqual([]);
});
