/** A list that is spread over several index partitions, read as one. */
import type { Row } from '#domain/kernel/projection.ts';
import type { RowPage, ViewReader } from '#domain/ports/views.ts';

const bySort = (one: Row, other: Row): number =>
  (one.listSort ?? '') < (other.listSort ?? '') ? -1 : (one.listSort ?? '') > (other.listSort ?? '') ? 1 : 0;

/** One page in ascending sort order over all the partitions; sort keys are unique among them. */
export const mergedList = async (
  views: ViewReader,
  listKeys: readonly string[],
  { limit, after }: { readonly limit: number; readonly after?: string },
): Promise<RowPage> => {
  const pages = await Promise.all(
    listKeys.map((listKey) =>
      views.list({ listKey, limit, descending: false, ...(after === undefined ? {} : { after }) }),
    ),
  );
  const merged = pages.flatMap((page) => page.rows).sort(bySort);
  const rows = merged.slice(0, limit);
  const last = rows.at(-1)?.listSort;
  const isMore = merged.length > limit || pages.some((page) => page.next !== undefined);
  return { rows, ...(isMore && last !== undefined ? { next: last } : {}) };
};
