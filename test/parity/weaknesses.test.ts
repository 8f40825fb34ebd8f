/** The table of the reference's weaknesses names nothing that is not there. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { cell, codes, tableRows } from '#test/support/markdown.ts';
import { testTitles } from '#test/support/test-titles.ts';
import { inProject } from '#test/support/tracked-files.ts';

const rows = tableRows(readFileSync(inProject('docs/parity/weaknesses.md'), 'utf8'), 'id');

it('lists each weakness once, in order', () => {
  const numbers = rows.map((row) => Number(cell(row, 'id').slice(1)));
  expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
  expect(numbers.length).toBeGreaterThan(20);
});

it('holds what is implemented by a test that is there, and says of the rest what is missing', () => {
  for (const row of rows) {
    const isPlanned = cell(row, 'state') === 'Planned';
    expect(cell(row, 'what is missing') !== '', cell(row, 'id')).toBe(isPlanned);
    if (isPlanned) continue;
    expect(cell(row, 'state')).toBe('Implemented');
    const [file = ''] = codes(cell(row, 'file'));
    expect(testTitles(file)?.has(cell(row, 'test')), `${cell(row, 'id')} ${cell(row, 'test')}`).toBe(true);
  }
});
