/**
 * Tells a change of a published JSON Schema that others notice from one they do not. A shape we accept may only
 * widen: whoever sends the old form is still understood. A shape we answer may only grow: whoever reads the old
 * form still finds it. Whatever this file does not recognise as harmless counts as breaking.
 */
import { isDeepStrictEqual } from 'node:util';
import type { JsonSchema } from '#tools/generate/json-schema.ts';
import type { WireShape } from '#tools/generate/wire-shapes.ts';

type Use = WireShape['use'];

/** Every breaking difference, each with its place; empty when the change is additive. */
export const breakingChanges = (frozen: JsonSchema, current: JsonSchema, use: Use): readonly string[] =>
  compare({ frozen, current, use, place: '' });

interface Comparison {
  readonly frozen: JsonSchema;
  readonly current: JsonSchema;
  readonly use: Use;
  readonly place: string;
}

const compare = (comparison: Comparison): readonly string[] => {
  const { frozen, current, use, place } = comparison;
  if (optionsOf(current) && !optionsOf(frozen))
    return use === 'accepted' || isToldApart(frozen, optionsOf(current) ?? [])
      ? closest(comparison)
      : [at(place, 'has become one of several')];
  return [
    ...keywordBreaks(comparison),
    ...typeBreaks(comparison),
    ...boundBreaks(comparison),
    ...enumBreaks(comparison),
    ...memberBreaks(comparison),
    ...requiredBreaks(comparison),
    ...innerBreaks(comparison),
    ...optionBreaks(comparison),
  ];
};

const at = (place: string, text: string): string => `${place === '' ? 'the shape' : place} ${text}`;

const FREE_KEYWORDS = new Set(['$schema', '$id', 'title', 'description', 'default', 'examples']);
/** Upper and lower bounds, by what a larger number means. */
const UPPER = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'] as const;
const LOWER = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'] as const;
const STRUCTURE = new Set<string>([
  ...UPPER,
  ...LOWER,
  'type',
  'enum',
  'const',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'prefixItems',
  'propertyNames',
  'anyOf',
  'oneOf',
]);

/** Anything else (patterns, formats, …) has to stay as it is. */
const keywordBreaks = ({ frozen, current, place }: Comparison): readonly string[] =>
  [...new Set([...Object.keys(frozen), ...Object.keys(current)])]
    .filter((key) => !FREE_KEYWORDS.has(key) && !STRUCTURE.has(key))
    .filter((key) => !isDeepStrictEqual(frozen[key], current[key]))
    .map((key) => at(place, `has another ${key}`));

/** Accepting may take more types, answering may give fewer; every integer is a number. */
const typeBreaks = ({ frozen, current, use, place }: Comparison): readonly string[] => {
  const [before, after] = [typesOf(frozen), typesOf(current)];
  if (isDeepStrictEqual(before, after)) return [];
  const isFine =
    use === 'accepted'
      ? isEmpty(current) || (before !== undefined && after !== undefined && covers(after, before))
      : before !== undefined && after !== undefined && covers(before, after);
  return isFine ? [] : [at(place, `was ${typeText(frozen)} and is ${typeText(current)}`)];
};

const typesOf = (schema: JsonSchema): readonly string[] | undefined => {
  const type = schema['type'];
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? [...(type as readonly string[])].sort() : undefined;
};

const covers = (wide: readonly string[], narrow: readonly string[]): boolean =>
  narrow.every((type) => wide.includes(type) || (type === 'integer' && wide.includes('number')));

const typeText = (schema: JsonSchema): string => typesOf(schema)?.join(' or ') ?? 'of no type';

/** The schema that takes anything. */
const isEmpty = (schema: JsonSchema): boolean => Object.keys(schema).every((key) => FREE_KEYWORDS.has(key));

const numberAt = (schema: JsonSchema, key: string, absent: number): number => {
  const value = schema[key];
  return typeof value === 'number' ? value : absent;
};

/** Accepting may loosen a bound, answering may tighten it; bounds of a dropped type went with it. */
const boundBreaks = ({ frozen, current, use, place }: Comparison): readonly string[] => {
  const sign = use === 'accepted' ? 1 : -1;
  const upper = UPPER.filter(
    (key) => sign * (numberAt(current, key, Infinity) - numberAt(frozen, key, Infinity)) < 0,
  );
  const lower = LOWER.filter(
    (key) => sign * (numberAt(frozen, key, -Infinity) - numberAt(current, key, -Infinity)) < 0,
  );
  return [...upper, ...lower].map((key) =>
    at(place, `had ${key} ${boundText(frozen, key)} and has ${boundText(current, key)}`),
  );
};

const boundText = (schema: JsonSchema, key: string): string => {
  const value = schema[key];
  return typeof value === 'number' ? String(value) : 'none';
};

const listAt = (schema: JsonSchema, key: string): readonly unknown[] | undefined => {
  const value = schema[key];
  return Array.isArray(value) ? (value as readonly unknown[]) : undefined;
};

/** The closed list of values a schema allows; undefined when it is open. */
const valuesOf = (schema: JsonSchema): readonly unknown[] | undefined =>
  'const' in schema ? [schema['const']] : listAt(schema, 'enum');

/** A new value is additive in both directions: readers have to tolerate values they do not know. */
const enumBreaks = ({ frozen, current, use, place }: Comparison): readonly string[] => {
  const [before, after] = [valuesOf(frozen), valuesOf(current)];
  if (before === undefined)
    return after === undefined || use === 'answered'
      ? []
      : [at(place, 'allows a closed list of values only')];
  if (after === undefined)
    return use === 'accepted' ? [] : [at(place, 'has no closed list of values any more')];
  return before
    .filter((value) => !after.includes(value))
    .map((value) => at(place, `lost the value ${JSON.stringify(value)}`));
};

const objectAt = (schema: JsonSchema, key: string): Readonly<Record<string, JsonSchema>> =>
  (schema[key] ?? {}) as Readonly<Record<string, JsonSchema>>;

const memberBreaks = ({ frozen, current, use, place }: Comparison): readonly string[] => {
  const after = objectAt(current, 'properties');
  return Object.entries(objectAt(frozen, 'properties')).flatMap(([name, before]) => {
    const path = place === '' ? name : `${place}.${name}`;
    const now = after[name];
    if (now) return compare({ frozen: before, current: now, use, place: path });
    return isEmpty(current) && use === 'accepted' ? [] : [`${path} was removed`];
  });
};

const requiredBreaks = ({ frozen, current, use, place }: Comparison): readonly string[] => {
  const before = listAt(frozen, 'required') ?? [];
  const after = listAt(current, 'required') ?? [];
  const path = (name: unknown): string => (place === '' ? String(name) : `${place}.${String(name)}`);
  return use === 'accepted'
    ? after.filter((name) => !before.includes(name)).map((name) => `${path(name)} has become required`)
    : before.filter((name) => !after.includes(name)).map((name) => `${path(name)} is no longer certain`);
};

/** Items, values of records and their names. An absent schema takes anything, `false` takes nothing. */
const innerBreaks = ({ frozen, current, use, place }: Comparison): readonly string[] => [
  ...['items', 'additionalProperties', 'propertyNames'].flatMap((key) => {
    const [before, after] = [frozen[key], current[key]];
    if (isDeepStrictEqual(before, after)) return [];
    const inner = `${place}[${key}]`;
    if (isSchema(before) && isSchema(after))
      return compare({ frozen: before, current: after, use, place: inner });
    const isOpened = after === undefined || after === true || before === false;
    return isOpened === (use === 'accepted') ? [] : [at(inner, isOpened ? 'was opened' : 'was closed')];
  }),
  ...(isDeepStrictEqual(frozen['prefixItems'], current['prefixItems'])
    ? []
    : [at(place, 'has other places')]),
];

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const optionsOf = (schema: JsonSchema): readonly JsonSchema[] | undefined =>
  (listAt(schema, 'anyOf') ?? listAt(schema, 'oneOf')) as readonly JsonSchema[] | undefined;

/**
 * Whether a member that readers of the old form look at tells the options apart: they see a value of it that they do not
 * know, which they have to tolerate, and never take another option for the one they know.
 */
const isToldApart = (frozen: JsonSchema, options: readonly JsonSchema[]): boolean =>
  Object.keys(objectAt(frozen, 'properties')).some((name) => {
    const values = [frozen, ...options].map((schema) => certainValues(schema, name));
    if (values.includes(undefined)) return false;
    const all = values.slice(1).flatMap((each) => each ?? []);
    return new Set(all).size === all.length;
  });

/** The closed list of values of a member that is always there. */
const certainValues = (schema: JsonSchema, name: string): readonly unknown[] | undefined => {
  const member = objectAt(schema, 'properties')[name];
  return member && listAt(schema, 'required')?.includes(name) ? valuesOf(member) : undefined;
};

/** The breaks against the current option that is nearest to what was frozen. */
const closest = ({ frozen, current, use, place }: Comparison): readonly string[] => {
  const tries = (optionsOf(current) ?? []).map((option) => compare({ frozen, current: option, use, place }));
  const [nearest] = [...tries].sort((one, other) => one.length - other.length);
  return nearest ?? [at(place, 'lost its options')];
};

/** Every frozen option needs a compatible current one. New ones are additive, but for a null nobody expects. */
const optionBreaks = ({ frozen, current, use, place }: Comparison): readonly string[] => {
  const [before, after] = [optionsOf(frozen), optionsOf(current)];
  if (!before) return [];
  if (!after) return isEmpty(current) && use === 'accepted' ? [] : [at(place, 'lost its options')];
  const isNewlyNull = use === 'answered' && after.some(isNull) && !before.some(isNull);
  return [
    ...before.flatMap((option, index) =>
      closest({ frozen: option, current, use, place: `${place}[option ${index}]` }),
    ),
    ...(isNewlyNull ? [at(place, 'may be null now')] : []),
  ];
};

const isNull = (schema: JsonSchema): boolean => schema['type'] === 'null';
