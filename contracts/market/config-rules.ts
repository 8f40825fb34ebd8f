/** The words in which configurations of the market plane are refused: the first rule broken is the answer. */

/** A rule that was broken; its message is the reference's. */
export class BrokenRule extends Error {}

/** Refuses with a message. */
export const broken = (message: string): never => {
  throw new BrokenRule(message);
};

/** What a check made of a value, or the message of the first rule it broke. */
export type Checked<Value> =
  { readonly kind: 'valid'; readonly config: Value } | { readonly kind: 'invalid'; readonly message: string };

/** Runs a check; whatever is thrown besides a broken rule is no answer and goes on. */
export const checked = <Value>(check: () => Value): Checked<Value> => {
  try {
    return { kind: 'valid', config: check() };
  } catch (error) {
    if (error instanceof BrokenRule) return { kind: 'invalid', message: error.message };
    throw error;
  }
};

/** A JSON object as a person wrote it. */
export type Raw = Readonly<Record<string, unknown>>;

const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value as an object. */
export const objectAt = (value: unknown, label: string): Raw =>
  isRaw(value) ? value : broken(`${label} must be an object`);

/** Refuses members nobody knows, by name. */
export const refuseUnknown = (value: Raw, known: readonly string[], label: string): void => {
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  if (unknown.length > 0) broken(`unknown ${label} keys: ${unknown.sort().join(', ')}`);
};

/** An integer that is safe to count with, at least 0 or 1. */
export const integerAtLeast = (value: unknown, minimum: 0 | 1, label: string): number => {
  const rule = minimum === 1 ? `${label} must be > 0` : `${label} must be >= 0`;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= minimum ? value : broken(rule);
};

/** An integer above 0, or null for no bound. */
export const boundOrNull = (value: unknown, label: string): number | null =>
  value === null ? null : integerAtLeast(value, 1, label);

/** The value, or its default where it was left out; null was not left out. */
export const or = (value: unknown, standard: unknown): unknown => (value === undefined ? standard : value);
