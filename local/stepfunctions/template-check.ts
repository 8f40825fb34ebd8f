/** Checks the JSONata inside a definition: it compiles, it is no JSONPath template, it does not call `$eval`. */
import { compile, messageOf, sourceOf } from './expression.ts';

export interface Problem {
  /** JSON pointer of the place. */
  readonly path: string;
  readonly problem: string;
}

const callsEval = (node: unknown, seen: WeakSet<object>): boolean => {
  if (typeof node !== 'object' || node === null || seen.has(node)) return false;
  seen.add(node);
  const { type, value }: { type?: unknown; value?: unknown } = node;
  if (type === 'variable' && value === 'eval') return true;
  return Object.values(node).some((part) => callsEval(part, seen));
};

const expressionFault = (text: string): string | undefined => {
  if (!text.endsWith('%}')) return 'an expression that starts with {% must end with %}';
  try {
    return callsEval(compile(sourceOf(text)).ast(), new WeakSet())
      ? '$eval is not available; use $parse'
      : undefined;
  } catch (thrown) {
    return `the JSONata expression does not parse: ${messageOf(thrown)}`;
  }
};

/** Names every fault of a template: each string `{% … %}` inside it, and each JSONPath key. */
export const templateProblems = (value: unknown, path: string): readonly Problem[] => {
  if (typeof value === 'string') {
    const problem = value.startsWith('{%') ? expressionFault(value) : undefined;
    return problem === undefined ? [] : [{ path, problem }];
  }
  if (Array.isArray(value))
    return value.flatMap((item, index) => templateProblems(item, `${path}/${String(index)}`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key.endsWith('.$')
      ? [{ path: `${path}/${key}`, problem: `${key} is a JSONPath template key; only JSONata is supported` }]
      : templateProblems(item, `${path}/${key}`),
  );
};

/** Whether the value is a whole `{% … %}` expression. */
export const isExpression = (value: unknown): value is string =>
  typeof value === 'string' && value.startsWith('{%') && value.endsWith('%}');
