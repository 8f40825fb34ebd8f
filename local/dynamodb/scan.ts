/** Scan: every partition by its hash; a segment of a parallel scan is a range of hashes. */
import { validation } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import { bindingsOf, refuseUnused } from './expression/bindings.ts';
import { readProjection, readTest } from './expression/expressions.ts';
import { compareEntries, firstWhere, hashOf, segmentRange } from './key-index.ts';
import type { KeyIndex } from './key-index.ts';
import { answerPage, offerEntry, openPage } from './page.ts';
import type { Page } from './page.ts';
import { readSelect, readSource, readStart } from './read-source.ts';
import type { StartPlace } from './read-source.ts';
import { optionalCount, refuseUnknown, requiredText } from './request.ts';
import { requireTable } from './store.ts';
import type { Store } from './store.ts';

const SEGMENTS_MAX = 1_000_000;

const PARAMETERS: ReadonlySet<string> = new Set([
  'TableName',
  'IndexName',
  'Select',
  'Limit',
  'ConsistentRead',
  'FilterExpression',
  'ProjectionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ExclusiveStartKey',
  'Segment',
  'TotalSegments',
  'ReturnConsumedCapacity',
]);

/** Answers one page of a scan. */
export const scan = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'Scan', PARAMETERS);
  const tableName = requiredText(input, 'TableName');
  const hashes = readSegment(input);
  const bindings = bindingsOf(input, ['FilterExpression', 'ProjectionExpression']);
  const filter = readTest(input, 'FilterExpression', bindings);
  const projection = readProjection(input, bindings);
  refuseUnused(bindings);

  const source = readSource(requireTable(store, tableName), input);
  const select = readSelect(input, source, projection);
  const start = readStart(input, source);
  if (start !== undefined) requireInSegment(start, hashes);

  const page = openPage(input, { source, select, filter, projection });
  walk(source.entries, { hashes, start }, page);
  return answerPage(page);
};

interface HashRange {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

const walk = (
  index: KeyIndex,
  { hashes, start }: { readonly hashes: HashRange; readonly start: StartPlace | undefined },
  page: Page,
): void => {
  const from = start
    ? { hash: hashOf(start.partition), key: start.partition }
    : { hash: hashes.start, key: '' };
  for (const { key, entries } of index.partitions(from, hashes.end)) {
    const first =
      start?.partition === key ? firstWhere(entries, (entry) => compareEntries(entry, start.key) > 0) : 0;
    for (let place = first; place < entries.length; place += 1) {
      const entry = entries[place];
      if (entry !== undefined && !offerEntry(page, entry)) return;
    }
  }
};

const readSegment = (input: Json): HashRange => {
  const total = optionalCount(input, 'TotalSegments', { least: 1, most: SEGMENTS_MAX });
  const segment = optionalCount(input, 'Segment', { least: 0, most: SEGMENTS_MAX - 1 });
  if (total === undefined && segment === undefined) return { ...segmentRange(0, 1), name: '' };
  if (segment === undefined) {
    throw validation(
      'The Segment parameter is required but was not present in the request when parameter TotalSegments ' +
        'is present',
    );
  }
  if (total === undefined) {
    throw validation(
      'The TotalSegments parameter is required but was not present in the request when Segment parameter ' +
        'is present',
    );
  }
  if (segment >= total) {
    throw validation(
      'The Segment parameter is zero-based and must be less than parameter TotalSegments: ' +
        `Segment: ${segment} is not less than TotalSegments: ${total}`,
    );
  }
  return { ...segmentRange(segment, total), name: `TotalSegments: ${total} Segment: ${segment}` };
};

const requireInSegment = ({ partition }: StartPlace, hashes: HashRange): void => {
  const hash = hashOf(partition);
  if (hash >= hashes.start && hash < hashes.end) return;
  throw validation(
    'The provided starting key is invalid: Invalid ExclusiveStartKey. ' +
      `Please use ExclusiveStartKey with correct Segment. ${hashes.name}`,
  );
};
