/** Spilling (ADR 0015): records are stored before the event that refers to them, and taken in by their order. */
import type { IngestionPaused } from '#contracts/market/feed.ts';
import { SpillObject } from '#contracts/market/feed-spill.ts';
import type { RecordsSpilled } from '#contracts/market/feed-spill.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import type { Batch } from '#domain/market/feed/plan-batch.ts';
import type { Spill } from '#domain/market/feed/spill.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import type { DocumentRelease, LedgerReader } from '#domain/ports/ledger.ts';
import { tellFeed } from '#functions/shared/feed-requests.ts';
import { reportSpilled } from '#functions/shared/ingest-report.ts';
import { DETAIL_MAX, hasTimeFor, messageOf, reportFailure } from '#functions/shared/ingestion-retry.ts';
import { eachEvent } from '#functions/shared/read-events.ts';
import { BatchRefusedError, existing, takeIn } from '#functions/shared/take-in.ts';
import type { ShardBatch, TakeInPorts } from '#functions/shared/take-in.ts';

export interface SpillPorts extends TakeInPorts {
  /** The feed as the ledger has it now. */
  readonly reloadFeed: (stream: string) => Promise<Feed>;
  readonly release: DocumentRelease;
}

/** The stream an object is stored under. */
export const spillStream = (feedStream: string, hash: string): string =>
  `spill#${feedStream.slice(feedStream.indexOf('#') + 1)}#${hash}`;

/** Records that the buffer has no room, unless that is known. */
export const pauseIngestion = async (
  ports: SpillPorts,
  feed: ExistingFeed,
  pause: IngestionPaused,
): Promise<ExistingFeed> => {
  ports.telemetry.count('orchestrator.backpressure.count');
  if (feed.ingestionPaused) return feed;
  const { state } = await tellFeed(ports, feed.stream, { type: 'PauseIngestion', ...pause });
  return existing(state, feed.stream);
};

/** Spills records that are new to a feed; false when it has moved, so that they must be looked at again. */
export const spillBatch = async (
  ports: SpillPorts,
  { stream, planVersion }: ExistingFeed,
  { shardId, records }: ShardBatch,
): Promise<boolean> => {
  const object: SpillObject = { format: 'sluice-spill', version: 1, shardId, records: [...records] };
  const text = JSON.stringify(object);
  const spilled: RecordsSpilled = {
    hash: sha256Hex(text),
    bytes: Buffer.byteLength(text),
    count: records.length,
    shardId,
    lastSequenceNumber: records.at(-1)?.sequenceNumber ?? '0',
  };
  await ports.ledger.putDocument(spillStream(stream, spilled.hash), text, { isDeletable: true });
  const command = { type: 'SpillRecords', basedOnVersion: planVersion, spilled } as const;
  const outcome = await tellFeed(ports, stream, command, { effectsMustSucceed: true });
  if (outcome.kind === 'rejected') {
    if (outcome.rejection.code === 'contention') return false;
    throw new BatchRefusedError(`feed ${stream} refused to spill: ${outcome.rejection.message}`);
  }
  // Whoever was quicker with the same delivery has counted it.
  if (outcome.kind === 'committed') reportSpilled(ports.telemetry, stream, spilled);
  return true;
};

/** Objects one look takes in at most, as far as its invocation has time; the next one goes on. */
const OBJECTS_MAX = 50;

/**
 * Takes spilled records in while there is room for them; only when there is none, runs are asked how far they are.
 * What cannot be read is told and stays where it is, so that neither its stream nor the watch of its queue stands still
 * with it; the next look tries again.
 */
export const drainSpill = async (ports: SpillPorts, given: ExistingFeed): Promise<ExistingFeed> => {
  let feed = given;
  for (let count = 0; feed.spill && count < OBJECTS_MAX && hasTimeFor(ports); count++) {
    const next = await readable(ports, feed, feed.spill);
    if (next === 'unreadable') return feed;
    if (!next) feed = existing(await ports.reloadFeed(feed.stream), feed.stream);
    else {
      const taken = await takeIn(ports, feed, next.batch);
      feed = taken.feed;
      if (taken.left.length === 0) await letGo(ports, feed.stream, next.hash);
      if (taken.pause) return pauseIngestion(ports, feed, taken.pause);
    }
  }
  return feed;
};

/** The next records that wait, or the word that they cannot be read, which is reported. */
const readable = async (
  ports: SpillPorts,
  feed: ExistingFeed,
  spill: Spill,
): Promise<Spilled | 'unreadable' | undefined> => {
  try {
    return await nextSpilled(ports, feed, spill);
  } catch (error) {
    reportFailure(ports.telemetry, {
      stream: feed.stream,
      failure_domain: 'ingest',
      error_kind: 'spill_unreadable',
      error_detail: messageOf(error).slice(0, DETAIL_MAX),
    });
    ports.telemetry.count('IngestionFailures');
    return 'unreadable';
  }
};

interface Spilled {
  readonly batch: Batch;
  readonly hash: string;
}

const COMMITS_PER_READ = 50;

/** The next records that wait; undefined when others have taken them in since the feed was read. */
const nextSpilled = async (
  ports: SpillPorts,
  { stream }: ExistingFeed,
  spill: Spill,
): Promise<Spilled | undefined> => {
  const { ledger, reloadFeed } = ports;
  const { hash, ...place } = await nextEvent(ledger, stream, spill);
  const text = await ledger.document(spillStream(stream, hash), 'blob');
  if (text === undefined) {
    const fresh = existing(await reloadFeed(stream), stream).spill;
    if (fresh?.sequence !== spill.sequence || fresh.index !== spill.index) return undefined;
    throw new Error(`spilled records ${hash} of ${stream} are missing`);
  }
  const { shardId, records } = SpillObject.parse(JSON.parse(text));
  const batch = { shardId, records: records.slice(place.index) as Batch['records'], spilled: place };
  return { batch, hash };
};

/** The event whose records are next, and how many of them were taken in. */
const nextEvent = async (
  ledger: LedgerReader,
  stream: string,
  spill: Spill,
): Promise<Pick<Spill, 'sequence' | 'index'> & { readonly hash: string }> => {
  for await (const { type, sequence, data } of eachEvent(ledger, stream, spill.sequence, COMMITS_PER_READ)) {
    if (type !== 'RecordsSpilled') continue;
    const { hash, count } = data as RecordsSpilled;
    if (sequence > spill.sequence) return { hash, sequence, index: 0 };
    if (spill.index < count) return { hash, sequence, index: spill.index };
  }
  throw new Error(`no event of ${stream} spilled the records that wait`);
};

/** Their chunk has them now. An object that stays because this fails is in nobody's way. */
const letGo = async ({ release, telemetry }: SpillPorts, stream: string, hash: string): Promise<void> => {
  try {
    await release.releaseDocument(spillStream(stream, hash));
  } catch (error) {
    telemetry.log('warn', 'spilled records that were taken in could not be released', {
      stream,
      errorMessage: messageOf(error),
    });
  }
};
