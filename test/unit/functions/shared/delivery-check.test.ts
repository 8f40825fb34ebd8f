/** Which streams are behind, and which only lack rows that have expired. */
import { expect, it } from 'vitest';
import { runProjection } from '#domain/run/run-projection.ts';
import { arrearsOf } from '#functions/shared/delivery-check.ts';
import type { DeliveryCheckPorts } from '#functions/shared/delivery-check.ts';

const NOW_MS = Date.parse('2026-06-01T00:00:00Z');
const KEPT_MS = runProjection.rowsKeptMs ?? 0;

const ports: DeliveryCheckPorts = {
  views: { get: () => Promise.resolve(undefined) },
  cursors: { read: () => Promise.resolve({ position: 9 }) },
  nowMs: () => NOW_MS,
};

it.each([
  ['run#acme/prod/run_1', KEPT_MS - 1, true],
  ['run#acme/prod/run_1', KEPT_MS, false],
  // Rows that are kept for ever are behind, however long their stream has been silent.
  ['feed#acme/prod/demo', 10 * KEPT_MS, true],
])('%s, silent for %i ms and without a row, is behind: %s', async (stream, silentMs, isBehind) => {
  const head = { stream, version: 3, lastOccurredAtMs: NOW_MS - silentMs };
  expect((await arrearsOf(ports, head))?.areRowsBehind ?? false).toBe(isBehind);
});
