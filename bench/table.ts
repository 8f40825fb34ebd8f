/** Prints measurements as one table of text columns. */
import type { Measured, Row } from '#bench/measurement.ts';

const HEAD = ['measurement', 'what', 'value', 'unit', 'target'] as const;
/** The column of numbers, which is aligned on its right. */
const VALUE_COLUMN = 2;
const SIGNIFICANT_DIGITS = 3;

/** A number as a person reads it: three significant digits below 1,000, whole and grouped above. */
export const formatValue = (value: number): string => {
  if (value === 0) return '0';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  const text = value.toPrecision(SIGNIFICANT_DIGITS);
  return text.includes('e') ? text : String(Number(text));
};

const cellsOf = (measurement: string, { what, value, unit, target = '' }: Row): readonly string[] => [
  measurement,
  what,
  formatValue(value),
  unit,
  target,
];

/** One line per row under a head, columns as wide as their widest cell. */
export const formatTable = (measured: readonly Measured[]): string => {
  const lines = [
    HEAD,
    ...measured.flatMap(({ measurement, rows }) => rows.map((row) => cellsOf(measurement, row))),
  ];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? '').length)));
  const pad = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    return column === VALUE_COLUMN ? cell.padStart(width) : cell.padEnd(width);
  };
  return lines.map((cells) => cells.map(pad).join('  ').trimEnd()).join('\n');
};
