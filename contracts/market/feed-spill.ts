/** What a feed does with records its buffer has no room for when others must not wait for it (`buffer_retention.on_full`). */
import * as z from 'zod';

const sequenceNumber = z.string().regex(/^\d+$/);

/** Records wait in the object store, in order, until the buffer has room; nothing newer is taken in before them. */
export const RecordsSpilled = z.strictObject({
  /** SHA-256 of the object's content: its name in the store. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Size before compression. */
  bytes: z.int().min(1),
  count: z.int().min(1),
  /** Where they came from; a redelivery at or below this position changes nothing. */
  shardId: z.string().min(1),
  lastSequenceNumber: sequenceNumber,
});
export type RecordsSpilled = z.infer<typeof RecordsSpilled>;

/** Which spilled records were taken in: of those of one event of the feed, the first so many. */
export const SpillPlace = z.strictObject({ sequence: z.int().min(1), count: z.int().min(1) });
export type SpillPlace = z.infer<typeof SpillPlace>;

/** Spills a batch whose object is stored; refused when the feed moved since it was looked at, or spills no more. */
export const SpillRecords = z.strictObject({
  type: z.literal('SpillRecords'),
  /** The `planVersion` of the state it was decided on. */
  basedOnVersion: z.int().min(0),
  spilled: RecordsSpilled,
});

/** A record as it waits: its place in the stream, its arrival, and what was read in it. */
export const SpilledRecord = z.strictObject({
  sequenceNumber,
  arrivalMs: z.int().min(0),
  event: z.strictObject({
    kind: z.literal('event'),
    eventType: z.string(),
    sourceId: z.string(),
    symbol: z.string(),
    recvTsMs: z.int().optional(),
    exchangeTsMs: z.int().optional(),
    decodeFault: z.strictObject({ errorKind: z.string(), errorDetail: z.string() }).optional(),
    text: z.string(),
  }),
});

/** The object of one event: the records of one shard in stream order. */
export const SpillObject = z.strictObject({
  format: z.literal('sluice-spill'),
  version: z.literal(1),
  shardId: z.string().min(1),
  records: z.array(SpilledRecord).min(1),
});
export type SpillObject = z.infer<typeof SpillObject>;
