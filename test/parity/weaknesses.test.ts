/** The tables of weaknesses of the reference and of gaps of ours name nothing that is not there. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cell, codes, tableRows } from '#test/support/markdown.ts';
import type { TableRow } from '#test/support/markdown.ts';
import { testTitles } from '#test/support/test-titles.ts';
import { inProject } from '#test/support/tracked-files.ts';

const rowsOf = (file: string): readonly TableRow[] => tableRows(readFileSync(inProject(file), 'utf8'), 'id');

describe.each(['docs/parity/weaknesses.md', 'docs/parity/run-ux-gaps.md'])('%s', (file) => {
  const rows = rowsOf(file);

  it('has each row once, in order', () => {
    const numbers = rows.map((row) => Number(cell(row, 'id').slice(1)));
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
    expect(numbers.length).toBeGreaterThan(20);
  });

  it('holds what is there by tests that are there, and says of the rest what is missing', () => {
    for (const row of rows) {
      const state = cell(row, 'state');
      const place = `${cell(row, 'id')} ${cell(row, 'test')}`;
      expect(['Implemented', 'Partial', 'Planned'], place).toContain(state);
      expect(cell(row, 'what is missing') !== '', place).toBe(state !== 'Implemented');
      const files = codes(cell(row, 'file'));
      const tests = cell(row, 'test').split(' · ');
      expect(files.length, place).toBe(state === 'Planned' ? 0 : tests.length);
      for (const [index, name] of files.entries())
        expect(testTitles(name)?.has(tests[index] ?? ''), `${place} in ${name}`).toBe(true);
    }
  });
});
