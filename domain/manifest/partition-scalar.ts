/** One value of a canonical partition key: a tag and its text, one spelling each. */

/** A dimension's value by kind; integers are 64 bit and travel as bigint. */
export type ScalarValue =
  | { readonly tag: 's'; readonly value: string }
  | { readonly tag: 'i'; readonly value: bigint }
  | { readonly tag: 'b'; readonly value: boolean }
  | { readonly tag: 'd'; readonly value: string }
  | { readonly tag: 't'; readonly value: string }
  | { readonly tag: 'n' };

const INTEGER = /^(0|-?[1-9][0-9]{0,18})$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** True for `YYYY-MM-DD` from 1970 on that names a day of the calendar. */
export const isDate = (text: string): boolean => {
  const match = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  if (!match) return false;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 && !isLeap ? 28 : (DAYS_IN_MONTH[month - 1] ?? 0);
  return year >= 1970 && day >= 1 && day <= days;
};

/** True for `YYYY-MM-DDTHH:MM:SS.ffffffZ`. */
export const isTimestamp = (text: string): boolean =>
  /^.{10}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z$/.test(text) && isDate(text.slice(0, 10));

const encodeText = (text: string): string => Buffer.from(text, 'utf8').toString('base64url');

/** A scalar as a canonical key spells it. */
export const encodeScalar = (scalar: ScalarValue): string => {
  switch (scalar.tag) {
    case 's':
      return `s:${encodeText(scalar.value)}`;
    case 'i':
      return `i:${scalar.value}`;
    case 'b':
      return `b:${scalar.value}`;
    case 'd':
      return `d:${scalar.value}`;
    case 't':
      return `t:${scalar.value}`;
    case 'n':
      return 'n:null';
  }
};

/** The scalar a text of a canonical key spells, or undefined for any other spelling. */
export const decodeScalar = (text: string): ScalarValue | undefined => {
  const value = text.slice(2);
  switch (text.slice(0, 2)) {
    case 's:': {
      const decoded = Buffer.from(value, 'base64url').toString('utf8');
      return encodeText(decoded) === value ? { tag: 's', value: decoded } : undefined;
    }
    case 'i:': {
      if (!INTEGER.test(value)) return undefined;
      const integer = BigInt(value);
      return integer >= INT64_MIN && integer <= INT64_MAX ? { tag: 'i', value: integer } : undefined;
    }
    case 'b:':
      return value === 'true' || value === 'false' ? { tag: 'b', value: value === 'true' } : undefined;
    case 'd:':
      return isDate(value) ? { tag: 'd', value } : undefined;
    case 't:':
      return isTimestamp(value) ? { tag: 't', value } : undefined;
    case 'n:':
      return value === 'null' ? { tag: 'n' } : undefined;
    default:
      return undefined;
  }
};
