/** The names and values a request gives to its expressions; every one must be used, and every used one given. */
import { validation } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import { parseValue } from '../parse-value.ts';
import { optionalRecord } from '../request.ts';
import type { AttributeValue } from '../value.ts';
import type { Path, Step, WrittenPath } from './path.ts';
import { invalid } from './token.ts';
import type { ExpressionKind } from './token.ts';

export interface Bindings {
  readonly names: ReadonlyMap<string, string>;
  readonly values: ReadonlyMap<string, AttributeValue>;
  /** The placeholders some expression has used. */
  readonly used: Set<string>;
}

/** Reads the bindings of a request whose operation takes these expressions. */
export const bindingsOf = (input: Json, kinds: readonly ExpressionKind[]): Bindings => {
  const names = optionalRecord(input, 'ExpressionAttributeNames');
  const values = optionalRecord(input, 'ExpressionAttributeValues');
  const hasExpression = kinds.some((kind) => typeof input[kind] === 'string');
  return {
    names: names === undefined ? NONE : readNames(names, hasExpression),
    values: values === undefined ? NONE : readValues(values, hasExpression ? [] : kinds),
    used: new Set(),
  };
};

/** The path with its `#names` resolved. */
export const boundPath = (bindings: Bindings, kind: ExpressionKind, written: WrittenPath): Path => {
  if (!written.some(isPlaceholder)) return written;
  const [first, ...rest] = written;
  return [
    boundName(bindings, kind, first),
    ...rest.map((step) => (typeof step === 'number' ? step : boundName(bindings, kind, step))),
  ];
};

/** The value behind a `:value`. */
export const boundValue = (bindings: Bindings, kind: ExpressionKind, placeholder: string): AttributeValue => {
  const value = bindings.values.get(placeholder);
  if (value === undefined) {
    throw invalid(
      kind,
      `An expression attribute value used in expression is not defined; attribute value: ${placeholder}`,
    );
  }
  bindings.used.add(placeholder);
  return value;
};

/** Refuses names and values that no expression has used. */
export const refuseUnused = ({ names, values, used }: Bindings): void => {
  if (used.size === names.size + values.size) return;
  refuseUnusedOf('ExpressionAttributeNames', names, used);
  refuseUnusedOf('ExpressionAttributeValues', values, used);
};

const NONE: ReadonlyMap<string, never> = new Map<string, never>();

const isPlaceholder = (step: Step): boolean => typeof step === 'string' && step.startsWith('#');

const boundName = (bindings: Bindings, kind: ExpressionKind, written: string): string => {
  if (!isPlaceholder(written)) return written;
  const name = bindings.names.get(written);
  if (name === undefined) {
    throw invalid(
      kind,
      `An expression attribute name used in the document path is not defined; attribute name: ${written}`,
    );
  }
  bindings.used.add(written);
  return name;
};

const refuseUnusedOf = (
  parameter: string,
  given: ReadonlyMap<string, unknown>,
  used: ReadonlySet<string>,
): void => {
  const unused = [...given.keys()].filter((key) => !used.has(key));
  if (unused.length === 0) return;
  throw validation(`Value provided in ${parameter} unused in expressions: keys: {${unused.join(', ')}}`);
};

const readNames = (given: Json, hasExpression: boolean): ReadonlyMap<string, string> => {
  if (!hasExpression) {
    throw validation('ExpressionAttributeNames can only be specified when using expressions');
  }
  const keys = keysOf('ExpressionAttributeNames', given, /^#[0-9a-zA-Z_]+$/);
  return new Map(
    keys.map((key) => {
      const name = given[key];
      if (typeof name !== 'string' || name === '') {
        throw validation(`ExpressionAttributeNames contains invalid value: must not be empty for key ${key}`);
      }
      return [key, name];
    }),
  );
};

const readValues = (given: Json, missing: readonly ExpressionKind[]): ReadonlyMap<string, AttributeValue> => {
  if (missing.length > 0) {
    const verb = missing.length > 1 ? 'are' : 'is';
    throw validation(
      'ExpressionAttributeValues can only be specified when using expressions: ' +
        `${missing.join(' and ')} ${verb} null`,
    );
  }
  const keys = keysOf('ExpressionAttributeValues', given, /^:[0-9a-zA-Z_]+$/);
  return new Map(keys.map((key) => [key, readValue(key, given[key])]));
};

const readValue = (key: string, given: unknown): AttributeValue => {
  try {
    return parseValue(given);
  } catch (refusal) {
    if (!(refusal instanceof Error) || refusal.name !== 'ValidationException') throw refusal;
    throw validation(`ExpressionAttributeValues contains invalid value: ${refusal.message} for key ${key}`);
  }
};

const keysOf = (parameter: string, given: Json, pattern: RegExp): readonly string[] => {
  const keys = Object.keys(given);
  if (keys.length === 0) throw validation(`${parameter} must not be empty`);
  const wrong = keys.find((key) => !pattern.test(key));
  if (wrong !== undefined) {
    throw validation(`${parameter} contains invalid key: Syntax error; key: "${wrong}"`);
  }
  return keys;
};
