/**
 * One write, alone or in a transaction: the request is read and its expressions bound, then it is decided against
 * the table as it stands. Nothing changes before every check has passed.
 */
import { AwsError, validation } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import type { Test } from './expression/condition.ts';
import { expressionsOf } from './expression/expressions.ts';
import type { ExpressionKind } from './expression/token.ts';
import type { Update } from './expression/update.ts';
import { keyAttributes, keyOf, primaryKeyOf, requireIndexKey, requireItemKey, requireKey } from './key.ts';
import type { Entry } from './key-index.ts';
import { parseItem } from './parse-value.ts';
import { optionalChoice, requiredRecord, requiredText } from './request.ts';
import { ITEM_BYTES_MAX, itemSize } from './size.ts';
import { isNoChange, requireTable } from './store.ts';
import type { Store, Write } from './store.ts';
import { findItem } from './table.ts';
import type { Table } from './table.ts';
import type { Item } from './value.ts';

export type WriteKind = 'Put' | 'Update' | 'Delete' | 'ConditionCheck';

/** A write as requested, its expressions bound. */
export interface WriteRequest {
  readonly kind: WriteKind;
  readonly tableName: string;
  /** The item of a put, the key of anything else. */
  readonly given: Item;
  readonly test: Test | undefined;
  readonly update: Update | undefined;
  readonly showsOldOnFailure: boolean;
}

/** A write that may happen. */
export interface WriteDecision {
  readonly table: Table;
  readonly before: Entry | undefined;
  /** The item afterwards; undefined when it is gone. */
  readonly after: Item | undefined;
  /** What to commit; undefined when nothing changes. */
  readonly write: Write | undefined;
}

const KINDS: Readonly<Record<WriteKind, readonly ExpressionKind[]>> = {
  Put: ['ConditionExpression'],
  Update: ['UpdateExpression', 'ConditionExpression'],
  Delete: ['ConditionExpression'],
  ConditionCheck: ['ConditionExpression'],
};

/** Reads the members every write has; refuses faulty expressions. */
export const readWrite = (kind: WriteKind, input: Json): WriteRequest => {
  const tableName = requiredText(input, 'TableName');
  const given = parseItem(requiredRecord(input, kind === 'Put' ? 'Item' : 'Key'));
  const expressions = expressionsOf(input, KINDS[kind]);
  const update = kind === 'Update' ? expressions.update() : undefined;
  const test = expressions.test('ConditionExpression');
  expressions.bindings.refuseUnused();
  const shown = optionalChoice(input, 'ReturnValuesOnConditionCheckFailure', ['ALL_OLD', 'NONE']);
  return { kind, tableName, given, test, update, showsOldOnFailure: shown === 'ALL_OLD' };
};

/** Decides a write; throws the refusal of a failed condition or of an item that cannot be stored. */
export const decideWrite = (store: Store, request: WriteRequest): WriteDecision => {
  const table = requireTable(store, request.tableName);
  const { keys } = table.definition;
  const primary = request.kind === 'Put' ? requireStorable(table, request) : requireKey(keys, request.given);
  if (request.update) refuseKeyUpdate(table, request.update);
  const before = findItem(table, primary);
  if (request.test && !request.test(before?.item ?? {})) throw conditionFailed(request, before);
  const after = itemAfter(table, request, before);
  return { table, before, after, write: writeFor(table, request, { before, after }) };
};

/** The key under which no two writes of a transaction may meet. */
export const targetOf = (store: Store, request: WriteRequest): string => {
  const { definition } = requireTable(store, request.tableName);
  const primary =
    request.kind === 'Put'
      ? requireItemKey(definition.keys, request.given)
      : requireKey(definition.keys, request.given);
  return JSON.stringify([definition.name, primary]);
};

const requireStorable = (table: Table, { given }: WriteRequest) => {
  const primary = requireItemKey(table.definition.keys, given);
  requireStorableIndexes(table, given);
  if (itemSize(given) > ITEM_BYTES_MAX) {
    throw validation('Item size has exceeded the maximum allowed size');
  }
  return primary;
};

const requireStorableIndexes = (table: Table, item: Item): void => {
  for (const { definition } of table.indexes.values())
    requireIndexKey(definition.keys, definition.name, item);
};

const refuseKeyUpdate = (table: Table, update: Update): void => {
  const names = keyAttributes(table.definition.keys).map(({ name }) => name);
  const touched = update.paths.find(([first]) => names.includes(first));
  if (touched === undefined) return;
  throw validation(
    `One or more parameter values were invalid: Cannot update attribute ${touched[0]}. ` +
      'This attribute is part of the key',
  );
};

const itemAfter = (table: Table, request: WriteRequest, before: Entry | undefined): Item | undefined => {
  switch (request.kind) {
    case 'Put':
      return request.given;
    case 'Delete':
      return undefined;
    case 'ConditionCheck':
      return before?.item;
    case 'Update': {
      const base = before?.item ?? request.given;
      const after = request.update ? request.update.apply(base) : base;
      requireStorableIndexes(table, after);
      if (itemSize(after) > ITEM_BYTES_MAX) {
        throw validation('Item size to update has exceeded the maximum allowed size');
      }
      return after;
    }
  }
};

const writeFor = (
  table: Table,
  { kind, given }: WriteRequest,
  { before, after }: { readonly before: Entry | undefined; readonly after: Item | undefined },
): Write | undefined => {
  if (kind === 'ConditionCheck' || isNoChange(before, after)) return undefined;
  const { name, keys } = table.definition;
  return after === undefined ? ['delete', name, keyOf(keys, given)] : ['put', name, after];
};

const conditionFailed = (request: WriteRequest, before: Entry | undefined): AwsError =>
  new AwsError('ConditionalCheckFailedException', 'The conditional request failed', {
    details: request.showsOldOnFailure && before ? { Item: before.item } : {},
  });

/** The entry an item will have; for counting what a write consumes. */
export const entryOf = (table: Table, item: Item | undefined): Entry | undefined => {
  if (item === undefined) return undefined;
  const primary = primaryKeyOf(table.definition.keys, item);
  return { item, bytes: itemSize(item), sort: primary.sort, primary };
};
