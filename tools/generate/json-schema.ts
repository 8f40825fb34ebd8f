/** JSON Schema 2020-12 out of zod, without the noise of the library. */
import * as z from 'zod';

/** A JSON Schema, or any object inside of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** How a shape is read: as its sender writes it, or as its reader gets it. */
export type Direction = 'input' | 'output';

/**
 * Drops what says nothing on the wire: the bounds of safe integers and `readOnly`, which for zod means frozen in
 * memory. Answers are left open, because readers have to tolerate members that later versions add.
 */
export const tidySchema = (schema: Record<string, unknown>, direction: Direction): void => {
  delete schema['readOnly'];
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum'];
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) delete schema['minimum'];
  if (direction === 'output' && schema['additionalProperties'] === false)
    delete schema['additionalProperties'];
};

/** The JSON Schema of a shape. */
export const jsonSchemaOf = (schema: z.ZodType, direction: Direction): JsonSchema => {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: direction,
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => tidySchema(jsonSchema, direction),
  });
  const body = withoutAnyJson(rest, rest.$defs ?? {});
  if (JSON.stringify(body).includes('"$ref":')) throw new Error('only "any JSON" may refer to itself');
  return { $schema, ...body };
};

/** Replaces references to the self-referring "any JSON" with the empty schema, which says the same. */
export const withoutAnyJson = (schema: JsonSchema, definitions: Record<string, JsonSchema>): JsonSchema => {
  const anyJson = new Set(Object.keys(definitions).filter((name) => isAnyJson(definitions[name])));
  const clean = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(clean);
    if (typeof value !== 'object' || value === null) return value;
    const reference = (value as { readonly $ref?: unknown }).$ref;
    if (typeof reference === 'string' && anyJson.has(reference.split('/').at(-1) ?? '')) return {};
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => !anyJson.has(name))
        .map(([name, inner]) => [name, clean(inner)] as const)
        .filter(([name, inner]) => name !== '$defs' || Object.keys(inner as object).length > 0),
    );
  };
  return clean(schema) as JsonSchema;
};

const JSON_KINDS = ['string', 'number', 'boolean', 'null', 'array', 'object'];

const isAnyJson = (schema: JsonSchema | undefined): boolean => {
  const options = schema?.['anyOf'];
  return (
    Array.isArray(options) &&
    options.length === JSON_KINDS.length &&
    options.every((option: JsonSchema, index) => option['type'] === JSON_KINDS[index])
  );
};
