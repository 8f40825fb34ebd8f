/** The titles of the tests of a source text that assert something, read as the compiler reads it. */
import ts from 'typescript';

const RUNNERS = new Set(['it', 'test']);
const ASSERTIONS = new Set(['expect', 'assert', 'thenRecords', 'thenRecordsNothing', 'thenRefuses']);

/** Titles of the tests whose body calls an assertion. */
export const assertingTests = (text: string): readonly string[] => {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && RUNNERS.has(rootOf(node.expression))) {
      const [title, ...rest] = node.arguments;
      if (title && ts.isStringLiteralLike(title) && rest.some(asserts)) titles.push(title.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('test.ts', text, ts.ScriptTarget.Latest, true));
  return titles;
};

const asserts = (node: ts.Node): boolean =>
  (ts.isCallExpression(node) && ASSERTIONS.has(calledName(node.expression))) ||
  (ts.forEachChild(node, (child) => asserts(child) || undefined) ?? false);

/** `expect` of `expect(…)`, `thenRecords` of `story.when(…).thenRecords(…)`. */
const calledName = (expression: ts.Expression): string => {
  if (ts.isIdentifier(expression)) return expression.text;
  return ts.isPropertyAccessExpression(expression) ? expression.name.text : '';
};

/** `it` of `it.each(rows)(…)`. */
const rootOf = (expression: ts.Expression): string => {
  if (ts.isIdentifier(expression)) return expression.text;
  return ts.isCallExpression(expression) || ts.isPropertyAccessExpression(expression)
    ? rootOf(expression.expression)
    : '';
};
