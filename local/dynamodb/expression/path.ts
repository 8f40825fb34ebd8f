/** Document paths: `a.b[2]`, with names that may stand for others (`#n`). */
import { attributeOf } from '../value.ts';
import type { AttributeValue, Item } from '../value.ts';
import { isReservedWord } from './reserved-words.ts';
import type { Cursor } from './token.ts';

/** A step of a path: an attribute's name, or the place in a list. */
export type Step = string | number;

/** A path whose names are resolved; never empty, and its first step is a name. */
export type Path = readonly [string, ...Step[]];

/** A path as written, names such as `#n` not yet resolved. */
export type WrittenPath = readonly [string, ...Step[]];

/** Parses a path at the cursor. */
export const parsePath = (cursor: Cursor): WrittenPath => {
  const steps: [string, ...Step[]] = [parseName(cursor)];
  for (;;) {
    if (cursor.take('.')) steps.push(parseName(cursor));
    else if (cursor.take('[')) {
      if (cursor.peek().kind !== 'number') throw cursor.syntaxError();
      steps.push(Number(cursor.next().text));
      cursor.expect(']');
    } else return steps;
  }
};

/** The value at the path, or undefined when any step is missing. */
export const valueAt = (item: Item, path: Path): AttributeValue | undefined => {
  let value = attributeOf(item, path[0]);
  for (let depth = 1; value !== undefined && depth < path.length; depth += 1) {
    const step = path[depth];
    value = step === undefined ? undefined : childOf(value, step);
  }
  return value;
};

/** The way refusals print a path: `[a, b, [2]]`. */
export const formatPath = (path: Path): string =>
  `[${path.map((step) => (typeof step === 'number' ? `[${step}]` : step)).join(', ')}]`;

/** Whether two paths are the same. */
export const isSamePath = (left: Path, right: Path): boolean =>
  left.length === right.length && left.every((step, depth) => step === right[depth]);

/** Why two paths cannot stand in one expression, or undefined when they can. */
export const clashOf = (left: Path, right: Path): string | undefined => {
  const shorter = Math.min(left.length, right.length);
  for (let depth = 0; depth < shorter; depth += 1) {
    const one = left[depth];
    const other = right[depth];
    if (typeof one !== typeof other) return clash('conflict', left, right);
    if (one !== other) return undefined;
  }
  return clash('overlap', left, right);
};

/** Paths by their first step, each shortened by it. */
export const byFirstStep = <Value>(
  paths: readonly { readonly rest: readonly Step[]; readonly value: Value }[],
): ReadonlyMap<Step, { readonly rest: readonly Step[]; readonly value: Value }[]> => {
  const groups = new Map<Step, { readonly rest: readonly Step[]; readonly value: Value }[]>();
  for (const { rest, value } of paths) {
    const [first, ...others] = rest;
    if (first === undefined) continue;
    const group = groups.get(first);
    if (group) group.push({ rest: others, value });
    else groups.set(first, [{ rest: others, value }]);
  }
  return groups;
};

const childOf = (value: AttributeValue, step: Step): AttributeValue | undefined => {
  if (typeof step === 'number') return 'L' in value ? value.L[step] : undefined;
  return 'M' in value ? attributeOf(value.M, step) : undefined;
};

const clash = (how: 'conflict' | 'overlap', left: Path, right: Path): string =>
  `Two document paths ${how} with each other; must remove or rewrite one of these paths; ` +
  `path one: ${formatPath(left)}, path two: ${formatPath(right)}`;

const parseName = (cursor: Cursor): string => {
  const token = cursor.peek();
  if (token.kind !== 'word' && token.kind !== 'name') throw cursor.syntaxError();
  if (token.kind === 'word' && isReservedWord(token.text)) {
    throw cursor.refusal(`Attribute name is a reserved keyword; reserved keyword: ${token.text}`);
  }
  return cursor.next().text;
};
