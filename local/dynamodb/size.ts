/** Sizes in bytes by the published rules: names and values as UTF-8, a byte per two digits, 3 bytes a container. */
import { significantDigitCount } from './number.ts';
import type { AttributeValue, Item } from './value.ts';

/** The largest item, names included. */
export const ITEM_BYTES_MAX = 400 * 1024;

const CONTAINER_BYTES = 3;
const ELEMENT_BYTES = 1;

/** Bytes of an item: every name and every value. */
export const itemSize = (item: Item): number => {
  let total = 0;
  for (const name in item) {
    const value = item[name];
    if (value !== undefined) total += Buffer.byteLength(name) + valueSize(value);
  }
  return total;
};

/** Bytes of a value without its name. */
export const valueSize = (value: AttributeValue): number => {
  if ('S' in value) return Buffer.byteLength(value.S);
  if ('N' in value) return numberSize(value.N);
  if ('B' in value) return binarySize(value.B);
  if ('M' in value) {
    return CONTAINER_BYTES + ELEMENT_BYTES * Object.keys(value.M).length + itemSize(value.M);
  }
  if ('L' in value) {
    return value.L.reduce((total, element) => total + ELEMENT_BYTES + valueSize(element), CONTAINER_BYTES);
  }
  if ('SS' in value) return sum(value.SS, Buffer.byteLength);
  if ('NS' in value) return sum(value.NS, numberSize);
  return 'BS' in value ? sum(value.BS, binarySize) : 1;
};

/** Bytes behind a base64 text. */
export const binarySize = (base64: string): number => Buffer.byteLength(base64, 'base64');

const numberSize = (canonical: string): number => Math.ceil(significantDigitCount(canonical) / 2) + 1;

const sum = (members: readonly string[], size: (member: string) => number): number =>
  members.reduce((total, member) => total + size(member), 0);
