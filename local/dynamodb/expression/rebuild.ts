/** Builds an item anew with values set and removed at paths; what no path touches is shared with the item before. */
import { validation } from '#local/kernel/aws-error.ts';
import { attributeOf } from '../value.ts';
import type { AttributeValue, Item } from '../value.ts';
import { byFirstStep } from './path.ts';
import type { Path, Step } from './path.ts';

/** A value to put at a path; undefined removes what is there. */
export interface Change {
  readonly path: Path;
  readonly value: AttributeValue | undefined;
}

/** Applies changes whose paths do not overlap; refuses a path whose parent is missing. */
export const rebuild = (item: Item, changes: readonly Change[]): Item =>
  changes.length === 0
    ? item
    : rebuildMap(
        item,
        changes.map(({ path, value }) => ({ rest: path, value })),
      );

interface Pending {
  readonly rest: readonly Step[];
  readonly value: AttributeValue | undefined;
}

const rebuildMap = (map: Item, changes: readonly Pending[]): Item => {
  const next = new Map(Object.entries(map));
  for (const [step, pending] of byFirstStep(changes)) {
    if (typeof step === 'number') throw invalidPath();
    const value = changedValue(attributeOf(map, step), pending);
    if (value === undefined) next.delete(step);
    else next.set(step, value);
  }
  return Object.fromEntries(next);
};

const rebuildList = (
  list: readonly AttributeValue[],
  changes: readonly Pending[],
): readonly AttributeValue[] => {
  const next: (AttributeValue | undefined)[] = [...list];
  const appended: { readonly place: number; readonly value: AttributeValue }[] = [];
  for (const [step, pending] of byFirstStep(changes)) {
    if (typeof step !== 'number') throw invalidPath();
    const value = changedValue(list[step], pending);
    if (step < list.length) next[step] = value;
    else if (value !== undefined) appended.push({ place: step, value });
  }
  appended.sort((left, right) => left.place - right.place);
  return [...next.filter((value) => value !== undefined), ...appended.map(({ value }) => value)];
};

const changedValue = (
  present: AttributeValue | undefined,
  pending: readonly Pending[],
): AttributeValue | undefined => {
  const whole = pending.find(({ rest }) => rest.length === 0);
  if (whole !== undefined) return whole.value;
  if (present !== undefined && 'M' in present) return { M: rebuildMap(present.M, pending) };
  if (present !== undefined && 'L' in present) return { L: rebuildList(present.L, pending) };
  throw invalidPath();
};

const invalidPath = () =>
  validation('The document path provided in the update expression is invalid for update');
