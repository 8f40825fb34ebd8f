import { describe, expect, it } from 'vitest';
import { formatTable, formatValue } from '#bench/table.ts';

describe('formatValue', () => {
  it.each([
    [0, '0'],
    [1, '1'],
    [0.012345, '0.0123'],
    [1.5, '1.5'],
    [12.345, '12.3'],
    [999.4, '999'],
    [1000, '1,000'],
    [1_234_567.8, '1,234,568'],
    [-2_500, '-2,500'],
    [0.000_000_012_3, '1.23e-8'],
  ])('shows %d as %s', (value, text) => {
    expect(formatValue(value)).toBe(text);
  });
});

describe('formatTable', () => {
  it('aligns columns by their widest cell, numbers on the right', () => {
    const table = formatTable([
      { measurement: 'one', rows: [{ what: 'rate', value: 12_000, unit: '/s', target: 'at least 1' }] },
      { measurement: 'other', rows: [{ what: 'p50', value: 0.5, unit: 'ms' }] },
    ]);

    expect(table.split('\n')).toEqual([
      'measurement  what   value  unit  target',
      'one          rate  12,000  /s    at least 1',
      'other        p50      0.5  ms',
    ]);
  });

  it('shows the head alone when nothing was measured', () => {
    expect(formatTable([])).toBe('measurement  what  value  unit  target');
  });
});
