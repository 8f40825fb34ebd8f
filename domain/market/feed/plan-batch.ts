/**
 * Plans what a batch does to a feed, before anything is stored: which records are new, their places in the
 * buffer, the chunk that holds them, and the ticks that pass meanwhile. A tick is planned before the first record
 * that arrived after it, so the result is the same however the records are split into batches.
 */
import type { ChunkRef } from '#contracts/market/engine-run.ts';
import type { FeedCommand, RecordsIngested } from '#contracts/market/feed.ts';
import type { SpillPlace } from '#contracts/market/feed-spill.ts';
import { encodeChunk } from '#domain/market/chunk.ts';
import type { BufferedRecord, Chunk } from '#domain/market/chunk.ts';
import type { DecodedEvent } from '#domain/market/ingest.ts';
import type { Spill } from '#domain/market/feed/spill.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import { draftTicks, noteRecord, planBefore, ticksOf } from '#domain/market/feed/tick-draft.ts';
import type { PlannedTicks, TickDraft, TickLimits } from '#domain/market/feed/tick-draft.ts';

/** A decoded record of this feed with its place in the stream. */
export interface BatchRecord {
  readonly sequenceNumber: string;
  readonly arrivalMs: number;
  readonly event: DecodedEvent;
}

/** Records of one shard in stream order. */
export interface Batch {
  readonly shardId: string;
  readonly records: readonly BatchRecord[];
  /** Where they wait when they were spilled; those were new to the feed then, and are taken as they are. */
  readonly spilled?: Pick<Spill, 'sequence' | 'index'>;
}

/** Bounds of one commit. What does not fit stays for the next one. */
export interface BatchLimits extends TickLimits {
  readonly recordsMax: number;
  /** Characters of event text in a chunk; one record may exceed it alone. */
  readonly chunkTextMax: number;
  /** Bytes of the symbol list in the event. */
  readonly directoryBytesMax: number;
}

/** Keeps a commit below 256 KB whatever the symbols are called. */
export const batchLimits: BatchLimits = {
  recordsMax: 10_000,
  chunkTextMax: 4_194_304,
  directoryBytesMax: 110_000,
  ticksMax: 1_000,
  tickBytesMax: 90_000,
};

/** A batch as it will be committed. */
export interface BatchPlan {
  readonly kind: 'planned';
  /** Records below this index are dealt with once the plan is committed. */
  readonly consumedCount: number;
  readonly duplicateCount: number;
  readonly records: readonly BufferedRecord[];
  readonly chunk: Chunk;
  readonly ingested: Omit<RecordsIngested, 'chunk'>;
  readonly planned: PlannedTicks;
  readonly basedOnVersion: number;
}

/** Every record had been taken in before. */
export interface NothingNew {
  readonly kind: 'nothing-new';
  readonly duplicateCount: number;
}

/** Orders the decimal sequence numbers of a stream, which are longer than numbers can hold. */
export const compareSequenceNumbers = (left: string, right: string): number => {
  const [a, b] = [BigInt(left), BigInt(right)];
  return a < b ? -1 : a > b ? 1 : 0;
};

interface SymbolCount {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly count: number;
}

interface Draft {
  readonly ticks: TickDraft;
  readonly limits: BatchLimits;
  readonly records: BufferedRecord[];
  readonly symbols: Map<string, SymbolCount>;
  textLength: number;
  directoryBytes: number;
  lastIngestTsMs: number;
  scheduleStartMs: number | undefined;
  decodeFailures: number;
  lastSequenceNumber: string;
  consumedCount: number;
  duplicateCount: number;
}

const DIRECTORY_ENTRY_BYTES = 75;
const encoder = new TextEncoder();

const entryBytes = (symbol: string): number =>
  DIRECTORY_ENTRY_BYTES + encoder.encode(JSON.stringify(symbol)).length;

const fits = (draft: Draft, { symbol, text }: DecodedEvent): boolean => {
  const { limits, records } = draft;
  if (records.length === 0) return true;
  const moreBytes = draft.symbols.has(symbol) ? 0 : entryBytes(symbol);
  return (
    records.length < limits.recordsMax &&
    draft.textLength + text.length <= limits.chunkTextMax &&
    draft.directoryBytes + moreBytes <= limits.directoryBytesMax
  );
};

const place = (draft: Draft, { symbol, text }: DecodedEvent, timeMs: number): void => {
  const { ticks, symbols } = draft;
  noteRecord(ticks, symbol);
  const ingestSeq = ticks.lastSeq;
  const lastTickMs = ticks.schedule?.lastTickMs;
  const ingestTsMs = Math.max(timeMs, draft.lastIngestTsMs, lastTickMs === undefined ? 0 : lastTickMs + 1);
  const known = symbols.get(symbol);
  if (!known) draft.directoryBytes += entryBytes(symbol);
  symbols.set(symbol, {
    firstSeq: known?.firstSeq ?? ingestSeq,
    lastSeq: ingestSeq,
    count: (known?.count ?? 0) + 1,
  });
  draft.records.push({ ingestSeq, ingestTsMs, symbol, text });
  draft.textLength += text.length;
  draft.lastIngestTsMs = ingestTsMs;
};

/** The feed's time of a record; undefined when its clock is the record's own and the record has none. */
export const feedTime = (feed: Pick<ExistingFeed, 'config'>, record: BatchRecord): number | undefined =>
  feed.config.clock === 'arrival' ? record.arrivalMs : record.event.recvTsMs;

/** Gives one new record its place; false when the commit is full before it. */
const take = (draft: Draft, record: BatchRecord, timeMs: number | undefined): boolean => {
  const { ticks } = draft;
  if (!fits(draft, record.event)) return false;
  if (timeMs !== undefined && !ticks.schedule) {
    ticks.schedule = { startMs: timeMs };
    draft.scheduleStartMs = timeMs;
  }
  if (timeMs !== undefined && !planBefore(ticks, timeMs)) return false;
  place(draft, record.event, timeMs ?? 0);
  draft.lastSequenceNumber = record.sequenceNumber;
  if (record.event.eventType === 'DecodeFailure') draft.decodeFailures += 1;
  return true;
};

const isNew = (taken: string | undefined, { sequenceNumber }: BatchRecord): boolean =>
  taken === undefined || compareSequenceNumbers(sequenceNumber, taken) > 0;

/** The records of a batch that its feed has neither taken in nor spilled. */
export const newRecords = (
  { shards }: Pick<ExistingFeed, 'shards'>,
  { shardId, records }: Batch,
): readonly BatchRecord[] => records.filter((record) => isNew(shards.get(shardId), record));

const fill = (feed: ExistingFeed, batch: Batch, limits: BatchLimits): Draft => {
  const taken = batch.spilled ? undefined : feed.shards.get(batch.shardId);
  const draft: Draft = {
    ticks: draftTicks(feed, limits),
    limits,
    records: [],
    symbols: new Map(),
    textLength: 0,
    directoryBytes: 0,
    lastIngestTsMs: feed.lastIngestTsMs,
    scheduleStartMs: undefined,
    decodeFailures: 0,
    lastSequenceNumber: '',
    consumedCount: 0,
    duplicateCount: 0,
  };
  for (const record of batch.records) {
    if (!isNew(taken, record)) draft.duplicateCount += 1;
    else if (!take(draft, record, feedTime(feed, record))) break;
    draft.consumedCount += 1;
  }
  return draft;
};

/**
 * Plans as much of a batch as one commit takes. Store the plan's chunk, then send `ingestCommand`; when records
 * remain, or the feed refuses because it moved, plan again from its new state.
 */
export const planBatch = (
  feed: ExistingFeed,
  batch: Batch,
  limits: BatchLimits = batchLimits,
): BatchPlan | NothingNew => {
  const draft = fill(feed, batch, limits);
  const { records, consumedCount, duplicateCount, scheduleStartMs } = draft;
  if (records.length === 0) return { kind: 'nothing-new', duplicateCount };
  return {
    kind: 'planned',
    consumedCount,
    duplicateCount,
    records,
    chunk: encodeChunk(records),
    ingested: {
      shardId: batch.shardId,
      lastSequenceNumber: draft.lastSequenceNumber,
      lastIngestTsMs: draft.lastIngestTsMs,
      ...(scheduleStartMs === undefined ? {} : { scheduleStartMs }),
      decodeFailures: draft.decodeFailures,
      symbols: [...draft.symbols].map(([symbol, count]) => ({ symbol, ...count })),
      ...(batch.spilled ? { fromSpill: takenPlace(batch.spilled, consumedCount) } : {}),
    },
    planned: ticksOf(draft.ticks),
    basedOnVersion: feed.planVersion,
  };
};

const takenPlace = (
  { sequence, index }: NonNullable<Batch['spilled']>,
  consumedCount: number,
): SpillPlace => ({ sequence, count: index + consumedCount });

/** The command that commits a plan, once its chunk is stored at `location`. */
export const ingestCommand = (
  plan: BatchPlan,
  location: ChunkRef['location'],
): Extract<FeedCommand, { readonly type: 'IngestBatch' }> => {
  const seqs = plan.records.map((record) => record.ingestSeq);
  const chunk: ChunkRef = {
    hash: plan.chunk.hash,
    location,
    bytes: plan.chunk.content.length,
    firstSeq: Math.min(...seqs.slice(0, 1)),
    lastSeq: Math.max(...seqs.slice(-1)),
    count: seqs.length,
  };
  return {
    type: 'IngestBatch',
    basedOnVersion: plan.basedOnVersion,
    ingested: { chunk, ...plan.ingested },
    ...plan.planned,
    ticks: [...plan.planned.ticks],
  };
};
