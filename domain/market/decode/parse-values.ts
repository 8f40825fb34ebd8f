/** Reads single values of a payload as strictly as a buffer needs them: finite numbers, and nothing taken for one. */

/** A value, or undefined when it is not what it should be. */
type Parsed<Value> = { readonly value: Value } | undefined;

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const INTEGER = /^[+-]?\d+$/;

/** A finite number, or a text that is one in decimal notation; blanks around it do not matter. */
export const parseNumber = (given: unknown): Parsed<number> => {
  const isText = typeof given === 'string' && DECIMAL.test(given.trim());
  const value = typeof given === 'number' || isText ? Number(given) : NaN;
  return Number.isFinite(value) ? { value } : undefined;
};

/** A whole number that is exact, or a text of digits that is one. */
export const parseInteger = (given: unknown): Parsed<number> => {
  const isText = typeof given === 'string' && INTEGER.test(given.trim());
  const value = typeof given === 'number' || isText ? Number(given) : NaN;
  return Number.isSafeInteger(value) ? { value } : undefined;
};

/** Who was aggressive, in any case of letters; nothing given is null. */
export const parseSide = (given: unknown): Parsed<'buy' | 'sell' | null> => {
  if (given === undefined || given === null) return { value: null };
  const side = typeof given === 'string' ? given.toLowerCase() : '';
  return side === 'buy' || side === 'sell' ? { value: side } : undefined;
};

/** A truth value, or a text that says one in any case of letters; nothing given is null. */
export const parseFlag = (given: unknown): Parsed<boolean | null> => {
  if (given === undefined || given === null) return { value: null };
  if (typeof given === 'boolean') return { value: given };
  const text = typeof given === 'string' ? given.toLowerCase() : '';
  return text === 'true' || text === 'false' ? { value: text === 'true' } : undefined;
};
