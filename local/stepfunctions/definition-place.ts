/** Where a check stands inside a definition, and the list of faults found so far. */
import type { Problem } from './template-check.ts';

/** An object of a definition before its fields are known to be right. */
export type Fields = Readonly<Record<string, unknown>>;

/** A place that faults can be named at; all places of one walk share their list. */
export interface Place {
  readonly path: string;
  /** State names met so far, to find one used twice. */
  readonly names: Set<string>;
  /** One level down. */
  readonly at: (step: string | number) => Place;
  readonly refuse: (problem: string) => void;
  readonly add: (problems: readonly Problem[]) => void;
  readonly problems: () => readonly Problem[];
}

/** The root of a definition, without faults yet. */
export const startPlace = (): Place => {
  const problems: Problem[] = [];
  const names = new Set<string>();
  const placeAt = (path: string): Place => ({
    path,
    names,
    at: (step) => placeAt(`${path}/${String(step)}`),
    refuse: (problem) => problems.push({ path, problem }),
    add: (more) => problems.push(...more),
    problems: () => problems,
  });
  return placeAt('');
};

/** The value as an object; refuses anything else. */
export const fieldsOf = (value: unknown, place: Place): Fields | undefined => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  place.refuse('must be an object');
  return undefined;
};

/** The value as a list with entries; refuses anything else. */
export const listOf = (value: unknown, place: Place): readonly unknown[] => {
  if (Array.isArray(value) && value.length > 0) return value;
  place.refuse('must be a list with at least one entry');
  return [];
};
