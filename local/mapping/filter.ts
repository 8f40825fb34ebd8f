/** The event pattern language of `FilterCriteria`: a record passes when one of the patterns matches it. */

type Pattern = { readonly [key: string]: Pattern | readonly unknown[] };

/** Whether a record passes; patterns are parsed once, and an unknown operator is refused here. */
export type RecordFilter = (record: unknown) => boolean;

/** Builds the filter of a mapping from the texts of its patterns; no pattern lets everything pass. */
export const recordFilter = (patternTexts: readonly string[]): RecordFilter => {
  const patterns = patternTexts.map((text) => {
    const pattern = parsePattern(text);
    checkPattern(pattern, text);
    return pattern;
  });
  if (patterns.length === 0) return () => true;
  return (record) => patterns.some((pattern) => matchesPattern(pattern, record));
};

const parsePattern = (text: string): Pattern => {
  const pattern: unknown = JSON.parse(text);
  if (!isObject(pattern)) throw new Error(`the filter pattern ${text} is no object`);
  return pattern as Pattern;
};

const matchesPattern = (pattern: Pattern, value: unknown): boolean =>
  Object.entries(pattern).every(([key, expected]) => {
    if (key === '$or')
      return (expected as readonly Pattern[]).some((alternative) => matchesPattern(alternative, value));
    const actual = isObject(value) ? value[key] : undefined;
    if (!Array.isArray(expected)) return matchesPattern(expected as Pattern, actual);
    if (!Array.isArray(actual)) return expected.some((rule) => matchesRule(rule, actual));
    return expected.some((rule) => actual.some((item) => matchesRule(rule, item)));
  });

const matchesRule = (rule: unknown, value: unknown): boolean => {
  if (!isObject(rule)) return rule === value;
  const [operator] = Object.entries(rule);
  if (operator === undefined) return false;
  const [name, argument] = operator;
  return operators[name]?.(argument, value) ?? false;
};

type Operator = (argument: unknown, value: unknown) => boolean;

const operators: Readonly<Record<string, Operator>> = {
  exists: (argument, value) => argument === (value !== undefined && !isObject(value)),
  prefix: (argument, value) => withText(argument, value, (text, part) => text.startsWith(part)),
  suffix: (argument, value) => withText(argument, value, (text, part) => text.endsWith(part)),
  'equals-ignore-case': (argument, value) =>
    typeof value === 'string' && value.toLowerCase() === String(argument).toLowerCase(),
  wildcard: (argument, value) => typeof value === 'string' && wildcard(String(argument)).test(value),
  numeric: (argument, value) => typeof value === 'number' && inRange(argument as readonly unknown[], value),
  'anything-but': (argument, value) => {
    if (value === undefined) return false;
    if (isObject(argument)) return !matchesRule(argument, value);
    return !(Array.isArray(argument) ? argument : [argument]).includes(value);
  },
};

/** `{"prefix": "a"}` or, ignoring case, `{"prefix": {"equals-ignore-case": "a"}}`. */
const withText = (
  argument: unknown,
  value: unknown,
  holds: (text: string, part: string) => boolean,
): boolean => {
  if (typeof value !== 'string') return false;
  if (isObject(argument))
    return holds(value.toLowerCase(), String(argument['equals-ignore-case']).toLowerCase());
  return holds(value, String(argument));
};

const wildcard = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    's',
  );

const comparisons: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

const inRange = (bounds: readonly unknown[], value: number): boolean => {
  for (let index = 0; index < bounds.length; index += 2) {
    const holds = comparisons[String(bounds[index])];
    if (holds === undefined || !holds(value, Number(bounds[index + 1]))) return false;
  }
  return true;
};

const checkPattern = (pattern: Pattern, text: string): void => {
  for (const [key, expected] of Object.entries(pattern)) {
    if (key === '$or') {
      if (!Array.isArray(expected)) throw new Error(`$or of the filter pattern ${text} is no list`);
      for (const alternative of expected) checkPattern(alternative as Pattern, text);
    } else if (Array.isArray(expected)) expected.forEach((rule) => checkRule(rule, text));
    else if (isObject(expected)) checkPattern(expected, text);
    else throw new Error(`the filter pattern ${text} compares ${key} with a bare value, write a list`);
  }
};

const checkRule = (rule: unknown, text: string): void => {
  if (!isObject(rule)) return;
  for (const name of Object.keys(rule))
    if (operators[name] === undefined)
      throw new Error(`the operator ${name} of the filter pattern ${text} is not supported`);
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
