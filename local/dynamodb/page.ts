/** One page of a query or scan: it ends at the limit of evaluated items or before the item that passes 1 MB. */
import type { Json } from '#local/kernel/engine.ts';
import { capacityDetail, printConsumption, readConsumption, readUnits } from './capacity.ts';
import type { Test } from './expression/condition.ts';
import type { Projection } from './expression/projection.ts';
import type { Entry } from './key-index.ts';
import { optionalCount, optionalFlag } from './request.ts';
import { pageKey } from './read-source.ts';
import type { ReadSource, Select } from './read-source.ts';
import type { Item } from './value.ts';

/** Bytes evaluated for one page. */
export const PAGE_BYTES_MAX = 1024 * 1024;

export interface PageSetting {
  readonly source: ReadSource;
  readonly select: Select | undefined;
  readonly filter: Test | undefined;
  readonly projection: Projection | undefined;
}

/** The upper bound stands for no limit: no page holds as many items. */
const LIMIT = { least: 1, most: 2 ** 30 - 1 };

/** A page being filled. */
export interface Page extends PageSetting {
  readonly input: Json;
  readonly limit: number;
  readonly items: Item[];
  count: number;
  scannedCount: number;
  bytes: number;
  last: Entry | undefined;
  isFull: boolean;
}

/** Opens an empty page for a request. */
export const openPage = (input: Json, setting: PageSetting): Page => ({
  ...setting,
  input,
  limit: optionalCount(input, 'Limit', LIMIT) ?? LIMIT.most,
  items: [],
  count: 0,
  scannedCount: 0,
  bytes: 0,
  last: undefined,
  isFull: false,
});

/** Evaluates an entry; false when the page is full. */
export const offerEntry = (page: Page, entry: Entry): boolean => {
  if (page.scannedCount > 0 && page.bytes + entry.bytes > PAGE_BYTES_MAX) {
    page.isFull = true;
    return false;
  }
  page.last = entry;
  page.scannedCount += 1;
  page.bytes += entry.bytes;
  if (page.filter === undefined || page.filter(entry.item)) {
    page.count += 1;
    if (page.select !== 'COUNT') {
      page.items.push(page.projection ? page.projection.apply(entry.item) : entry.item);
    }
  }
  page.isFull = page.scannedCount >= page.limit;
  return !page.isFull;
};

/** The answer, with the key to go on from when the page is full. */
export const answerPage = (page: Page): Json => {
  const { input, source, select, items, count, scannedCount, bytes, last, isFull } = page;
  const isConsistent = optionalFlag(input, 'ConsistentRead') ?? false;
  const consumption = readConsumption(source.table, readUnits(bytes, isConsistent), source.indexName);
  return {
    Count: count,
    ScannedCount: scannedCount,
    ...(select === 'COUNT' ? {} : { Items: items }),
    ...(isFull && last ? { LastEvaluatedKey: pageKey(source, last.item) } : {}),
    ...printConsumption(capacityDetail(input), consumption),
  };
};
