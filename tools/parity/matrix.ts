/** Reads the parity matrix: every table that has the columns Capability and Status. */

/** One row of the matrix. */
export interface MatrixRow {
  /** The heading above its table. */
  readonly section: string;
  /** Its line in the file, from 1 on. */
  readonly line: number;
  readonly capability: string;
  readonly status: string;
  readonly code: string;
  readonly tests: string;
  readonly ci: string;
}

/** The rows of a matrix, and what is wrong with its tables. */
export interface Matrix {
  readonly rows: readonly MatrixRow[];
  readonly faults: readonly string[];
}

const COLUMNS = ['Capability', 'Status', 'Evidence (Code)', 'Evidence (Tests)', 'Evidence (CI)'] as const;

/** The rows of every table of capabilities; a table that lacks a column is a fault. */
export const readMatrix = (markdown: string): Matrix => {
  const rows: MatrixRow[] = [];
  const faults: string[] = [];
  let section = '';
  let columns: readonly string[] | undefined;
  for (const [index, text] of markdown.split('\n').entries()) {
    const cells = cellsOf(text);
    if (cells === undefined) {
      columns = undefined;
      section = /^#+ (.+)$/.exec(text)?.[1] ?? section;
    } else if (columns === undefined) {
      columns = cells;
      if (cells.includes('Capability') && cells.includes('Status'))
        faults.push(
          ...COLUMNS.filter((column) => !cells.includes(column)).map(
            (column) => `line ${index + 1} [${section}]: the table has no column ${column}`,
          ),
        );
    } else if (columns.includes('Capability') && !/^-+$/.test(cells[0] ?? ''))
      rows.push(rowOf(columns, cells, { section, line: index + 1 }));
  }
  return { rows, faults };
};

const cellsOf = (text: string): readonly string[] | undefined =>
  text.startsWith('|')
    ? text
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim())
    : undefined;

const rowOf = (
  columns: readonly string[],
  cells: readonly string[],
  place: Pick<MatrixRow, 'section' | 'line'>,
): MatrixRow => {
  const cell = (column: (typeof COLUMNS)[number]): string => cells[columns.indexOf(column)] ?? '';
  return {
    ...place,
    capability: cell('Capability'),
    status: cell('Status'),
    code: cell('Evidence (Code)'),
    tests: cell('Evidence (Tests)'),
    ci: cell('Evidence (CI)'),
  };
};

/** Whether a row claims to be there. */
export const isImplemented = ({ status }: MatrixRow): boolean => status.startsWith('Implemented');

/** The test files a row names. */
export const testFilesOf = ({ tests }: MatrixRow): readonly string[] =>
  [...tests.matchAll(/`(test\/[^`]+\.test\.ts)`/g)].map(([, file = '']) => file);

/** The gates a row names, for example `m1.runkey-dup`. */
export const gatesOf = ({ tests }: MatrixRow): readonly string[] =>
  [...tests.matchAll(/\bm\d+\.[a-z0-9-]+/g)].map(([gate]) => gate);

/** The status page: how many rows of each section stand how. */
export const statusPage = (rows: readonly MatrixRow[]): string => {
  const statuses = [...new Set(rows.map(({ status }) => status))].sort();
  const sections = [...new Set(rows.map(({ section }) => section))];
  const count = (section: string | undefined, status: string): string =>
    String(
      rows.filter((row) => row.status === status && (section === undefined || row.section === section))
        .length,
    );
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    '# Parity status',
    '',
    '<!-- Generated from matrix.md by `npm run parity -- --write`; do not edit. -->',
    '',
    line(['Section', ...statuses]),
    line(['---', ...statuses.map(() => '---')]),
    ...sections.map((section) => line([section, ...statuses.map((status) => count(section, status))])),
    line(['All', ...statuses.map((status) => count(undefined, status))]),
    '',
  ].join('\n');
};
