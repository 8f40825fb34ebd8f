/**
 * One write, alone or in a transaction: the request is read and its expressions bound, then it is decided against
 * the table as it stands. Nothing changes before every check has passed.
 */
import { AwsError, validation } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import { bindingsOf, refuseUnused } from './expression/bindings.ts';
import type { Test } from './expression/condition.ts';
import { readTest, readUpdate } from './expression/expressions.ts';
import type { ExpressionKind } from './expression/token.ts';
import type { Update } from './expression/update.ts';
import { keyAttributes, requireIndexKey, requireItemKey, requireKey } from './key.ts';
import type { PrimaryKey } from './key.ts';
import type { Entry } from './key-index.ts';
import { parseItem } from './parse-value.ts';
import { optionalChoice, requiredRecord, requiredText } from './request.ts';
import { ITEM_BYTES_MAX, itemSize } from './size.ts';
import { requireTable } from './store.ts';
import type { Store } from './store.ts';
import { findItem } from './table.ts';
import type { ItemChange, Table } from './table.ts';
import { equalItems } from './value.ts';
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
export interface WriteDecision extends ItemChange {
  /** False when the table stays as it is; such a write leaves no trace in stream or journal. */
  readonly isChange: boolean;
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
  const bindings = bindingsOf(input, KINDS[kind]);
  const update = kind === 'Update' ? readUpdate(input, bindings) : undefined;
  const test = readTest(input, 'ConditionExpression', bindings);
  refuseUnused(bindings);
  const shown = optionalChoice(input, 'ReturnValuesOnConditionCheckFailure', ['ALL_OLD', 'NONE']);
  return { kind, tableName, given, test, update, showsOldOnFailure: shown === 'ALL_OLD' };
};

/** Decides a write; throws the refusal of a failed condition or of an item that cannot be stored. */
export const decideWrite = (store: Store, request: WriteRequest): WriteDecision => {
  const { kind, given, update, test } = request;
  const table = requireTable(store, request.tableName);
  const { keys } = table.definition;
  const primary = kind === 'Put' ? requireItemKey(keys, given) : requireKey(keys, given);
  const put = kind === 'Put' ? storable(table, primary, given) : undefined;
  if (update) refuseKeyUpdate(table, update);
  const before = findItem(table, primary);
  if (test && !test(before?.item ?? {})) throw conditionFailed(request, before);
  switch (kind) {
    case 'Put':
      return decision(table, before, put);
    case 'Delete':
      return decision(table, before, undefined);
    case 'ConditionCheck':
      return decision(table, before, before);
    case 'Update': {
      const base = before?.item ?? given;
      return decision(table, before, updatable(table, primary, update ? update.apply(base) : base));
    }
  }
};

/** The key under which no two writes of a transaction may meet. */
export const targetOf = (store: Store, { kind, tableName, given }: WriteRequest): string => {
  const { keys, name } = requireTable(store, tableName).definition;
  const primary = kind === 'Put' ? requireItemKey(keys, given) : requireKey(keys, given);
  return JSON.stringify([name, primary]);
};

const decision = (table: Table, before: Entry | undefined, after: Entry | undefined): WriteDecision => ({
  table,
  before,
  after,
  isChange:
    before === undefined || after === undefined ? before !== after : !equalItems(before.item, after.item),
});

const storable = (table: Table, primary: PrimaryKey, item: Item): Entry => {
  const entry = entryFor(table, primary, item);
  if (entry.bytes <= ITEM_BYTES_MAX) return entry;
  throw validation('Item size has exceeded the maximum allowed size');
};

const updatable = (table: Table, primary: PrimaryKey, item: Item): Entry => {
  const entry = entryFor(table, primary, item);
  if (entry.bytes <= ITEM_BYTES_MAX) return entry;
  throw validation('Item size to update has exceeded the maximum allowed size');
};

const entryFor = (table: Table, primary: PrimaryKey, item: Item): Entry => {
  for (const { definition } of table.indexes.values())
    requireIndexKey(definition.keys, definition.name, item);
  return { item, bytes: itemSize(item), sort: primary.sort, primary };
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

const conditionFailed = (request: WriteRequest, before: Entry | undefined): AwsError =>
  new AwsError('ConditionalCheckFailedException', 'The conditional request failed', {
    details: request.showsOldOnFailure && before ? { Item: before.item } : {},
  });
