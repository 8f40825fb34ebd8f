/** Reads the members of an operation's input and refuses what the service's model does not allow. */
import type { Json } from '#local/kernel/engine.ts';
import { AwsError, validation } from '#local/kernel/aws-error.ts';

/** Refuses a member by its place, in the words of the service. */
export const constraint = (place: string, rule: string): AwsError =>
  validation(
    `1 validation error detected: Value at '${place}' failed to satisfy constraint: Member must ${rule}`,
  );

/** Refuses an argument that is well formed and makes no sense here. */
export const invalidArgument = (message: string): AwsError =>
  new AwsError('InvalidArgumentException', message);

const wrongType = (place: string, type: string): AwsError =>
  new AwsError('SerializationException', `${place} must be a ${type}`);

const placeOf = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/** A text member, or undefined when it is absent. */
export const optionalText = (input: Json, name: string): string | undefined => {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw wrongType(name, 'string');
  return value;
};

/** A text member that must be there. */
export const text = (input: Json, name: string): string => {
  const value = optionalText(input, name);
  if (value === undefined) throw constraint(placeOf(name), 'not be null');
  return value;
};

/** A text member that must be there and be one of those. */
export const oneOf = <Choice extends string>(
  input: Json,
  name: string,
  choices: readonly Choice[],
): Choice => {
  const value = text(input, name);
  const choice = choices.find((candidate) => candidate === value);
  if (!choice) throw constraint(placeOf(name), `satisfy enum value set: [${choices.join(', ')}]`);
  return choice;
};

/** A number member, or undefined when it is absent. */
export const optionalNumber = (input: Json, name: string): number | undefined => {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongType(name, 'number');
  return value;
};

/** Bounds of a number or a length, both included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** An integer member inside the range, or undefined when it is absent. */
export const optionalInteger = (input: Json, name: string, { min, max }: Range): number | undefined => {
  const value = optionalNumber(input, name);
  if (value === undefined) return undefined;
  if (!Number.isInteger(value)) throw wrongType(name, 'integer');
  if (value < min) throw constraint(placeOf(name), `have value greater than or equal to ${String(min)}`);
  if (value > max) throw constraint(placeOf(name), `have value less than or equal to ${String(max)}`);
  return value;
};

/** An integer member inside the range that must be there. */
export const integer = (input: Json, name: string, range: Range): number => {
  const value = optionalInteger(input, name, range);
  if (value === undefined) throw constraint(placeOf(name), 'not be null');
  return value;
};

/** A structure member, or undefined when it is absent. */
export const optionalStructure = (input: Json, name: string): Json | undefined => {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw wrongType(name, 'structure');
  return { ...value };
};

/** A list member whose items are structures; its length is inside the range. */
export const structures = (input: Json, name: string, { min, max }: Range): readonly Json[] => {
  const value: unknown = input[name];
  if (value === undefined || value === null) throw constraint(placeOf(name), 'not be null');
  if (!Array.isArray(value)) throw wrongType(name, 'list');
  if (value.length < min)
    throw constraint(placeOf(name), `have length greater than or equal to ${String(min)}`);
  if (value.length > max) throw constraint(placeOf(name), `have length less than or equal to ${String(max)}`);
  return value.map((item: unknown, index) => {
    if (item === null || typeof item !== 'object') throw wrongType(`${name}[${String(index)}]`, 'structure');
    return item as Json;
  });
};

/** A list member of texts; its length is inside the range. */
export const texts = (input: Json, name: string, { min, max }: Range): readonly string[] => {
  const value: unknown = input[name];
  if (!Array.isArray(value)) throw constraint(placeOf(name), 'be a list');
  if (value.length < min || value.length > max) {
    throw constraint(placeOf(name), `have length between ${String(min)} and ${String(max)}`);
  }
  return value.map((item: unknown) => {
    if (typeof item !== 'string') throw wrongType(name, 'list of strings');
    return item;
  });
};

/** A map member from text to text, or undefined when it is absent. */
export const optionalTextMap = (input: Json, name: string): Readonly<Record<string, string>> | undefined => {
  const value = optionalStructure(input, name);
  if (!value) return undefined;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      if (typeof member !== 'string') throw wrongType(`${name}.${key}`, 'string');
      return [key, member];
    }),
  );
};

/** Refuses members this engine does not imitate, so that nobody relies on them in vain. */
export const refuseUnsupported = (input: Json, names: readonly string[]): void => {
  const name = names.find((candidate) => input[candidate] !== undefined);
  if (name) throw validation(`${name} is not supported by the local Kinesis`);
};
