/**
 * Canonical partition keys (asset reference, section 9): dimensions by name, joined with commas, each
 * `name=tag:value`. One partition has one spelling, so equal text is equal partition.
 */
import { runLimits } from '#contracts/runs/limits.ts';
import type { PartitionDimension } from '#contracts/runs/manifest.ts';
import type { PartitionValue } from '#contracts/runs/trigger.ts';
import { valueOf } from '#domain/kernel/value-of.ts';
import { allowedInstead, fromPlain, isSpelledSo, plainText } from '#domain/manifest/partition-dimension.ts';
import { decodeScalar, encodeScalar } from '#domain/manifest/partition-scalar.ts';
import type { ScalarValue } from '#domain/manifest/partition-scalar.ts';

export type PartitionKeyValues = ReadonlyMap<string, ScalarValue>;

/** A key or value that does not fit; `message` says what was given, what is allowed and what to do. */
export interface PartitionFault {
  readonly kind: 'fault';
  readonly message: string;
  /** What the message is about, for programs: the given key or value, its dimension, what is allowed. */
  readonly details: Readonly<Record<string, unknown>>;
}

export type PartitionResult = { readonly kind: 'key'; readonly key: string } | PartitionFault;

const DIMENSION = /^[a-z][a-z0-9_]*$/;
const fault = (message: string, details: PartitionFault['details']): PartitionFault => ({
  kind: 'fault',
  message,
  details,
});

/** The canonical key; the order of the map does not matter. */
export const encodePartitionKey = (values: PartitionKeyValues): string =>
  [...values]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, scalar]) => `${name}=${encodeScalar(scalar)}`)
    .join(',');

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

/** Whether plain values name the partition of a canonical key, as far as can be told without its dimensions. */
export const namesPartition = (partitions: readonly PartitionValue[], partitionKey: string): boolean => {
  const values = parsePartitionKey(partitionKey);
  const named = new Map(partitions.map(({ key, value }) => [key, value]));
  return (
    values !== undefined &&
    named.size === partitions.length &&
    named.size === values.size &&
    [...values].every(([name, scalar]) => isSpelledSo(scalar, named.get(name)))
  );
};

/** How a request names its partition: plain values by dimension, or a canonical key. */
export type PartitionRequest =
  { readonly partitions: readonly PartitionValue[] } | { readonly partitionKey: string };

const requestedValues = (
  request: PartitionRequest,
  byName: ReadonlyMap<string, PartitionDimension>,
): PartitionKeyValues | PartitionFault => {
  if ('partitionKey' in request)
    return (
      parsePartitionKey(request.partitionKey) ??
      fault(
        `partitionKey "${request.partitionKey}" is not canonical; write name=tag:value by name, such as date=d:2026-01-02`,
        { given: request.partitionKey },
      )
    );
  const values = new Map<string, ScalarValue>();
  for (const { key, value } of request.partitions) {
    if (values.has(key))
      return fault(`dimension ${key} is given twice; give each once`, { dimension: key, given: value });
    const dimension = byName.get(key);
    values.set(key, dimension ? fromPlain(dimension, value) : { tag: 's', value });
  }
  return values;
};

/** The canonical key of a request that fits these dimensions, or why it does not. */
export const normalizePartition = (
  dimensions: readonly PartitionDimension[],
  request: PartitionRequest,
): PartitionResult => {
  const byName = new Map(dimensions.map((dimension) => [dimension.name, dimension]));
  const values = requestedValues(request, byName);
  if ('kind' in values) return values;
  const names = [...byName.keys()].sort();
  const given = [...values.keys()].sort();
  if (names.join() !== given.join())
    return fault(
      `the dimensions must be exactly ${names.join(', ')}; given were ${given.join(', ')}; name each of them once`,
      { given, allowed: names },
    );
  for (const [name, scalar] of values) {
    const dimension = valueOf(byName, name);
    const allowed = allowedInstead(dimension, scalar);
    if (allowed === undefined) continue;
    const plain = plainText(scalar);
    return fault(`dimension ${name} takes ${allowed}; given was "${plain}"; send such a value`, {
      dimension: name,
      given: plain,
      allowed,
    });
  }
  const key = encodePartitionKey(values);
  const { partitionKeyLengthMax } = runLimits;
  return key.length > partitionKeyLengthMax
    ? fault(
        `the key has ${key.length} characters; at most ${partitionKeyLengthMax} are allowed; send shorter values`,
        { given: key.length, allowed: partitionKeyLengthMax },
      )
    : { kind: 'key', key };
};
