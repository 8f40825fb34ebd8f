/**
 * Attribute values in the JSON of the wire: `{S: 'a'}`, `{N: '1'}`, `{B: base64}`. Values and items are immutable:
 * they come fresh from parsing, and every change builds new ones.
 */
import { compareNumbers } from './number.ts';

export type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: true }
  | { readonly SS: readonly string[] }
  | { readonly NS: readonly string[] }
  | { readonly BS: readonly string[] }
  | { readonly L: readonly AttributeValue[] }
  | { readonly M: Item };

export type Item = Readonly<Record<string, AttributeValue>>;

export type TypeTag = 'S' | 'N' | 'B' | 'BOOL' | 'NULL' | 'SS' | 'NS' | 'BS' | 'L' | 'M';

/** The types a key attribute may have. */
export type KeyType = 'S' | 'N' | 'B';

/** The type of a value that has been parsed, hence has exactly one member. */
export const typeOf = (value: AttributeValue): TypeTag => {
  for (const tag in value) return tag as TypeTag;
  throw new Error('an attribute value without a type');
};

/** The attribute of that name, never a member of Object's prototype. */
export const attributeOf = (item: Item, name: string): AttributeValue | undefined =>
  Object.hasOwn(item, name) ? item[name] : undefined;

/** The members of a set, or undefined when the value is no set. */
export const setMembers = (value: AttributeValue): readonly string[] | undefined => {
  if ('SS' in value) return value.SS;
  if ('NS' in value) return value.NS;
  return 'BS' in value ? value.BS : undefined;
};

/** Orders two values of the same scalar type; NaN when they cannot be compared. */
export const compareValues = (left: AttributeValue, right: AttributeValue): number => {
  if ('S' in left) return 'S' in right ? compareText(left.S, right.S) : NaN;
  if ('N' in left) return 'N' in right ? compareNumbers(left.N, right.N) : NaN;
  if ('B' in left) return 'B' in right ? Buffer.compare(bytesOf(left.B), bytesOf(right.B)) : NaN;
  return NaN;
};

/** Whether two values are the same; sets are the same in any order. */
export const equalValues = (left: AttributeValue, right: AttributeValue): boolean => {
  if (left === right) return true;
  if ('S' in left) return 'S' in right && left.S === right.S;
  if ('N' in left) return 'N' in right && left.N === right.N;
  if ('B' in left) return 'B' in right && left.B === right.B;
  if ('BOOL' in left) return 'BOOL' in right && left.BOOL === right.BOOL;
  if ('NULL' in left) return 'NULL' in right;
  if ('L' in left) return 'L' in right && equalLists(left.L, right.L);
  if ('M' in left) return 'M' in right && equalItems(left.M, right.M);
  return typeOf(left) === typeOf(right) && equalSets(setMembers(left) ?? [], setMembers(right) ?? []);
};

/** Whether two items have the same attributes with the same values. */
export const equalItems = (left: Item, right: Item): boolean => {
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => {
    const one = left[name];
    const other = attributeOf(right, name);
    return one !== undefined && other !== undefined && equalValues(one, other);
  });
};

/** The bytes of a binary value. */
export const bytesOf = (base64: string): Buffer => Buffer.from(base64, 'base64');

const equalLists = (left: readonly AttributeValue[], right: readonly AttributeValue[]): boolean =>
  left.length === right.length &&
  left.every((value, place) => {
    const other = right[place];
    return other !== undefined && equalValues(value, other);
  });

const equalSets = (left: readonly string[], right: readonly string[]): boolean => {
  if (left.length !== right.length) return false;
  const members = new Set(right);
  return left.every((member) => members.has(member));
};

/** Orders by UTF-8 bytes, which differs from UTF-16 order only where a surrogate meets U+E000 to U+FFFF. */
export const compareText = (left: string, right: string): number => {
  if (left === right) return 0;
  const shorter = Math.min(left.length, right.length);
  for (let place = 0; place < shorter; place += 1) {
    const one = left.charCodeAt(place);
    const other = right.charCodeAt(place);
    if (one !== other) return utf8Rank(one) - utf8Rank(other);
  }
  return left.length - right.length;
};

const utf8Rank = (unit: number): number => {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
};
