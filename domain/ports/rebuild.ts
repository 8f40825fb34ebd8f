/** What a rebuild may do with tables of read models; handed to operators' tools alone, never to a function. */
import type { Row, RowKey, RowVersion } from '#domain/kernel/projection.ts';
import type { ViewWriter } from '#domain/ports/views.ts';

/** One table of rows, read as a whole. */
export interface ViewTable extends ViewWriter {
  /** All rows in pages, each page read consistently, in no particular order. */
  readonly scan: () => AsyncIterable<readonly Row[]>;
}

/** The table readers see. A removal holds only while the row is as it was seen, so that it undoes no compaction. */
export interface LiveViews extends ViewTable {
  /** Removes the row while it has the version that was seen; false when it has another now. */
  readonly remove: (key: RowKey, seenVersion: RowVersion) => Promise<boolean>;
}

/** A table made for one rebuild. */
export interface FreshViews extends ViewTable {
  readonly name: string;
  /** Deletes the table. */
  readonly drop: () => Promise<void>;
}

export interface ViewTables {
  readonly live: LiveViews;
  /** Makes an empty table like the live one beside it. */
  readonly createFresh: () => Promise<FreshViews>;
}
