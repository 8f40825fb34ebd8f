import { describe, expect, it } from 'vitest';
import { mergedList } from '#functions/shared/merged-list.ts';
import { cursorOf, numbersAt, numbersText, positionOf } from '#functions/shared/paging.ts';
import { adaptersOf } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';

describe('cursors', () => {
  it('lead back to their place', () => {
    const { nextCursor } = cursorOf('list', { next: 'é#1' });

    expect(positionOf('list', nextCursor)).toEqual({ after: 'é#1' });
    expect(positionOf('list', undefined)).toEqual({});
    expect(cursorOf('list', {})).toEqual({});
  });

  it.each([
    ['of another list', cursorOf('other', { next: '1' }).nextCursor ?? ''],
    ['made up', 'abc'],
    ['of the wrong shape', Buffer.from('["list",1]').toString('base64url')],
    ['empty', ''],
  ])('%s are refused', (_name, cursor) => {
    expect(() => positionOf('list', cursor)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
  });
});

describe('cursors of numbers', () => {
  const at = (position: string, count: number) =>
    numbersAt('list', cursorOf('list', { next: position }).nextCursor, count);

  it('lead back to their numbers', () => {
    expect(at(numbersText(1, 0), 2)).toEqual([1, 0]);
    expect(at(numbersText(7, 20, 300), 3)).toEqual([7, 20, 300]);
    expect(numbersAt('list', undefined, 2)).toBeUndefined();
  });

  it.each(['0:1', '1', '1:2:3', '1:-2', '1:x', '', '1:2 ', '1234567890123456:1'])(
    'are refused where they hold %j in place of two',
    (position) => {
      expect(() => at(position, 2)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
    },
  );
});

describe('a list over several partitions', () => {
  it('reads as one, page by page, to the end', async () => {
    const { views } = adaptersOf(await localStage());
    const sorts = Array.from({ length: 23 }, (_, index) => String(index).padStart(2, '0'));
    for (const [index, listSort] of sorts.entries())
      await views.put({
        pk: listSort,
        sk: 'row',
        version: 1,
        data: {},
        listKey: `l#${(index * 7) % 3}`,
        listSort,
      });
    const read: string[] = [];
    let after: string | undefined;
    let pages = 0;
    do {
      const page = await mergedList(views, ['l#0', 'l#1', 'l#2'], {
        limit: 5,
        ...(after === undefined ? {} : { after }),
      });
      read.push(...page.rows.map(({ pk }) => pk));
      after = page.next;
      pages++;
    } while (after !== undefined);

    expect(read).toEqual(sorts);
    expect(pages).toBe(5);
  });
});
