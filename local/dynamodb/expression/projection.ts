/** Projections: the part of an item that lies under some paths. */
import { attributeOf } from '../value.ts';
import type { AttributeValue, Item } from '../value.ts';
import { boundPath } from './bindings.ts';
import type { Bindings } from './bindings.ts';
import { byFirstStep, clashOf, parsePath } from './path.ts';
import type { Path, Step, WrittenPath } from './path.ts';
import { invalid } from './token.ts';
import type { Cursor } from './token.ts';

/** A bound projection. */
export interface Projection {
  readonly paths: readonly Path[];
  /** The part of the item under the paths. */
  readonly apply: (item: Item) => Item;
}

/** Parses a whole projection expression. */
export const parseProjection = (cursor: Cursor): readonly WrittenPath[] => {
  const paths: WrittenPath[] = [];
  do paths.push(parsePath(cursor));
  while (cursor.take(','));
  if (cursor.peek().kind !== 'end') throw cursor.syntaxError();
  return paths;
};

/** Binds the names of a projection; refuses paths that overlap. */
export const bindProjection = (written: readonly WrittenPath[], bindings: Bindings): Projection => {
  const paths = written.map((path) => boundPath(bindings, 'ProjectionExpression', path));
  paths.forEach((path, place) => {
    for (const earlier of paths.slice(0, place)) {
      const clash = clashOf(earlier, path);
      if (clash !== undefined) throw invalid('ProjectionExpression', clash);
    }
  });
  return { paths, apply: (item) => project(item, paths) };
};

/** What lies under the paths: maps keep the named members, lists the named elements in order. */
export const project = (item: Item, paths: readonly Path[]): Item =>
  projectMap(
    item,
    paths.map((path) => ({ rest: path, value: undefined })),
  );

type Wanted = readonly { readonly rest: readonly Step[]; readonly value: undefined }[];

const projectMap = (map: Item, wanted: Wanted): Item => {
  const kept: [string, AttributeValue][] = [];
  for (const [step, rest] of byFirstStep(wanted)) {
    if (typeof step === 'number') continue;
    const value = projectValue(attributeOf(map, step), rest);
    if (value !== undefined) kept.push([step, value]);
  }
  return Object.fromEntries(kept);
};

const projectList = (list: readonly AttributeValue[], wanted: Wanted): readonly AttributeValue[] =>
  [...byFirstStep(wanted)]
    .flatMap(([step, rest]) => (typeof step === 'number' ? [{ step, rest }] : []))
    .sort((left, right) => left.step - right.step)
    .flatMap(({ step, rest }) => projectValue(list[step], rest) ?? []);

const projectValue = (value: AttributeValue | undefined, wanted: Wanted): AttributeValue | undefined => {
  if (value === undefined || wanted.some(({ rest }) => rest.length === 0)) return value;
  if ('M' in value) {
    const M = projectMap(value.M, wanted);
    return Object.keys(M).length === 0 ? undefined : { M };
  }
  if (!('L' in value)) return undefined;
  const L = projectList(value.L, wanted);
  return L.length === 0 ? undefined : { L };
};
