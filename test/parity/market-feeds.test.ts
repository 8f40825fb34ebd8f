/** The table of the market plane's checklist is whole, and names nothing that is not there. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { cell, codes, tableRows } from '#test/support/markdown.ts';
import { testTitles, titlesOf } from '#test/support/test-titles.ts';
import { inProject } from '#test/support/tracked-files.ts';

const table = readFileSync(inProject('docs/parity/market-feeds.md'), 'utf8');
const features = tableRows(table, 'id');
const proofs = tableRows(table, 'proves');

it('has a row for every id of the checklist, in order', () => {
  const ids = [...new Set(features.map((row) => cell(row, 'id')))];

  expect(ids).toEqual(Array.from({ length: 25 }, (_, index) => `M${index + 1}`));
});

it('says of what is planned what is missing, and of nothing else', () => {
  for (const row of features) {
    const isPlanned = cell(row, 'state') === 'Planned';
    if (!isPlanned) expect(cell(row, 'state')).toBe('Implemented');
    expect(cell(row, 'what is missing') !== '', cell(row, 'what')).toBe(isPlanned);
  }
});

it('holds everything that is implemented by tests that are there', () => {
  const implemented = features.filter((row) => cell(row, 'state') === 'Implemented');
  const proven = new Set(proofs.map((row) => cell(row, 'proves')));
  const missing = proofs.filter((row) => {
    const [file = ''] = codes(cell(row, 'file'));
    return testTitles(file)?.has(cell(row, 'test')) !== true;
  });

  expect(proven).toEqual(new Set(implemented.map((row) => cell(row, 'id'))));
  expect(missing).toEqual([]);
});

it('would notice a test that is not there, or is not one', () => {
  const text = [
    "// it('in a comment', () => undefined);",
    "describe.each(rows)('a group', () => {",
    "  it.each([1])('a row %i', () => undefined);",
    "  it('has another title', () => expect('no title').toBe('it'));",
    '});',
  ].join('\n');

  expect([...titlesOf(text)]).toEqual(['a group', 'a row %i', 'has another title']);
  expect(testTitles('test/parity/gone.test.ts')).toBeUndefined();
});
