import { describe, expect, it } from 'vitest';
import type { Row } from '#domain/kernel/projection.ts';
import type { RowPage, ViewReader } from '#domain/ports/views.ts';
import { mergedList } from '#functions/shared/merged-list.ts';

const row = (listSort?: string): Row => ({
  ...{ pk: 'p', sk: listSort ?? '', version: 1, data: {} },
  ...(listSort === undefined ? {} : { listSort }),
});

/** Lists by their key, each page as long as was asked for. */
const reader = (lists: Readonly<Record<string, readonly Row[]>>): ViewReader => ({
  get: () => Promise.resolve(undefined),
  getMany: () => Promise.resolve([]),
  partition: () => Promise.resolve({ rows: [] }),
  list: ({ listKey, limit, after = '' }) => {
    const rest = (lists[listKey] ?? []).filter(({ listSort = '' }) => listSort > after || after === '');
    const page: RowPage = { rows: rest.slice(0, limit) };
    const last = page.rows.at(-1)?.listSort;
    return Promise.resolve(rest.length > limit && last !== undefined ? { ...page, next: last } : page);
  },
});
const sorts = ({ rows }: RowPage) => rows.map(({ listSort }) => listSort);

describe('a list that is spread over partitions', () => {
  const views = reader({ a: ['1', '4', '5'].map(row), b: ['2', '3', '6'].map(row) });

  it('is one list in order, whatever its pages', async () => {
    const seen: unknown[] = [];
    let after: string | undefined;
    do {
      const page = await mergedList(views, ['a', 'b', 'none'], {
        limit: 2,
        ...(after === undefined ? {} : { after }),
      });
      seen.push(sorts(page));
      after = page.next;
    } while (after !== undefined);

    expect(seen).toEqual([
      ['1', '2'],
      ['3', '4'],
      ['5', '6'],
    ]);
  });

  it('names no next page when this one holds all, or nothing', async () => {
    expect(await mergedList(views, ['a', 'b'], { limit: 6 })).not.toHaveProperty('next');
    expect(await mergedList(views, [], { limit: 6 })).toEqual({ rows: [] });
  });

  it('bears rows that stand in no order: they come first and lead nowhere', async () => {
    const odd = reader({ a: [row()], b: [row(), row('1')] });

    expect(sorts(await mergedList(odd, ['a', 'b'], { limit: 3 }))).toEqual([undefined, undefined, '1']);
    expect(await mergedList(odd, ['a', 'b'], { limit: 2 })).not.toHaveProperty('next');
  });
});
