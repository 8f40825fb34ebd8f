/**
 * The expressions of one request: parsed once per text and kept, bound to the request's names and values each time.
 */
import type { Json } from '#local/kernel/engine.ts';
import { optionalText } from '../request.ts';
import { bindingsOf } from './bindings.ts';
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

/** Binds what the request gave of the kinds an operation takes, then refuses unused names and values. */
export interface Expressions {
  readonly bindings: Bindings;
  readonly test: (kind: 'ConditionExpression' | 'FilterExpression') => Test | undefined;
  readonly keyCondition: () => Condition | undefined;
  /** The attributes the filter reads. */
  readonly filterNames: () => readonly string[];
  readonly update: () => Update | undefined;
  readonly projection: () => Projection | undefined;
}

/** Opens the expressions of a request; call `bindings.refuseUnused` when all have been bound. */
export const expressionsOf = (input: Json, kinds: readonly ExpressionKind[]): Expressions => {
  const bindings = bindingsOf(input, kinds);
  return {
    bindings,
    test: (kind) => {
      const text = optionalText(input, kind);
      return text === undefined ? undefined : bindCondition(kind, parsed(conditions, kind, text), bindings);
    },
    keyCondition: () => {
      const text = optionalText(input, 'KeyConditionExpression');
      return text === undefined ? undefined : parsed(conditions, 'KeyConditionExpression', text);
    },
    filterNames: () => {
      const kind = 'FilterExpression';
      const text = optionalText(input, kind);
      if (text === undefined) return [];
      return pathsIn(parsed(conditions, kind, text)).map((path) => bindings.path(kind, path)[0]);
    },
    update: () => {
      const text = optionalText(input, 'UpdateExpression');
      return text === undefined ? undefined : bindUpdate(parsed(updates, 'UpdateExpression', text), bindings);
    },
    projection: () => {
      const text = optionalText(input, 'ProjectionExpression');
      if (text === undefined) return undefined;
      return bindProjection(parsed(projections, 'ProjectionExpression', text), bindings);
    },
  };
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
