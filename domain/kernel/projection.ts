/** A projection folds one aggregate's events into read-model rows (docs/guide/design.md §4). It is pure. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { MetricName } from '#contracts/metrics.ts';

/** Where a row stands in the `views` table. */
export interface RowKey {
  readonly pk: string;
  readonly sk: string;
}

/** The sequence of the last event of its stream a row reflects; in a row that several streams share, a text. */
export type RowVersion = number | string;

/** One read-model item. `data` is what readers get; `version` says what it reflects. */
export interface Row<Data extends object = Record<string, unknown>> extends RowKey {
  readonly version: RowVersion;
  readonly data: Data;
  /** List index: the partition and sort key of the `by-list` index; both or neither. */
  readonly listKey?: string;
  readonly listSort?: string;
  /** Seconds since 1970 after which the row may be deleted; without it, it stays. */
  readonly expiresAtSec?: number;
}

/** What is worth telling of something pure that happened: a metric, or a line of log in the fields of the allow-list. */
export type Remark =
  | { readonly kind: 'metric'; readonly metric: MetricName; readonly value: number }
  | {
      readonly kind: 'line';
      readonly level: 'debug' | 'info' | 'warn';
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };

/** What a projection proposes for a row: its content without key and version. */
export interface RowContent {
  readonly data: Record<string, unknown>;
  readonly listKey?: string;
  readonly listSort?: string;
  /** Seconds since 1970 after which the row may be deleted. The ledger keeps what it said. */
  readonly expiresAtSec?: number;
  /** What to tell of the event once the row is written: once at most, however often the event is delivered. */
  readonly remarks?: readonly Remark[];
}

/** What is known of a shared row: its content, and a version that differs whenever the content does. */
export interface SharedContent {
  readonly version: string;
  readonly data: Record<string, unknown>;
}

/** What one event alone says of a shared row. */
export interface SharedRow extends RowKey, SharedContent {}

/**
 * Rows that several streams share. No sequence orders their events, so `merge` must come to the same content in
 * whatever order, grouping and number statements are merged.
 */
export interface SharedRows {
  readonly statements: (event: RecordedEvent) => readonly SharedRow[];
  readonly merge: (one: SharedContent, other: SharedContent) => SharedContent;
}

export interface Projection {
  /** Stream kind it reads, the part before `#`. */
  readonly kind: string;
  /** Kinds of its rows, the part of their partition key before `#`, where they are not the stream's kind alone. */
  readonly rowKinds?: readonly string[];
  /** The aggregate's own row: the cursor, written last. */
  readonly cursor: (stream: string) => RowKey;
  /** Detail rows an event touches besides the cursor row. */
  readonly details: (event: RecordedEvent) => readonly RowKey[];
  /** The row after the event; undefined leaves it absent. Called for the cursor and for each detail row. */
  readonly apply: (row: RowContent | undefined, key: RowKey, event: RecordedEvent) => RowContent | undefined;
  readonly shared?: SharedRows;
  /** How long the rows of a stream stay after its last word, at the least; without it, for ever. */
  readonly rowsKeptMs?: number;
  /** Members of `data` that are operational: times and counters outside the digest. */
  readonly operational: readonly string[];
}

/** Whether a row is deleted, or may be at any moment: who reads it counts it as gone. */
export const isExpired = ({ expiresAtSec }: Pick<Row, 'expiresAtSec'>, nowMs: number): boolean =>
  expiresAtSec !== undefined && expiresAtSec * 1000 <= nowMs;

/** How far the row of a stream is: the sequence of the last event it reflects; 0 for no row. */
export const sequenceOf = (row: Pick<Row, 'version'> | undefined): number =>
  typeof row?.version === 'number' ? row.version : 0;
