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

export interface Page {
  /** Evaluates an entry; false when the page is full. */
  readonly offer: (entry: Entry) => boolean;
  readonly answer: () => Json;
}

/** Opens an empty page for a request. */
export const openPage = (input: Json, setting: PageSetting): Page => {
  const { source, select, filter, projection } = setting;
  const limit = optionalCount(input, 'Limit', { least: 1, most: Number.MAX_SAFE_INTEGER }) ?? Infinity;
  const isConsistent = optionalFlag(input, 'ConsistentRead') ?? false;
  const detail = capacityDetail(input);
  const items: Item[] = [];
  let count = 0;
  let scannedCount = 0;
  let bytes = 0;
  let last: Entry | undefined;
  let isFull = false;

  const offer = (entry: Entry): boolean => {
    if (scannedCount > 0 && bytes + entry.bytes > PAGE_BYTES_MAX) {
      isFull = true;
      return false;
    }
    last = entry;
    scannedCount += 1;
    bytes += entry.bytes;
    if (filter === undefined || filter(entry.item)) {
      count += 1;
      if (select !== 'COUNT') items.push(projection ? projection.apply(entry.item) : entry.item);
    }
    isFull = scannedCount >= limit;
    return !isFull;
  };

  return {
    offer,
    answer: () => ({
      Count: count,
      ScannedCount: scannedCount,
      ...(select === 'COUNT' ? {} : { Items: items }),
      ...(isFull && last ? { LastEvaluatedKey: pageKey(source, last.item) } : {}),
      ...printConsumption(
        detail,
        readConsumption(source.table, readUnits(bytes, isConsistent), source.indexName),
      ),
    }),
  };
};
