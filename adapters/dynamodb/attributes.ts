/** Reading attribute values by hand: the document client costs more per call than everything else (ADR 0002). */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { deflateRawSync, inflateRawSync } from 'node:zlib';

export type Item = Record<string, AttributeValue>;

/** The string attribute, or undefined when it is absent or of another type. */
export const text = (item: Item, name: string): string | undefined => item[name]?.S;

/** The number attribute, or undefined when it is absent or of another type. */
export const number = (item: Item, name: string): number | undefined => {
  const digits = item[name]?.N;
  return digits === undefined ? undefined : Number(digits);
};

/** The string attribute of an item that must have it; throws when the table holds something foreign. */
export const requiredText = (item: Item, name: string): string => {
  const value = text(item, name);
  if (value === undefined) throw new Error(`item lacks the string attribute ${name}`);
  return value;
};

/** The number attribute of an item that must have it; throws when the table holds something foreign. */
export const requiredNumber = (item: Item, name: string): number => {
  const value = number(item, name);
  if (value === undefined) throw new Error(`item lacks the number attribute ${name}`);
  return value;
};

const WRITE_UNIT_BYTES = 1024;

const writeUnits = (bytes: number): number => Math.ceil(bytes / WRITE_UNIT_BYTES);

/** Text as stored: plain, or deflated when that saves at least one write unit. */
export const packText = (value: string): AttributeValue => {
  const plainBytes = Buffer.byteLength(value);
  if (plainBytes <= WRITE_UNIT_BYTES) return { S: value };
  const packed = deflateRawSync(value, { level: 1 });
  return writeUnits(packed.length) < writeUnits(plainBytes) ? { B: packed } : { S: value };
};

/** What a short text is deflated with: a window as long as it may be, which costs half of what the default does. */
const SHORT_TEXT = { level: 1, windowBits: 10, memLevel: 3 } as const;

/** The item, with its text of that name deflated when only so it takes a write unit less. */
export const packItem = (item: Item, name: string): Item => {
  const value = text(item, name);
  const plainBytes = itemBytes(item);
  if (value === undefined || plainBytes <= WRITE_UNIT_BYTES) return item;
  const packed = deflateRawSync(value, SHORT_TEXT);
  const packedItemBytes = plainBytes - Buffer.byteLength(value) + packed.length;
  return writeUnits(packedItemBytes) < writeUnits(plainBytes) ? { ...item, [name]: { B: packed } } : item;
};

/** Bytes the text takes once stored by `packText`. */
export const packedBytes = (value: string): number => {
  const packed = packText(value);
  return packed.B ? packed.B.length : Buffer.byteLength(value);
};

/** Bytes an item of text, numbers and bytes takes: its attribute names and their values, as DynamoDB counts them. */
export const itemBytes = (item: Item): number =>
  Object.entries(item).reduce(
    (bytes, [name, value]) => bytes + Buffer.byteLength(name) + valueBytes(value),
    0,
  );

const valueBytes = ({ S, N, B }: AttributeValue): number =>
  B === undefined ? Buffer.byteLength(S ?? N ?? '') : B.byteLength;

/** Text that was stored by `packText`. */
export const unpackText = (value: AttributeValue | undefined): string | undefined => {
  if (value?.S !== undefined) return value.S;
  return value?.B === undefined ? undefined : inflateRawSync(value.B).toString('utf8');
};
