/** BatchGetItem and BatchWriteItem: many items in one request, each on its own. */
import { validation } from '#local/kernel/aws-error.ts';
import type { Json, Operation } from '#local/kernel/engine.ts';
import {
  capacityDetail,
  printConsumptions,
  readConsumption,
  readUnits,
  writeConsumption,
} from './capacity.ts';
import type { Consumption } from './capacity.ts';
import { bindingsOf, refuseUnused } from './expression/bindings.ts';
import { readProjection } from './expression/expressions.ts';
import type { Projection } from './expression/projection.ts';
import { requireKey } from './key.ts';
import type { PrimaryKey } from './key.ts';
import { parseItem } from './parse-value.ts';
import { constraint, optionalFlag, refuseUnknown, requiredRecord, requiredRecords } from './request.ts';
import { commitChange, requireTable } from './store.ts';
import type { Store } from './store.ts';
import { findItem } from './table.ts';
import type { Table } from './table.ts';
import type { Item } from './value.ts';
import { decideWrite, readWrite, targetOf } from './write.ts';
import type { WriteRequest } from './write.ts';

/** The batch operations. */
export const batchOperations = (store: Store): Readonly<Record<string, Operation>> => ({
  BatchGetItem: (input) => batchGet(store, input),
  BatchWriteItem: (input) => batchWrite(store, input),
});

const KEYS_MAX = 100;
const WRITES_MAX = 25;
/** What a BatchGetItem answers at most; the keys that are left come back unprocessed. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const DUPLICATES = 'Provided list of item keys contains duplicates';

const GET_PARAMETERS: ReadonlySet<string> = new Set(['RequestItems', 'ReturnConsumedCapacity']);
const GET_TABLE_PARAMETERS: ReadonlySet<string> = new Set([
  'Keys',
  'ConsistentRead',
  'ProjectionExpression',
  'ExpressionAttributeNames',
]);

interface TableGet {
  readonly name: string;
  readonly given: Json;
  readonly table: Table;
  readonly keys: readonly { readonly key: Item; readonly primary: PrimaryKey }[];
  readonly projection: Projection | undefined;
  readonly isConsistent: boolean;
}

const batchGet = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'BatchGetItem', GET_PARAMETERS);
  const detail = capacityDetail(input);
  const gets = tableRequests(input).map(([name, given]) => readTableGet(store, name, given));
  const keyCount = gets.reduce((total, { keys }) => total + keys.length, 0);
  if (keyCount > KEYS_MAX) throw validation('Too many items requested for the BatchGetItem call');

  const responses: Record<string, Item[]> = {};
  const unprocessed: Record<string, Json> = {};
  const consumptions: Consumption[] = [];
  let bytes = 0;
  for (const { name, given, table, keys, projection, isConsistent } of gets) {
    const items: Item[] = [];
    const left: Item[] = [];
    for (const { key, primary } of keys) {
      const found = findItem(table, primary);
      if (left.length > 0 || bytes + (found?.bytes ?? 0) > ANSWER_BYTES_MAX) {
        left.push(key);
        continue;
      }
      bytes += found?.bytes ?? 0;
      consumptions.push(readConsumption(table, readUnits(found?.bytes ?? 0, isConsistent)));
      if (found) items.push(projection ? projection.apply(found.item) : found.item);
    }
    responses[name] = items;
    if (left.length > 0) unprocessed[name] = { ...given, Keys: left };
  }
  return {
    Responses: responses,
    UnprocessedKeys: unprocessed,
    ...printConsumptions(detail, consumptions),
  };
};

const readTableGet = (store: Store, name: string, given: unknown): TableGet => {
  const request = requiredRecord({ [name]: given }, name);
  refuseUnknown(request, 'BatchGetItem', GET_TABLE_PARAMETERS);
  const bindings = bindingsOf(request, ['ProjectionExpression']);
  const projection = readProjection(request, bindings);
  refuseUnused(bindings);
  const table = requireTable(store, name);
  const keys = requiredRecords(request, 'Keys').map((given) => {
    const key = parseItem(given);
    return { key, primary: requireKey(table.definition.keys, key) };
  });
  if (keys.length === 0) {
    throw constraint('[]', 'RequestItems', 'Member must have length greater than or equal to 1');
  }
  if (keys.length > KEYS_MAX) throw validation('Too many items requested for the BatchGetItem call');
  refuseDuplicates(keys.map(({ primary }) => JSON.stringify(primary)));
  const isConsistent = optionalFlag(request, 'ConsistentRead') ?? false;
  return { name, given: request, table, keys, projection, isConsistent };
};

const WRITE_PARAMETERS: ReadonlySet<string> = new Set([
  'RequestItems',
  'ReturnConsumedCapacity',
  'ReturnItemCollectionMetrics',
]);
const PUT_PARAMETERS: ReadonlySet<string> = new Set(['Item']);
const DELETE_PARAMETERS: ReadonlySet<string> = new Set(['Key']);

const batchWrite = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'BatchWriteItem', WRITE_PARAMETERS);
  const detail = capacityDetail(input);
  const requests = tableRequests(input).flatMap(([name]) =>
    requiredRecords(requiredRecord(input, 'RequestItems'), name).map((item) => readBatchItem(name, item)),
  );
  if (requests.length === 0) {
    throw constraint('{}', 'RequestItems', 'Member must have length greater than or equal to 1');
  }
  if (requests.length > WRITES_MAX) throw validation('Too many items requested for the BatchWriteItem call');
  refuseDuplicates(requests.map((request) => targetOf(store, request)));

  const decisions = requests.map((request) => decideWrite(store, request));
  for (const decision of decisions) {
    if (decision.isChange) commitChange(store, decision);
  }
  const consumptions = detail === 'NONE' ? [] : decisions.map(writeConsumption);
  return { UnprocessedItems: {}, ...printConsumptions(detail, consumptions) };
};

const readBatchItem = (tableName: string, item: Json): WriteRequest => {
  const kinds = Object.keys(item).filter((member) => item[member] !== undefined && item[member] !== null);
  const [kind] = kinds;
  if (kinds.length === 1 && kind === 'PutRequest') {
    const put = requiredRecord(item, kind);
    refuseUnknown(put, 'BatchWriteItem PutRequest', PUT_PARAMETERS);
    return readWrite('Put', { ...put, TableName: tableName });
  }
  if (kinds.length === 1 && kind === 'DeleteRequest') {
    const deletion = requiredRecord(item, kind);
    refuseUnknown(deletion, 'BatchWriteItem DeleteRequest', DELETE_PARAMETERS);
    return readWrite('Delete', { ...deletion, TableName: tableName });
  }
  throw validation(
    'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
  );
};

const tableRequests = (input: Json): readonly (readonly [string, unknown])[] => {
  const requests = Object.entries(requiredRecord(input, 'RequestItems'));
  if (requests.length === 0) {
    throw constraint('{}', 'RequestItems', 'Member must have length greater than or equal to 1');
  }
  return requests;
};

const refuseDuplicates = (keys: readonly string[]): void => {
  if (new Set(keys).size !== keys.length) throw validation(DUPLICATES);
};
