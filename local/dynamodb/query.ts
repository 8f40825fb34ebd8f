/** Query: binary search to the range of one partition, then page by page along it, in either direction. */
import { validation } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import { bindingsOf, refuseUnused } from './expression/bindings.ts';
import { readFilterNames, readKeyCondition, readProjection, readTest } from './expression/expressions.ts';
import { keyAttributes } from './key.ts';
import { bindKeyCondition, hasBegun, hasEnded } from './key-condition.ts';
import type { KeyRange } from './key-condition.ts';
import { compareEntries, firstWhere } from './key-index.ts';
import type { Entry } from './key-index.ts';
import { answerPage, offerEntry, openPage } from './page.ts';
import type { Page } from './page.ts';
import { readSelect, readSource, readStart } from './read-source.ts';
import type { ReadSource, StartPlace } from './read-source.ts';
import { optionalFlag, refuseUnknown, requiredText } from './request.ts';
import { requireTable } from './store.ts';
import type { Store } from './store.ts';

const PARAMETERS: ReadonlySet<string> = new Set([
  'TableName',
  'IndexName',
  'Select',
  'Limit',
  'ConsistentRead',
  'KeyConditionExpression',
  'FilterExpression',
  'ProjectionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ExclusiveStartKey',
  'ScanIndexForward',
  'ReturnConsumedCapacity',
]);

const KINDS = ['KeyConditionExpression', 'FilterExpression', 'ProjectionExpression'] as const;

/** Answers one page of a query. */
export const query = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'Query', PARAMETERS);
  const tableName = requiredText(input, 'TableName');
  const bindings = bindingsOf(input, KINDS);
  const condition = readKeyCondition(input);
  if (condition === undefined) {
    throw validation(
      'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.',
    );
  }
  const filter = readTest(input, 'FilterExpression', bindings);
  const projection = readProjection(input, bindings);

  const source = readSource(requireTable(store, tableName), input);
  const range = bindKeyCondition(condition, source.keys, bindings);
  refuseUnused(bindings);
  refuseKeyFilter(source, readFilterNames(input, bindings));
  const select = readSelect(input, source, projection);
  const start = readStart(input, source);
  if (start !== undefined && !liesWithin(range, start)) {
    throw validation('The provided starting key is outside query boundaries based on provided conditions');
  }

  const page = openPage(input, { source, select, filter, projection });
  const isForward = optionalFlag(input, 'ScanIndexForward') ?? true;
  walk(source.entries.entriesOf(range.partition), { range, start, isForward }, page);
  return answerPage(page);
};

interface Walk {
  readonly range: KeyRange;
  readonly start: StartPlace | undefined;
  readonly isForward: boolean;
}

const walk = (entries: readonly Entry[], { range, start, isForward }: Walk, page: Page): void => {
  let first = firstWhere(entries, ({ sort }) => sort === undefined || hasBegun(range, sort));
  let end = firstWhere(entries, ({ sort }) => sort !== undefined && hasEnded(range, sort));
  if (start !== undefined && isForward) {
    first = Math.max(
      first,
      firstWhere(entries, (entry) => compareEntries(entry, start.key) > 0),
    );
  }
  if (start !== undefined && !isForward) {
    end = Math.min(
      end,
      firstWhere(entries, (entry) => compareEntries(entry, start.key) >= 0),
    );
  }
  for (let step = 0; step < end - first; step += 1) {
    const entry = entries[isForward ? first + step : end - 1 - step];
    if (entry === undefined || !offerEntry(page, entry)) return;
  }
};

const liesWithin = (range: KeyRange, { partition, key }: StartPlace): boolean => {
  if (partition !== range.partition) return false;
  return key.sort === undefined || (hasBegun(range, key.sort) && !hasEnded(range, key.sort));
};

const refuseKeyFilter = ({ keys }: ReadSource, filtered: readonly string[]): void => {
  const names = keyAttributes(keys).map(({ name }) => name);
  const wrong = filtered.find((name) => names.includes(name));
  if (wrong === undefined) return;
  throw validation(
    'Filter Expression can only contain non-primary key attributes: ' + `Primary key attribute: ${wrong}`,
  );
};
