import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { undocumentedExports } from '#test/architecture/exported-values.ts';
import { inProject, trackedFiles } from '#test/support/tracked-files.ts';

const files = trackedFiles().filter((name) => existsSync(inProject(name)));
const read = (name: string): string => readFileSync(inProject(name), 'utf8');
const code = files.filter((name) => /\.(ts|mjs)$/.test(name) && !name.endsWith('.d.ts'));
const production = code.filter(
  (name) => name.includes('/') && !name.startsWith('test/') && name.endsWith('.ts'),
);

const LINES_MAX = 300;
const DRAWERS = ['src', 'lib', 'utils', 'common', 'helpers', 'services', 'types'];

it('sees the tree', () => {
  expect(production.length).toBeGreaterThan(250);
});

it('has no folder that is a drawer for things without a name', () => {
  const drawers = files.filter((name) =>
    name
      .split('/')
      .slice(0, -1)
      .some((folder) => DRAWERS.includes(folder)),
  );

  expect(drawers).toEqual([]);
});

it('keeps every production file within 300 lines', () => {
  const long = production
    .map((name) => ({ name, lines: read(name).split('\n').length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX);

  expect(long).toEqual([]);
});

it('names source files in kebab-case', () => {
  const odd = code.filter((name) => !/^\.?[a-z0-9]+([.-][a-z0-9]+)*$/.test(name.split('/').at(-1) ?? ''));

  expect(odd).toEqual([]);
});

it('leaves no marks of unfinished work', () => {
  const marks = /\b(TO[D]O|FIX[M]E|HA[C]K|XX[X])\b|\.(sk[i]p|onl[y]|tod[o])\(|@ts-ig[n]ore|\bas an[y]\b/;
  const marked = code.filter((name) => marks.test(read(name)));

  expect(marked).toEqual([]);
});

it('has no default export but where a tool asks for one', () => {
  const defaulting = code.filter((name) => /^export default\b/m.test(read(name)));

  expect(defaulting.filter((name) => name.includes('/'))).toEqual([]);
});

it('mentions no path of a machine', () => {
  const places = /(^|[^\w.-])\/(wor[k]|hom[e]\/\w+|far[m])\//m;
  const texts = files.filter(
    (name) => /\.(ts|mjs|js|md|json|yml|yaml)$/.test(name) && name !== 'package-lock.json',
  );

  expect(texts.filter((name) => places.test(read(name)))).toEqual([]);
});

it('documents every exported function, constant and class', () => {
  const bare = production.flatMap((name) =>
    undocumentedExports(name, read(name)).map((value) => `${name}: ${value}`),
  );

  expect(bare).toEqual([]);
});

it('knows a documented export from a bare one', () => {
  const text = [
    '/** What the file is for. */',
    "import * as z from 'zod';",
    'export const bare = 1;',
    '/** Told. */ export const told = 2;',
    'export const Shape = z.string();',
    '/** Told at its type. */',
    'export type Shape = z.infer<typeof Shape>;',
    'export interface Untold { readonly a: 1 }',
    'const hidden = 3;',
    '/** Promises. */',
    'export async function act() { return hidden; }',
    'export class Bare {}',
  ].join('\n');

  expect(undocumentedExports('probe.ts', text)).toEqual(['bare', 'Bare']);
});

it('writes every decision record in one form', () => {
  const records = files.filter((name) => /^docs\/adr\/\d{4}-/.test(name));
  const form = [
    /^# \d{4} \S/m,
    /^## Status$/m,
    /^## Context$/m,
    /^## Decision$/m,
    /^## Consequences$/m,
  ] as const;
  const odd = records.filter((name) => {
    const text = read(name);
    const places = form.map((heading) => text.search(heading));
    return places.some((place, index) => place < 0 || place < (places[index - 1] ?? 0));
  });

  expect(records.length).toBeGreaterThanOrEqual(6);
  expect(odd.filter((name) => !name.includes('0000-template'))).toEqual([]);
});

it('numbers decision records without gaps', () => {
  const numbers = files.flatMap((name) => /^docs\/adr\/(\d{4})-/.exec(name)?.slice(1) ?? []).sort();

  expect(numbers).toEqual(numbers.map((_, index) => String(index).padStart(4, '0')));
});
