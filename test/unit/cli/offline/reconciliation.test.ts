import { expect, it } from 'vitest';
import { reconciliationText } from '#cli/offline/reconciliation.ts';
import type { Arrears } from '#functions/shared/delivery-check.ts';

const behind = (number: number, more: Partial<Arrears> = {}): Arrears => ({
  stream: `run#a/b/${number}`,
  areRowsBehind: true,
  areOutputsBehind: false,
  isHalted: false,
  ...more,
});
const halted = behind(0, { areRowsBehind: false, areOutputsBehind: true, isHalted: true });
const many = (count: number): readonly Arrears[] =>
  Array.from({ length: count }, (_, index) => behind(index));

const text = (found: readonly Arrears[], left: readonly Arrears[]): readonly string[] =>
  reconciliationText({ commitCount: 9, found, left }).split('\n');

it('says that everything has arrived, and how much of it had to be asked for', () => {
  expect(text([], [])).toEqual(['everything that 9 commits say has arrived']);
  expect(text([behind(1)], [])).toEqual([
    'behind  run#a/b/1: read models',
    'everything that 9 commits say has arrived; 1 streams were behind',
  ]);
});

it.each([
  [[halted], '1 halted stream waits for `sluice feed resume`'],
  [[halted, halted], '2 halted streams wait for `sluice feed resume`'],
  [[behind(1)], 'ask again later, and look at the dead-letter queues meanwhile'],
  [
    [behind(1), halted],
    'ask again later, and look at the dead-letter queues meanwhile; 1 halted stream waits for `sluice feed resume`',
  ],
])('tells what waits for a person from what may still come, case %#', (left, verdict) => {
  expect(text([], left).at(-1)).toBe(verdict);
});

it.each([
  [50, 50, 'behind  run#a/b/49: read models'],
  [51, 51, 'behind  and 1 more; --json has them all'],
])('of %i streams names fifty at most', (count, lineCount, last) => {
  const lines = text(many(count), []);
  expect(lines).toHaveLength(lineCount + 1);
  expect(lines.at(-2)).toBe(last);
});
