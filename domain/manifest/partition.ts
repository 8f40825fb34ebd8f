/**
 * Canonical partition keys (asset reference, section 9): dimensions by name, joined with commas, each
 * `name=tag:value`. One partition has one spelling, so equal text is equal partition.
 */
import { runLimits } from '#contracts/runs/limits.ts';
import type { PartitionDimension } from '#contracts/runs/manifest.ts';
import type { PartitionValue } from '#contracts/runs/trigger.ts';

/** A dimension's value by kind; integers are 64 bit and travel as bigint. */
export type ScalarValue =
  | { readonly tag: 's'; readonly value: string }
  | { readonly tag: 'i'; readonly value: bigint }
  | { readonly tag: 'b'; readonly value: boolean }
  | { readonly tag: 'd'; readonly value: string }
  | { readonly tag: 't'; readonly value: string }
  | { readonly tag: 'n' };

export type PartitionKeyValues = ReadonlyMap<string, ScalarValue>;

/** A key or value that has no canonical form; `message` says what is allowed. */
export interface PartitionFault {
  readonly kind: 'fault';
  readonly message: string;
}

export type PartitionResult = { readonly kind: 'key'; readonly key: string } | PartitionFault;

const DIMENSION = /^[a-z][a-z0-9_]*$/;
const INTEGER = /^(0|-?[1-9][0-9]{0,18})$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

const fault = (message: string): PartitionFault => ({ kind: 'fault', message });

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

const encodeScalar = (scalar: ScalarValue): string => {
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

/** The canonical key; the order of the map does not matter. */
export const encodePartitionKey = (values: PartitionKeyValues): string =>
  [...values]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, scalar]) => `${name}=${encodeScalar(scalar)}`)
    .join(',');

const decodeScalar = (text: string): ScalarValue | undefined => {
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

/** The values a canonical key names, or undefined for any other spelling. */
export const parsePartitionKey = (text: string): PartitionKeyValues | undefined => {
  const values = new Map<string, ScalarValue>();
  for (const part of text.split(',')) {
    const separator = part.indexOf('=');
    const name = part.slice(0, Math.max(0, separator));
    const scalar = decodeScalar(part.slice(separator + 1));
    if (!DIMENSION.test(name) || !scalar || values.has(name)) return undefined;
    values.set(name, scalar);
  }
  return encodePartitionKey(values) === text ? values : undefined;
};

/** How a request names its partition: plain values by dimension, or a canonical key. */
export type PartitionRequest =
  { readonly partitions: readonly PartitionValue[] } | { readonly partitionKey: string };

const asTimestamp = (text: string): string => {
  const match = /^(.{10}T[0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:\.([0-9]{1,6}))?Z$/.exec(text);
  return match ? `${match[1]}${match[2] ?? ':00'}.${(match[3] ?? '').padEnd(6, '0')}Z` : text;
};

const fromPlain = (dimension: PartitionDimension, value: string): ScalarValue => {
  if (dimension.kind !== 'time') return { tag: 's', value };
  return dimension.granularity === 'hour' ? { tag: 't', value: asTimestamp(value) } : { tag: 'd', value };
};

const requestedValues = (
  request: PartitionRequest,
  byName: ReadonlyMap<string, PartitionDimension>,
): PartitionKeyValues | PartitionFault => {
  if ('partitionKey' in request)
    return (
      parsePartitionKey(request.partitionKey) ??
      fault('partitionKey is not canonical; write name=tag:value by name, such as date=d:2026-01-02')
    );
  const values = new Map<string, ScalarValue>();
  for (const { key, value } of request.partitions) {
    if (values.has(key)) return fault(`dimension ${key} is given twice; give each once`);
    const dimension = byName.get(key);
    values.set(key, dimension ? fromPlain(dimension, value) : { tag: 's', value });
  }
  return values;
};

const scalarFault = (dimension: PartitionDimension, scalar: ScalarValue): string | undefined => {
  switch (dimension.kind) {
    case 'time':
      if (dimension.granularity === 'hour')
        return scalar.tag === 't' && isTimestamp(scalar.value) && scalar.value.endsWith(':00:00.000000Z')
          ? undefined
          : 'takes a full hour such as 2026-01-02T21:00:00.000000Z';
      return scalar.tag === 'd' && isDate(scalar.value) ? undefined : 'takes a day such as 2026-01-02';
    case 'static':
      if (scalar.tag !== 's') return 'takes a text';
      return dimension.values === undefined || dimension.values.includes(scalar.value)
        ? undefined
        : `takes one of ${dimension.values.join(', ')}`;
    case 'tenant':
      return scalar.tag === 's' ? undefined : 'takes a text';
  }
};

/** The canonical key of a request that fits these dimensions, or why it does not. */
export const normalizePartition = (
  dimensions: readonly PartitionDimension[],
  request: PartitionRequest,
): PartitionResult => {
  const byName = new Map(dimensions.map((dimension) => [dimension.name, dimension]));
  const values = requestedValues(request, byName);
  if ('kind' in values) return values;
  const inexact = fault(`the dimensions must be exactly ${[...byName.keys()].sort().join(', ')}`);
  if (values.size !== byName.size) return inexact;
  for (const [name, dimension] of byName) {
    const scalar = values.get(name);
    if (!scalar) return inexact;
    const problem = scalarFault(dimension, scalar);
    if (problem !== undefined) return fault(`dimension ${name} ${problem}`);
  }
  const key = encodePartitionKey(values);
  return key.length > runLimits.partitionKeyLengthMax
    ? fault(`the key has ${key.length} characters; at most ${runLimits.partitionKeyLengthMax} are allowed`)
    : { kind: 'key', key };
};
