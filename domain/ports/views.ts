/** Read models: readers get `ViewReader`, compactors alone `ViewWriter` (law 3). */
import type { Row, RowKey, RowVersion } from '#domain/kernel/projection.ts';

export interface RowPage {
  readonly rows: readonly Row[];
  /** Position behind the last row, absent at the end. */
  readonly next?: string;
}

export interface ListRequest {
  readonly listKey: string;
  readonly limit: number;
  readonly after?: string | undefined;
  /** Newest or greatest first; default true. */
  readonly descending?: boolean;
}

export interface ViewReader {
  readonly get: (key: RowKey) => Promise<Row | undefined>;
  readonly getMany: (keys: readonly RowKey[]) => Promise<readonly Row[]>;
  /** Rows of one partition, ascending by sort key. */
  readonly partition: (pk: string, after?: string, limit?: number) => Promise<RowPage>;
  /** Rows by their list keys; a page with a `next` has a row. */
  readonly list: (request: ListRequest) => Promise<RowPage>;
}

export interface ViewWriter extends ViewReader {
  /** Writes the row if the stored one is older; false when a newer one stands. */
  readonly put: (row: Row) => Promise<boolean>;
  /** Puts the row in place of the version that was seen, or of none; false when another stands there now. */
  readonly replace: (row: Row, seenVersion: RowVersion | undefined) => Promise<boolean>;
}
