/**
 * Plays a tape into the market stream through the AWS SDK, in order and paced to what one shard takes. It finds its
 * place by reading the stream back, so a kill neither loses nor repeats a record.
 */
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import type { KinesisClient, PutRecordsRequestEntry } from '@aws-sdk/client-kinesis';
import { countPlayed } from '#cli/tape/place.ts';
import type { TapeRecord } from '#cli/tape/tape-record.ts';
import { localKinesis, readAll } from '#cli/up/stream-reader.ts';
import { waitFor } from '#cli/wait-for.ts';

/** `max` as fast as the shard takes it, `unlimited` as the machine does, or a multiple of the tape's own time. */
export type Speed = 'max' | 'unlimited' | number;

export interface ProducerSetting {
  readonly awsUrl: string;
  readonly streamName: string;
  /** A fresh pass over the tape. */
  readonly tape: () => AsyncIterable<TapeRecord>;
  readonly speed: Speed;
  readonly signal: AbortSignal;
  /** Told how many records of the tape are on the stream. */
  readonly onProgress: (acknowledged: number) => void;
  /** Waits, or returns at once when the signal comes; by default on the clock of this process. */
  readonly sleep?: (waitMs: number, signal?: AbortSignal) => Promise<void>;
  /** A clock for the pace; by default that of this process. */
  readonly clockMs?: () => number;
}

const BATCH_MAX = 500;
const REFUSED_PAUSE_MS = 1_000;
/** Just below what one shard takes, so that no record of a batch is refused while a later one is stored. */
const RECORDS_PER_SECOND = 990;
const BYTES_PER_SECOND = 1_020_000;

/** Plays what is not on the stream yet; answers how many records of the tape are there at the end. */
export const playTape = async (setting: ProducerSetting): Promise<number> => {
  const client = localKinesis(setting.awsUrl);
  try {
    let acknowledged = await countPlayed(
      setting.tape(),
      readAll({ client, streamName: setting.streamName, signal: setting.signal }),
    );
    setting.onProgress(acknowledged);
    const pace = pacer(setting);
    for await (const batch of batches(setting, acknowledged)) {
      await pace(batch);
      await putAll(client, setting, batch);
      acknowledged += batch.length;
      setting.onProgress(acknowledged);
      if (setting.signal.aborted) break;
    }
    return acknowledged;
  } finally {
    client.destroy();
  }
};

async function* batches(setting: ProducerSetting, skip: number): AsyncIterable<readonly TapeRecord[]> {
  let batch: TapeRecord[] = [];
  let lastAtMs: number | undefined;
  for await (const record of setting.tape()) {
    if (record.position <= skip) {
      lastAtMs = record.recvTsMs ?? lastAtMs;
      continue;
    }
    if (setting.signal.aborted) return;
    const waitMs = typeof setting.speed === 'number' ? waitOf(record.recvTsMs, lastAtMs, setting.speed) : 0;
    if (batch.length === BATCH_MAX || (waitMs > 0 && batch.length > 0)) {
      yield batch;
      batch = [];
    }
    if (waitMs > 0) await (setting.sleep ?? waitFor)(waitMs, setting.signal);
    lastAtMs = record.recvTsMs ?? lastAtMs;
    batch.push(record);
  }
  if (batch.length > 0) yield batch;
}

const waitOf = (atMs: number | undefined, lastAtMs: number | undefined, speed: number): number =>
  atMs === undefined || lastAtMs === undefined ? 0 : Math.max(0, (atMs - lastAtMs) / speed);

/** A token bucket of the shard's own limits, full at first; none where the shard has none. */
const pacer = ({
  speed,
  sleep = waitFor,
  clockMs = () => performance.now(),
}: ProducerSetting): ((batch: readonly TapeRecord[]) => Promise<void>) => {
  if (speed === 'unlimited') return () => Promise.resolve();
  let records = RECORDS_PER_SECOND;
  let bytes = BYTES_PER_SECOND;
  let atMs = clockMs();
  const refill = (): void => {
    const now = clockMs();
    const seconds = (now - atMs) / 1000;
    atMs = now;
    records = Math.min(RECORDS_PER_SECOND, records + seconds * RECORDS_PER_SECOND);
    bytes = Math.min(BYTES_PER_SECOND, bytes + seconds * BYTES_PER_SECOND);
  };
  return async (batch) => {
    const needed = batch.reduce((sum, { data, partitionKey }) => sum + data.length + partitionKey.length, 0);
    for (;;) {
      refill();
      if (records >= batch.length && bytes >= Math.min(needed, BYTES_PER_SECOND)) break;
      const waitS = Math.max(
        (batch.length - records) / RECORDS_PER_SECOND,
        (needed - bytes) / BYTES_PER_SECOND,
      );
      await sleep(Math.max(5, Math.ceil(waitS * 1000)));
    }
    records -= batch.length;
    bytes -= needed;
  };
};

/** Refused records are put again before anything that follows them on the tape. */
const putAll = async (
  client: KinesisClient,
  { streamName: StreamName, sleep = waitFor }: ProducerSetting,
  batch: readonly TapeRecord[],
): Promise<void> => {
  let pending: PutRecordsRequestEntry[] = batch.map(({ data, partitionKey }) => ({
    Data: data,
    PartitionKey: partitionKey,
  }));
  while (pending.length > 0) {
    const answer = await client.send(new PutRecordsCommand({ StreamName, Records: pending }));
    const results = answer.Records ?? [];
    pending = pending.filter((_, index) => results[index]?.ErrorCode !== undefined);
    if (pending.length > 0) await sleep(REFUSED_PAUSE_MS);
  }
};
