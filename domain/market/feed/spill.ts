/**
 * Records that wait in the object store because the buffer has no room and others of their stream must not wait
 * (ADR 0015). They are taken in in order, by the plan of every batch, before anything newer: what comes of them is what
 * would have come of them had they waited in the stream. The events of the feed are their index; the state knows only
 * where the next one is.
 */
import type { RecordsSpilled, SpillPlace, SpillRecords } from '#contracts/market/feed-spill.ts';
import type { ProposedEvent, Rejection, Waiting } from '#domain/kernel/aggregate.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import { takesRecords } from '#domain/market/feed/lifecycle.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import type * as z from 'zod';

/** Where the spilled records of a feed stand. */
export interface Spill {
  /** The event that spilled the last record that was taken in, or the first that waits. */
  readonly sequence: number;
  /** How many of that event's records were taken in. */
  readonly index: number;
  /** Records that wait. */
  readonly recordCount: number;
  readonly sinceMs: number;
  /** When records were last spilled or taken in. */
  readonly movedMs: number;
}

/** How long spilled records may stand still without a look at whether there is room. */
export const SPILL_DEADLINE_MS = 30_000;

/** How many more records may be spilled; 0 for a feed that blocks. */
export const spillRoom = ({ config, spill }: Pick<ExistingFeed, 'config' | 'spill'>): number => {
  const { on_full: onFull, max_spilled_records: countMax } = config.buffer_retention;
  return onFull === 'spill' ? Math.max(0, countMax - (spill?.recordCount ?? 0)) : 0;
};

/** Whether records at a place among the spilled ones, or newer ones than those, are next. */
export const isInTurn = (
  spill: Spill | undefined,
  place: Pick<Spill, 'sequence' | 'index'> | undefined,
): boolean => {
  if (!spill || !place) return spill === undefined && place === undefined;
  return place.sequence > spill.sequence || (place.sequence === spill.sequence && place.index >= spill.index);
};

/** Records a spill. The position of its shard was checked by the caller, as it is for a batch. */
export const spillRecords = (
  feed: ExistingFeed,
  { basedOnVersion, spilled }: Pick<z.infer<typeof SpillRecords>, 'basedOnVersion' | 'spilled'>,
): Decision<ProposedEvent, Rejection> => {
  if (basedOnVersion !== feed.planVersion || spilled.count > spillRoom(feed))
    return reject({
      code: 'contention',
      message: 'the feed has moved since the batch was to be spilled; look again',
      details: { planVersion: feed.planVersion, basedOnVersion },
    });
  return accept({
    type: 'RecordsSpilled',
    idempotencyKey: `records-spilled:${spilled.shardId}:${spilled.lastSequenceNumber}`,
    data: spilled,
  });
};

/** The spill after more records. */
export const spillMore = (
  spill: Spill | undefined,
  { count }: RecordsSpilled,
  { sequence, occurredAtMs }: Moved,
): Spill =>
  spill
    ? { ...spill, recordCount: spill.recordCount + count, movedMs: occurredAtMs }
    : { sequence, index: 0, recordCount: count, sinceMs: occurredAtMs, movedMs: occurredAtMs };

/** The event that moved the spill. */
interface Moved {
  readonly sequence: number;
  readonly occurredAtMs: number;
}

/** The spill after records of it were taken in; undefined when none is left. */
export const spillLess = (
  spill: Spill | undefined,
  { fromSpill, chunk }: Taken,
  movedMs: number,
): Spill | undefined => {
  if (!fromSpill || !spill) return spill;
  const recordCount = spill.recordCount - chunk.count;
  const { sequence, count: index } = fromSpill;
  return recordCount > 0 ? { ...spill, sequence, index, recordCount, movedMs } : undefined;
};

interface Taken {
  readonly fromSpill?: SpillPlace | undefined;
  readonly chunk: { readonly count: number };
}

/** What spilled records wait for; those of a feed that takes nothing in wait until it is started. */
export const spillWaiting = ({
  status,
  spill,
}: Pick<ExistingFeed, 'status' | 'spill'>): readonly Waiting[] =>
  spill && takesRecords({ status })
    ? [{ reason: 'spill', deadlineMs: spill.movedMs + SPILL_DEADLINE_MS }]
    : [];
