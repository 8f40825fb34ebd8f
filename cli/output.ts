/** What commands print: tables and colour for people on a terminal, one JSON document a line with `--json`. */
import process from 'node:process';
import { styleText } from 'node:util';

export interface Output {
  readonly isJson: boolean;
  /** The result of a command. */
  readonly result: (value: unknown, text: () => string) => void;
  /** Progress and remarks, on standard error. */
  readonly note: (text: string) => void;
}

type Style = 'bold' | 'green' | 'red' | 'yellow' | 'cyan' | 'dim';

/** Colours text on a terminal only. */
export const paint = (
  style: Style,
  text: string,
  stream: { readonly isTTY?: boolean } = process.stdout,
): string => (stream.isTTY && process.env['NO_COLOR'] === undefined ? styleText(style, text) : text);

/** Output to this process's streams. */
export const output = (isJson: boolean): Output => ({
  isJson,
  result: (value, text) => void process.stdout.write(`${isJson ? JSON.stringify(value) : text()}\n`),
  note: (text) => void process.stderr.write(`${text}\n`),
});

/** Columns padded to their widest cell, with a header line. */
export const table = (header: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [paint('bold', line(header)), ...rows.map(line)].join('\n');
};
