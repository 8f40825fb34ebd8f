/** PutItem, GetItem, UpdateItem and DeleteItem. */
import { validation } from '#local/kernel/aws-error.ts';
import type { Json, Operation } from '#local/kernel/engine.ts';
import {
  capacityDetail,
  printConsumption,
  readConsumption,
  readUnits,
  writeConsumption,
} from './capacity.ts';
import { bindingsOf, refuseUnused } from './expression/bindings.ts';
import { readProjection } from './expression/expressions.ts';
import { project } from './expression/projection.ts';
import { requireKey } from './key.ts';
import { parseItem } from './parse-value.ts';
import { optionalChoice, optionalFlag, refuseUnknown, requiredRecord, requiredText } from './request.ts';
import { commitChange, requireTable } from './store.ts';
import type { Store } from './store.ts';
import { findItem } from './table.ts';
import type { Item } from './value.ts';
import { decideWrite, readWrite } from './write.ts';
import type { WriteDecision, WriteKind, WriteRequest } from './write.ts';

/** The operations on single items. */
export const itemOperations = (store: Store): Readonly<Record<string, Operation>> => ({
  PutItem: (input) => writeItem(store, 'Put', input),
  UpdateItem: (input) => writeItem(store, 'Update', input),
  DeleteItem: (input) => writeItem(store, 'Delete', input),
  GetItem: (input) => getItem(store, input),
});

type ReturnValues = 'ALL_NEW' | 'UPDATED_OLD' | 'ALL_OLD' | 'NONE' | 'UPDATED_NEW';

const RETURN_VALUES: readonly ReturnValues[] = ['ALL_NEW', 'UPDATED_OLD', 'ALL_OLD', 'NONE', 'UPDATED_NEW'];

const WRITE_PARAMETERS = [
  'TableName',
  'ConditionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ReturnValues',
  'ReturnValuesOnConditionCheckFailure',
  'ReturnConsumedCapacity',
  'ReturnItemCollectionMetrics',
];

const PARAMETERS: Readonly<Record<Exclude<WriteKind, 'ConditionCheck'>, ReadonlySet<string>>> = {
  Put: new Set([...WRITE_PARAMETERS, 'Item']),
  Update: new Set([...WRITE_PARAMETERS, 'Key', 'UpdateExpression']),
  Delete: new Set([...WRITE_PARAMETERS, 'Key']),
};

const writeItem = (store: Store, kind: 'Put' | 'Update' | 'Delete', input: Json): Json => {
  refuseUnknown(input, `${kind}Item`, PARAMETERS[kind]);
  const wanted = optionalChoice(input, 'ReturnValues', RETURN_VALUES) ?? 'NONE';
  if (kind !== 'Update' && wanted !== 'NONE' && wanted !== 'ALL_OLD') {
    throw validation('ReturnValues can only be ALL_OLD or NONE');
  }
  const detail = capacityDetail(input);
  const request = readWrite(kind, input);
  const decision = decideWrite(store, request);
  if (decision.isChange) commitChange(store, decision);
  const attributes = returnedAttributes(wanted, request, decision);
  return {
    ...(attributes === undefined ? {} : { Attributes: attributes }),
    ...(detail === 'NONE' ? {} : printConsumption(detail, writeConsumption(decision))),
  };
};

const returnedAttributes = (
  wanted: ReturnValues,
  { update }: WriteRequest,
  { before, after }: WriteDecision,
): Item | undefined => {
  switch (wanted) {
    case 'NONE':
      return undefined;
    case 'ALL_OLD':
      return before?.item;
    case 'ALL_NEW':
      return after?.item;
    case 'UPDATED_OLD':
      return nonEmpty(project(before?.item ?? {}, update?.paths ?? []));
    case 'UPDATED_NEW':
      return nonEmpty(project(after?.item ?? {}, update?.paths ?? []));
  }
};

const nonEmpty = (item: Item): Item | undefined => (Object.keys(item).length === 0 ? undefined : item);

const GET_PARAMETERS: ReadonlySet<string> = new Set([
  'TableName',
  'Key',
  'ConsistentRead',
  'ProjectionExpression',
  'ExpressionAttributeNames',
  'ReturnConsumedCapacity',
]);

const getItem = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'GetItem', GET_PARAMETERS);
  const tableName = requiredText(input, 'TableName');
  const key = parseItem(requiredRecord(input, 'Key'));
  const isConsistent = optionalFlag(input, 'ConsistentRead') ?? false;
  const detail = capacityDetail(input);
  const bindings = bindingsOf(input, ['ProjectionExpression']);
  const projection = readProjection(input, bindings);
  refuseUnused(bindings);

  const table = requireTable(store, tableName);
  const found = findItem(table, requireKey(table.definition.keys, key));
  return {
    ...(found ? { Item: projection ? projection.apply(found.item) : found.item } : {}),
    ...printConsumption(detail, readConsumption(table, readUnits(found?.bytes ?? 0, isConsistent))),
  };
};
