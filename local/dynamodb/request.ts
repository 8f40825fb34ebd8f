/** Reading members of a request with the refusals of the service. A member that is null counts as absent. */
import { AwsError, validation } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';

/** Refuses members this engine does not know, naming the first, so that nothing is ignored in silence. */
export const refuseUnknown = (input: Json, operation: string, known: ReadonlySet<string>): void => {
  for (const member in input) {
    if (!known.has(member) && input[member] !== undefined && input[member] !== null) {
      throw validation(`${operation}: the local cloud does not support the parameter ${member}`);
    }
  }
};

/** The text of a member, or undefined. */
export const optionalText = (input: Json, member: string): string | undefined => {
  const value = input[member] ?? undefined;
  if (value !== undefined && typeof value !== 'string') throw unconvertible(value, 'String');
  return value;
};

/** The text of a member that must be there. */
export const requiredText = (input: Json, member: string): string => {
  const value = optionalText(input, member);
  if (value === undefined) throw constraint('null', member, 'Member must not be null');
  return value;
};

/** The boolean of a member, or undefined. */
export const optionalFlag = (input: Json, member: string): boolean | undefined => {
  const value = input[member] ?? undefined;
  if (value !== undefined && typeof value !== 'boolean') throw unconvertible(value, 'Boolean');
  return value;
};

/** The whole number of a member within its bounds, or undefined. */
export const optionalCount = (
  input: Json,
  member: string,
  bounds: { readonly least: number; readonly most: number },
): number | undefined => {
  const value = input[member] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'number') throw unconvertible(value, 'Integer');
  if (value < bounds.least) {
    throw constraint(`'${value}'`, member, `Member must have value greater than or equal to ${bounds.least}`);
  }
  if (value > bounds.most) {
    throw constraint(`'${value}'`, member, `Member must have value less than or equal to ${bounds.most}`);
  }
  return Math.floor(value);
};

/** A member that names one of several choices, or undefined. */
export const optionalChoice = <Choice extends string>(
  input: Json,
  member: string,
  choices: readonly Choice[],
): Choice | undefined => {
  const value = optionalText(input, member);
  if (value === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) {
    throw constraint(`'${value}'`, member, `Member must satisfy enum value set: [${choices.join(', ')}]`);
  }
  return choice;
};

/** The structure or map of a member, or undefined. */
export const optionalRecord = (input: Json, member: string): Json | undefined => {
  const value = input[member] ?? undefined;
  if (value === undefined) return undefined;
  if (!isJson(value)) throw malformed('Expected map or null');
  return value;
};

/** The structure or map of a member that must be there. */
export const requiredRecord = (input: Json, member: string): Json => {
  const value = optionalRecord(input, member);
  if (value === undefined) throw constraint('null', member, 'Member must not be null');
  return value;
};

/** The structures in a member's list, or undefined. */
export const optionalRecords = (input: Json, member: string): readonly Json[] | undefined => {
  const value = input[member] ?? undefined;
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every(isJson)) throw malformed('Expected list or null');
  return value;
};

/** The structures in the list of a member that must be there. */
export const requiredRecords = (input: Json, member: string): readonly Json[] => {
  const value = optionalRecords(input, member);
  if (value === undefined) throw constraint('null', member, 'Member must not be null');
  return value;
};

/** The refusal of a value that breaks a modelled constraint. */
export const constraint = (value: string, member: string, rule: string): AwsError =>
  validation(
    `1 validation error detected: Value ${value} at '${member.charAt(0).toLowerCase()}${member.slice(1)}' ` +
      `failed to satisfy constraint: ${rule}`,
  );

const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const unconvertible = (value: unknown, wanted: string): AwsError =>
  malformed(`${typeof value} can not be converted to an ${wanted}`);

const malformed = (message: string): AwsError => new AwsError('SerializationException', message);
