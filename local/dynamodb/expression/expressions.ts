/** The expressions of a request: parsed once per text and kept, bound to the request's names and values each time. */
import type { Json } from '#local/kernel/engine.ts';
import { optionalText } from '../request.ts';
import { boundPath } from './bindings.ts';
import type { Bindings } from './bindings.ts';
import { bindCondition } from './condition.ts';
import type { Test } from './condition.ts';
import { parseCondition, pathsIn } from './condition-syntax.ts';
import type { Condition } from './condition-syntax.ts';
import { bindProjection, parseProjection } from './projection.ts';
import type { Projection } from './projection.ts';
import { cursorOver } from './token.ts';
import type { Cursor, ExpressionKind } from './token.ts';
import { bindUpdate } from './update.ts';
import type { Update } from './update.ts';
import { parseUpdate } from './update-syntax.ts';

/** The condition or filter of a request. */
export const readTest = (
  input: Json,
  kind: 'ConditionExpression' | 'FilterExpression',
  bindings: Bindings,
): Test | undefined => {
  const text = optionalText(input, kind);
  return text === undefined ? undefined : bindCondition(kind, parsed(conditions, kind, text), bindings);
};

/** The key condition of a request, not yet bound. */
export const readKeyCondition = (input: Json): Condition | undefined => {
  const text = optionalText(input, 'KeyConditionExpression');
  return text === undefined ? undefined : parsed(conditions, 'KeyConditionExpression', text);
};

/** The attributes the filter of a request reads. */
export const readFilterNames = (input: Json, bindings: Bindings): readonly string[] => {
  const kind = 'FilterExpression';
  const text = optionalText(input, kind);
  if (text === undefined) return [];
  return pathsIn(parsed(conditions, kind, text)).map((path) => boundPath(bindings, kind, path)[0]);
};

/** The update of a request. */
export const readUpdate = (input: Json, bindings: Bindings): Update | undefined => {
  const text = optionalText(input, 'UpdateExpression');
  return text === undefined ? undefined : bindUpdate(parsed(updates, 'UpdateExpression', text), bindings);
};

/** The projection of a request. */
export const readProjection = (input: Json, bindings: Bindings): Projection | undefined => {
  const text = optionalText(input, 'ProjectionExpression');
  if (text === undefined) return undefined;
  return bindProjection(parsed(projections, 'ProjectionExpression', text), bindings);
};

const CACHED_TEXTS_MAX = 5_000;
const EXPRESSION_BYTES_MAX = 4_096;

interface ParseCache<Syntax> {
  readonly parse: (cursor: Cursor) => Syntax;
  readonly known: Map<string, Syntax>;
}

const conditions: ParseCache<Condition> = { parse: parseCondition, known: new Map() };
const updates: ParseCache<ReturnType<typeof parseUpdate>> = { parse: parseUpdate, known: new Map() };
const projections: ParseCache<ReturnType<typeof parseProjection>> = {
  parse: parseProjection,
  known: new Map(),
};

/** A text that parses does so under every kind: only refusals name the kind, and they are not kept. */
const parsed = <Syntax>(cache: ParseCache<Syntax>, kind: ExpressionKind, text: string): Syntax => {
  const known = cache.known.get(text);
  if (known !== undefined) return known;
  const cursor = cursorOver(text, kind);
  if (Buffer.byteLength(text) > EXPRESSION_BYTES_MAX) {
    throw cursor.refusal('Expression size has exceeded the maximum allowed size;');
  }
  const syntax = cache.parse(cursor);
  if (cache.known.size >= CACHED_TEXTS_MAX) cache.known.clear();
  cache.known.set(text, syntax);
  return syntax;
};
