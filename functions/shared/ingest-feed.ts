/**
 * Takes records of one shard into one feed. What its buffer has no room for waits: in its stream, because the batch fails
 * and comes again, or in the object store when the feed spills. Spilled records go before newer ones; nothing is dropped.
 */
import type { IngestionPaused } from '#contracts/market/feed.ts';
import { newRecords } from '#domain/market/feed/plan-batch.ts';
import { spillRoom } from '#domain/market/feed/spill.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import { pressureCommand, reportPressure } from '#functions/shared/engine-pressure.ts';
import { confirmBatch, tellFeed } from '#functions/shared/feed-requests.ts';
import { reportWaited } from '#functions/shared/ingest-report.ts';
import { SettledError } from '#functions/shared/ingestion-retry.ts';
import { drainSpill, pauseIngestion, spillBatch } from '#functions/shared/spill-records.ts';
import type { SpillPorts } from '#functions/shared/spill-records.ts';
import { acknowledge, BatchRefusedError, existing, REPLANS_MAX, takeIn } from '#functions/shared/take-in.ts';
import type { ShardBatch } from '#functions/shared/take-in.ts';

/** The buffer has no room for the next record; the batch comes again when there is some. */
export class BufferFullError extends SettledError {
  readonly code = 'buffer_full';
  constructor(stream: string, { reason, observed, limit }: IngestionPaused) {
    super(
      'BufferFullError',
      `input buffer ${reason} exceeded: feed ${stream} has ${observed}, at most ${limit} are taken`,
    );
  }
}

/** Ingests a batch; throws when the feed could not take or spill all of it, so that what is left is delivered again. */
export const ingestFeed = async (ports: SpillPorts, stream: string, batch: ShardBatch): Promise<void> => {
  for (let tries = 0; tries <= REPLANS_MAX; tries++) {
    const loaded = await followPressure(ports, existing(await ports.loadFeed(stream), stream));
    if (!(await ingestOnce(ports, loaded, batch))) continue;
    reportWaited(ports, loaded, newRecords(loaded, batch));
    return;
  }
  throw new BatchRefusedError(`feed ${stream} moved each time a batch was to be spilled`);
};

/** False when the feed moved while its batch was being spilled: then it may have room, or others may have spilled. */
const ingestOnce = async (ports: SpillPorts, loaded: ExistingFeed, batch: ShardBatch): Promise<boolean> => {
  const inTurn = loaded.spill ? await drainSpill(ports, loaded) : loaded;
  const { feed, left, pause } = await takeIn(ports, inTurn, batch);
  if (left.length === 0) return true;
  const { shardId } = batch;
  const fresh = newRecords(feed, { shardId, records: left });
  ports.telemetry.count('RecordsRepeated', left.length - fresh.length);
  if (fresh.length === 0) {
    await confirmBatch(ports, feed, { shardId, last: left.at(-1) });
    return true;
  }
  const paused = pause ? await pauseIngestion(ports, feed, pause) : feed;
  const room = spillRoom(paused);
  if (room > 0) {
    const isSpilled = await spillBatch(ports, paused, { shardId, records: fresh.slice(0, room) });
    if (!isSpilled) return false;
    if (fresh.length <= room) return true;
  }
  ports.telemetry.count('market_data.backpressure.count');
  throw new BufferFullError(feed.stream, pause ?? spillPause(paused));
};

const spillPause = ({ config, spill }: ExistingFeed): IngestionPaused => ({
  reason: 'capacity',
  observed: spill?.recordCount ?? 0,
  limit: config.buffer_retention.max_spilled_records,
});

/**
 * A half-full buffer is looked after before it is full, and a queue that is too long holds back what is planned. The
 * buffer of a feed that has spilled is looked after when the next record that waits finds no room.
 */
const followPressure = async (ports: SpillPorts, feed: ExistingFeed): Promise<ExistingFeed> => {
  const { lastSeq, buffer, config, stream } = feed;
  const isFilling = !feed.spill && lastSeq - buffer.prunedSeq > config.buffer_retention.max_records / 2;
  const calm = isFilling ? await acknowledge(ports, feed) : feed;
  const command = await pressureCommand(ports, calm);
  if (!command) return calm;
  reportPressure(ports, calm);
  return existing((await tellFeed(ports, stream, command)).state, stream);
};
