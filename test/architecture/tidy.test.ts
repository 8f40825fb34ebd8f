import { readFileSync, existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { inProject, trackedFiles } from '#test/support/tracked-files.ts';

const files = trackedFiles().filter((name) => existsSync(inProject(name)));
const read = (name: string): string => readFileSync(inProject(name), 'utf8');
const code = files.filter((name) => /\.(ts|mjs)$/.test(name) && !name.endsWith('.d.ts'));
const production = code.filter((name) => !name.startsWith('test/') && name.endsWith('.ts'));

const LINES_MAX = 300;
const DRAWERS = ['src', 'lib', 'utils', 'common', 'helpers', 'services', 'types'];

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

it('names files in kebab-case', () => {
  const odd = code.filter((name) => !/^[a-z0-9.-]+$/.test(name.split('/').at(-1) ?? ''));

  expect(odd).toEqual([]);
});

it('leaves no marks of unfinished work', () => {
  const marks = /\b(TO[D]O|FIX[M]E|HA[C]K|XX[X])\b|\.(sk[i]p|onl[y]|tod[o])\(|@ts-ig[n]ore|\bas an[y]\b/;
  const marked = code.filter((name) => marks.test(read(name)));

  expect(marked).toEqual([]);
});

it('mentions no path of a machine', () => {
  const places = /(^|[^\w.-])\/(wor[k]|hom[e]\/\w+|far[m])\//m;
  const texts = files.filter(
    (name) => /\.(ts|mjs|js|md|json|yml|yaml)$/.test(name) && name !== 'package-lock.json',
  );

  expect(texts.filter((name) => places.test(read(name)))).toEqual([]);
});

it('documents every exported function, constant, class and interface', () => {
  const bare = production.flatMap((name) => {
    const lines = read(name).split('\n');
    return lines.flatMap((line, index) => {
      const match = /^export (?:async )?(?:function\*?|const|class|interface|abstract class) (\w+)/.exec(
        line,
      );
      if (!match) return [];
      const above = lines.slice(0, index).findLast((candidate) => !candidate.startsWith('@')) ?? '';
      return /\*\/\s*$/.test(above) || /^\/\*\*/.test(above) || isSchemaType(lines, match[1])
        ? []
        : [`${name}: ${match[1] ?? ''}`];
    });
  });

  expect(bare.length).toBeLessThanOrEqual(UNDOCUMENTED_CEILING);
});

/** A constant whose inferred type of the same name carries the comment. */
const isSchemaType = (lines: readonly string[], name: string | undefined): boolean =>
  lines.some(
    (line, index) => line.startsWith(`export type ${name ?? ''} `) && /\*\/\s*$/.test(lines[index - 1] ?? ''),
  );

/** Exports without a comment that are left; the number only falls. */
const UNDOCUMENTED_CEILING = 60;

it('writes every decision record in one form', () => {
  const records = files.filter((name) => /^docs\/adr\/\d{4}-/.test(name));
  const form = ['# ', '## Status', '## Context', '## Decision', '## Consequences'];
  const odd = records.filter((name) => form.some((heading) => !read(name).includes(heading)));

  expect(records.length).toBeGreaterThanOrEqual(6);
  expect(odd).toEqual([]);
});
