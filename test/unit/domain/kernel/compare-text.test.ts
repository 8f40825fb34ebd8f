import { expect, it } from 'vitest';
import { compareText } from '#domain/kernel/compare-text.ts';

it('orders by code unit, capitals before small letters, and says when two are equal', () => {
  expect([compareText('B', 'a'), compareText('a', 'B'), compareText('a', 'a')]).toEqual([-1, 1, 0]);
});
