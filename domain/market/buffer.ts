/**
 * The input buffer: records in one sequence over all symbols, never renumbered and never more than fit (market
 * reference, section 2.1). The ledger is the buffer of a live feed; this one is for replaying what it held.
 */

/** A record in its place. */
export interface BufferRecord<Event> {
  readonly ingestSeq: number;
  readonly ingestTsMs: number;
  readonly symbol: string;
  readonly event: Event;
}

/** A buffer under way; it belongs to whoever fills it. */
export interface InputBuffer<Event> {
  readonly recordsMax: number;
  readonly records: BufferRecord<Event>[];
}

/** What a buffer says to something it does not do. */
export interface BufferRefusal {
  readonly kind: 'refused';
  readonly message: string;
}

const refused = (message: string): BufferRefusal => ({ kind: 'refused', message });

/** An empty buffer for so many records, one at least. */
export const openBuffer = <Event>(
  recordsMax: number,
): { readonly kind: 'opened'; readonly buffer: InputBuffer<Event> } | BufferRefusal =>
  recordsMax > 0
    ? { kind: 'opened', buffer: { recordsMax, records: [] } }
    : refused('max_records must be > 0');

/** The sequence of the last record; undefined when there is none. */
export const lastSeq = <Event>({ records }: InputBuffer<Event>): number | undefined =>
  records.at(-1)?.ingestSeq;

/** Puts an event behind the others. A full buffer refuses it and uses up no sequence. */
export const appendEvent = <Event>(
  buffer: InputBuffer<Event>,
  { ingestTsMs, symbol, event }: Omit<BufferRecord<Event>, 'ingestSeq'>,
): { readonly kind: 'appended'; readonly record: BufferRecord<Event> } | BufferRefusal => {
  if (buffer.records.length >= buffer.recordsMax) return refused('input buffer capacity exceeded');
  const record = { ingestSeq: (lastSeq(buffer) ?? 0) + 1, ingestTsMs, symbol, event };
  buffer.records.push(record);
  return { kind: 'appended', record };
};

/** The records of a range of sequences, both ends included, of one symbol or of all. */
export const recordsInRange = <Event>(
  { records }: InputBuffer<Event>,
  [start, end]: readonly [start: number, end: number],
  symbol?: string,
): { readonly kind: 'found'; readonly records: readonly BufferRecord<Event>[] } | BufferRefusal =>
  start > end
    ? refused('start_seq must be <= end_seq')
    : {
        kind: 'found',
        // The sequence begins at 1 and has no gaps, so it is a place too.
        records: records
          .slice(Math.max(start, 1) - 1, Math.max(end, 0))
          .filter((record) => symbol === undefined || record.symbol === symbol),
      };
