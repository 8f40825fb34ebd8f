/** The names of the tests of a file, read as the compiler reads it, so that a name in a comment is none. */
import { existsSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { inProject } from '#test/support/tracked-files.ts';

const runners = new Set(['it', 'test', 'describe']);

/** Titles of tests and of groups of tests, without those around them; undefined when there is no such file. */
export const testTitles = (name: string): ReadonlySet<string> | undefined => {
  const titles =
    known.get(name) ??
    (existsSync(inProject(name)) ? titlesOf(readFileSync(inProject(name), 'utf8')) : undefined);
  if (titles) known.set(name, titles);
  return titles;
};

const known = new Map<string, ReadonlySet<string>>();

/** The same of a source text. */
export const titlesOf = (text: string): ReadonlySet<string> => {
  const titles = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && runners.has(rootOf(node.expression))) {
      const [title] = node.arguments;
      if (title && ts.isStringLiteralLike(title)) titles.add(title.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('test.ts', text, ts.ScriptTarget.Latest, true));
  return titles;
};

/** `it` of `it.concurrent.each(rows)(…)`. */
const rootOf = (expression: ts.Expression): string => {
  if (ts.isIdentifier(expression)) return expression.text;
  return ts.isCallExpression(expression) || ts.isPropertyAccessExpression(expression)
    ? rootOf(expression.expression)
    : '';
};
