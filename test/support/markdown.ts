/** Reads the tables and lists of a Markdown text, for tests that hold a document to the code. */
import { valueOf } from '#domain/kernel/value-of.ts';

/** One row: its cells by the heading of their column. */
export type TableRow = Readonly<Record<string, string>>;

/** The text below a heading, up to the next one of any level. */
export const section = (markdown: string, heading: string): string => {
  const [, below] = markdown.split(new RegExp(`^#+ ${heading}$`, 'm'));
  if (below === undefined) throw new Error(`there is no heading ${heading}`);
  return below.split(/^#+ /m)[0] ?? '';
};

/** The rows of the table whose first column has this heading. */
export const tableRows = (markdown: string, firstColumn: string): readonly TableRow[] => {
  const lines = markdown.split('\n').map(cellsOf);
  const start = lines.findIndex((cells) => cells[0] === firstColumn);
  if (start < 0) throw new Error(`there is no table of ${firstColumn}`);
  const columns = lines[start] ?? [];
  const rest = lines.slice(start + 2);
  const end = rest.findIndex((cells) => cells.length === 0);
  return rest
    .slice(0, end < 0 ? undefined : end)
    .map((cells) => Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ''])));
};

const cellsOf = (line: string): readonly string[] =>
  line.startsWith('|')
    ? line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('\\|', '|'))
    : [];

/** The items of the numbered list of a text, in order. */
export const numberedItems = (markdown: string): readonly string[] =>
  [...markdown.matchAll(/^\d+\. (.+)$/gm)].map(([, item = '']) => item);

/** What stands in code marks, in order. */
export const codes = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

/** The cell of a column that has to be there. */
export const cell = (row: TableRow, column: string): string => valueOf(new Map(Object.entries(row)), column);
