/** Reads the members of an operation's input, in either protocol, and refuses wrong ones in the words of SQS. */
import type { Json } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import { invalidParameter, missingParameter } from './refusal.ts';

const wrongType = (name: string, type: string): AwsError =>
  new AwsError('SerializationException', `${name} must be a ${type}`);

/** A text member, or undefined when it is absent. */
export const optionalText = (input: Json, name: string): string | undefined => {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw wrongType(name, 'string');
  return value;
};

/** A text member that must be there and not be empty. */
export const text = (input: Json, name: string): string => {
  const value = optionalText(input, name);
  if (value === undefined || value === '') throw missingParameter(name);
  return value;
};

/** Bounds of a number, both included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** An integer member inside the range, or undefined when it is absent. */
export const optionalInteger = (input: Json, name: string, { min, max }: Range): number | undefined => {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(name, 'integer');
  if (value >= min && value <= max) return value;
  throw invalidParameter(name, value, `Must be between ${String(min)} and ${String(max)}, if provided.`);
};

/** An integer member inside the range that must be there. */
export const integer = (input: Json, name: string, range: Range): number => {
  const value = optionalInteger(input, name, range);
  if (value === undefined) throw missingParameter(name);
  return value;
};

/** A list member of texts; empty when it is absent. */
export const texts = (input: Json, name: string): readonly string[] => {
  const value: unknown = input[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrongType(name, 'list');
  return value.map((item: unknown) => {
    if (typeof item !== 'string') throw wrongType(name, 'list of strings');
    return item;
  });
};

/** A structure member, or undefined when it is absent. */
export const optionalStructure = (input: Json, name: string): Json | undefined => {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw wrongType(name, 'map');
  return { ...value };
};

/** A map member from text to text; empty when it is absent. */
export const textMap = (input: Json, name: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(optionalStructure(input, name) ?? {}).map(([key, value]) => {
      if (typeof value !== 'string') throw wrongType(`${name}.${key}`, 'string');
      return [key, value];
    }),
  );

const ENTRIES_MAX = 10;
const ENTRY_ID = /^[A-Za-z0-9_-]{1,80}$/;

/** The entries of a batch: 1 to 10, each with an id of its own. */
export const batchEntries = (input: Json): readonly Json[] => {
  const value: unknown = input['Entries'];
  if (value !== undefined && value !== null && !Array.isArray(value)) throw wrongType('Entries', 'list');
  const entries = (value ?? []).map((item: unknown) => {
    if (item === null || typeof item !== 'object') throw wrongType('Entries', 'list of structures');
    return { ...item };
  });
  if (entries.length === 0) {
    throw new AwsError('EmptyBatchRequest', 'There should be at least one entry in the request.');
  }
  if (entries.length > ENTRIES_MAX) {
    throw new AwsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${String(ENTRIES_MAX)}. You have sent ${String(entries.length)}.`,
    );
  }
  const ids = new Set<string>();
  for (const entry of entries) {
    const id = text(entry, 'Id');
    if (!ENTRY_ID.test(id)) {
      throw new AwsError(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
      );
    }
    if (ids.has(id)) throw new AwsError('BatchEntryIdsNotDistinct', `Id ${id} repeated.`);
    ids.add(id);
  }
  return entries;
};
