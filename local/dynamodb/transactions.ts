/** Transactions: every write is decided against the same state, then all happen or none. */
import { createHash } from 'node:crypto';
import { AwsError, validation } from '#local/kernel/aws-error.ts';
import type { Json, Operation } from '#local/kernel/engine.ts';
import {
  capacityDetail,
  doubled,
  printConsumptions,
  readConsumption,
  readUnits,
  writeConsumption,
} from './capacity.ts';
import type { Consumption } from './capacity.ts';
import { bindingsOf, refuseUnused } from './expression/bindings.ts';
import { readProjection } from './expression/expressions.ts';
import { keyOf, requireKey } from './key.ts';
import { parseItem } from './parse-value.ts';
import {
  constraint,
  optionalText,
  refuseUnknown,
  requiredRecord,
  requiredRecords,
  requiredText,
} from './request.ts';
import { itemSize } from './size.ts';
import { commitTransaction, requireTable, TOKEN_MS } from './store.ts';
import type { Store, TokenMark } from './store.ts';
import { findItem } from './table.ts';
import { decideWrite, readWrite, targetOf } from './write.ts';
import type { WriteDecision, WriteKind, WriteRequest } from './write.ts';

/** The transactional operations. */
export const transactionOperations = (store: Store): Readonly<Record<string, Operation>> => ({
  TransactWriteItems: (input) => transactWrite(store, input),
  TransactGetItems: (input) => transactGet(store, input),
});

const ITEMS_MAX = 100;
const BYTES_MAX = 4 * 1024 * 1024;

const WRITE_PARAMETERS: ReadonlySet<string> = new Set([
  'TransactItems',
  'ClientRequestToken',
  'ReturnConsumedCapacity',
  'ReturnItemCollectionMetrics',
]);

const transactWrite = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'TransactWriteItems', WRITE_PARAMETERS);
  const detail = capacityDetail(input);
  const items = readItems(input);
  const mark = readToken(input);
  const requests = items.map(readTransactItem);
  if (mark !== undefined && wasDone(store, mark)) {
    return printConsumptions(
      detail,
      requests.map((request) => replayConsumption(store, request)),
    );
  }
  refuseSameItem(requests.map((request) => requireTarget(store, request)));
  const decisions = decideAll(store, requests);
  const bytes = decisions.reduce((total, { after }) => total + (after?.bytes ?? 0), 0);
  if (bytes > BYTES_MAX) throw validation('Transaction aggregate item size exceeds the limit of 4 MB');

  const changes = decisions.filter(({ isChange }) => isChange);
  if (changes.length > 0 || mark !== undefined) commitTransaction(store, changes, mark);
  if (detail === 'NONE') return {};
  return printConsumptions(
    detail,
    decisions.map((decision) => doubled(writeConsumption(decision))),
  );
};

const readItems = (input: Json): readonly Json[] => {
  const items = requiredRecords(input, 'TransactItems');
  if (items.length === 0) {
    throw constraint('[]', 'TransactItems', 'Member must have length greater than or equal to 1');
  }
  if (items.length > ITEMS_MAX) {
    throw constraint(
      `'${items.length} items'`,
      'TransactItems',
      `Member must have length less than or equal to ${ITEMS_MAX}`,
    );
  }
  return items;
};

const ACTION_PARAMETERS = [
  'TableName',
  'ConditionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ReturnValuesOnConditionCheckFailure',
];

const ACTIONS: Readonly<Record<WriteKind, ReadonlySet<string>>> = {
  Put: new Set([...ACTION_PARAMETERS, 'Item']),
  Update: new Set([...ACTION_PARAMETERS, 'Key', 'UpdateExpression']),
  Delete: new Set([...ACTION_PARAMETERS, 'Key']),
  ConditionCheck: new Set([...ACTION_PARAMETERS, 'Key']),
};

const readTransactItem = (item: Json): WriteRequest => {
  const kinds = Object.keys(item).filter((member) => item[member] !== undefined && item[member] !== null);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    throw validation('TransactItems can only contain one of Check, Put, Update or Delete');
  }
  if (!isWriteKind(kind)) throw validation(`TransactWriteItems does not know the action ${kind}`);
  const action = requiredRecord(item, kind);
  refuseUnknown(action, `TransactWriteItems ${kind}`, ACTIONS[kind]);
  if (kind === 'ConditionCheck') requiredText(action, 'ConditionExpression');
  if (kind === 'Update') requiredText(action, 'UpdateExpression');
  return readWrite(kind, action);
};

const isWriteKind = (kind: string): kind is WriteKind => Object.hasOwn(ACTIONS, kind);

/** A token's fingerprint covers the items alone, so asking for capacity does not make another request of it. */
const readToken = (input: Json): TokenMark | undefined => {
  const token = optionalText(input, 'ClientRequestToken');
  if (token === undefined) return undefined;
  if (token.length < 1 || token.length > 36) {
    throw constraint(`'${token}'`, 'ClientRequestToken', 'Member must have length less than or equal to 36');
  }
  const fingerprint = createHash('sha256').update(JSON.stringify(input['TransactItems'])).digest('base64');
  return { token, fingerprint };
};

const wasDone = (store: Store, { token, fingerprint }: TokenMark): boolean => {
  const known = store.tokens.get(token);
  if (known === undefined || store.setting.clock.nowMs() - known.atMs >= TOKEN_MS) return false;
  if (known.fingerprint === fingerprint) return true;
  throw new AwsError(
    'IdempotentParameterMismatchException',
    'The request uses the same client token as a previous, but non-identical request.',
  );
};

/** A repeated transaction only reads. */
const replayConsumption = (store: Store, { tableName, given }: WriteRequest): Consumption => {
  const table = requireTable(store, tableName);
  return doubled(readConsumption(table, readUnits(itemSize(given), true)));
};

/** A key that does not fit its table is a reason of cancellation, found again when the write is decided. */
const requireTarget = (store: Store, request: WriteRequest): string | undefined => {
  try {
    return targetOf(store, request);
  } catch (refusal) {
    if (refusal instanceof AwsError && refusal.code === 'ValidationException') return undefined;
    throw refusal;
  }
};

const refuseSameItem = (targets: readonly (string | undefined)[]): void => {
  const known = targets.filter((target) => target !== undefined);
  if (new Set(known).size === known.length) return;
  throw validation('Transaction request cannot include multiple operations on one item');
};

const decideAll = (store: Store, requests: readonly WriteRequest[]): readonly WriteDecision[] => {
  const decisions: WriteDecision[] = [];
  const reasons = requests.map((request) => {
    try {
      decisions.push(decideWrite(store, request));
      return { Code: 'None' };
    } catch (refusal) {
      if (!(refusal instanceof AwsError)) throw refusal;
      return reasonOf(refusal);
    }
  });
  if (decisions.length === requests.length) return decisions;
  const codes = reasons.map(({ Code }) => Code).join(', ');
  throw new AwsError(
    'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    { details: { CancellationReasons: reasons } },
  );
};

const reasonOf = (refusal: AwsError): { readonly Code: string; readonly Message: string } => ({
  Code: refusal.code === 'ConditionalCheckFailedException' ? 'ConditionalCheckFailed' : 'ValidationError',
  Message: refusal.message,
  ...refusal.details,
});

const GET_PARAMETERS: ReadonlySet<string> = new Set(['TransactItems', 'ReturnConsumedCapacity']);
const GET_ACTION: ReadonlySet<string> = new Set([
  'TableName',
  'Key',
  'ProjectionExpression',
  'ExpressionAttributeNames',
]);

const transactGet = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'TransactGetItems', GET_PARAMETERS);
  const detail = capacityDetail(input);
  const targets: string[] = [];
  const consumptions: Consumption[] = [];
  const responses = readItems(input).map((item) => {
    const get = requiredRecord(item, 'Get');
    refuseUnknown(get, 'TransactGetItems Get', GET_ACTION);
    const bindings = bindingsOf(get, ['ProjectionExpression']);
    const projection = readProjection(get, bindings);
    refuseUnused(bindings);
    const table = requireTable(store, requiredText(get, 'TableName'));
    const { keys, name } = table.definition;
    const key = parseItem(requiredRecord(get, 'Key'));
    const primary = requireKey(keys, key);
    targets.push(JSON.stringify([name, keyOf(keys, key)]));
    const found = findItem(table, primary);
    consumptions.push(doubled(readConsumption(table, readUnits(found?.bytes ?? 0, true))));
    if (found === undefined) return {};
    return { Item: projection ? projection.apply(found.item) : found.item };
  });
  refuseSameItem(targets);
  return { Responses: responses, ...printConsumptions(detail, consumptions) };
};
