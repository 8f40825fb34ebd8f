/** JSON whose integers keep every digit. */

/**
 * Reads JSON; an integer that no number holds, beyond 2^53, is a bigint, and anything else is what `JSON.parse` makes of
 * it. Throws a SyntaxError for what is no JSON, a RangeError for a number beyond all numbers, or beyond 2^53 with a fraction.
 */
export const exactJson = (text: string): unknown => {
  const value: unknown = JSON.parse(text);
  return LONG_NUMBER.test(text) ? (JSON.parse(text.replace(TOKEN, tagged), untagged) as unknown) : value;
};

/** Whether a number may be there that is not exact: one with 16 digits or an exponent. Texts may look like one, too. */
const LONG_NUMBER = /(?:^|[\s:,[])-?(?:[\d.]{16}|[\d.]+[eE])/;
/** A text or a number of valid JSON. */
const TOKEN = /"(?:[^"\\]+|\\.)*"|-?\d[\d.eE+-]*/g;

/** Every text begins with `s`, so that one that begins with `n` is an integer. */
const tagged = (token: string): string =>
  token.startsWith('"') ? `"s${token.slice(1)}` : exactNumber(token);

const untagged = (_name: string, value: unknown): unknown => {
  if (typeof value === 'string') return value.startsWith('n') ? BigInt(value.slice(1)) : value.slice(1);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.slice(1), member]));
};

const exactNumber = (token: string): string => {
  const value = Number(token);
  if (!Number.isFinite(value)) throw new RangeError(`${token} is beyond all numbers`);
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return token;
  const integer = integerOf(token);
  if (integer === undefined) throw new RangeError(`${token} has more digits than a number`);
  return integer === integerOf(String(value)) ? token : `"n${integer}"`;
};

/** The integer that a decimal stands for; undefined when it has a fraction. */
const integerOf = (decimal: string): bigint | undefined => {
  const [mantissa = '', exponent = '0'] = decimal.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = BigInt(whole + fraction);
  const scale = Number(exponent) - fraction.length;
  if (scale >= 0) return digits * 10n ** BigInt(scale);
  const divisor = 10n ** BigInt(-scale);
  return digits % divisor === 0n ? digits / divisor : undefined;
};
