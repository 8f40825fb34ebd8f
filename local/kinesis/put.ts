/** PutRecord and PutRecords: route by hash key, charge the shard, append. The hot path of the engine. */
import type { Json, Operation } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { PutRow, Stream } from './change.ts';
import type { KinesisContext } from './context.ts';
import { retainedFromMs, streamOf } from './context.ts';
import { constraint, invalidArgument, optionalText, structures, text } from './input.ts';
import {
  compareDecimal,
  counterAt,
  firstNotBefore,
  HASH_KEY_END,
  hashOfKey,
  hashOfNumber,
  sequenceNumber,
} from './sequence.ts';
import type { Shard } from './shard.ts';
import { decodedBytes, trimBefore } from './shard.ts';
import { grantWrite } from './throttle.ts';

const RECORD_BYTES_MAX = 1_048_576;
const REQUEST_BYTES_MAX = 5 * 1_048_576;
const REQUEST_RECORDS_MAX = 500;
const PARTITION_KEY_LENGTH_MAX = 256;
const DECIMAL = /^(0|[1-9]\d{0,38})$/;
const SEQUENCE_NUMBER = /^(0|[1-9]\d{0,128})$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

interface PendingRecord {
  readonly partitionKey: string;
  readonly data: string;
  readonly bytes: number;
  readonly explicitHash: string | undefined;
}

interface Placed {
  readonly shard: Shard;
  readonly row: PutRow;
}

const explicitHash = (input: Json): string | undefined => {
  const given = optionalText(input, 'ExplicitHashKey');
  if (given === undefined) return undefined;
  const value = DECIMAL.test(given) ? BigInt(given) : HASH_KEY_END;
  if (value < HASH_KEY_END) return hashOfNumber(value);
  throw invalidArgument(
    `Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was ${given}`,
  );
};

const parseRecord = (input: Json, place: string): PendingRecord => {
  const partitionKey = text(input, 'PartitionKey');
  if (partitionKey.length < 1)
    throw constraint(`${place}partitionKey`, 'have length greater than or equal to 1');
  if (partitionKey.length > PARTITION_KEY_LENGTH_MAX) {
    throw constraint(
      `${place}partitionKey`,
      `have length less than or equal to ${String(PARTITION_KEY_LENGTH_MAX)}`,
    );
  }
  const data = text(input, 'Data');
  if (data.length % 4 !== 0 || !BASE64.test(data)) {
    throw new AwsError('SerializationException', `${place}data must be base64`);
  }
  const dataBytes = decodedBytes(data);
  if (dataBytes > RECORD_BYTES_MAX) {
    throw constraint(`${place}data`, `have length less than or equal to ${String(RECORD_BYTES_MAX)}`);
  }
  const bytes = dataBytes + Buffer.byteLength(partitionKey);
  if (bytes > RECORD_BYTES_MAX) {
    throw invalidArgument(
      `${place}data and ${place}partitionKey together are ${String(bytes)} bytes; at most ${String(RECORD_BYTES_MAX)} are allowed`,
    );
  }
  return { partitionKey, data, bytes, explicitHash: explicitHash(input) };
};

const route = (stream: Stream, record: PendingRecord): Shard => {
  const [first] = stream.open;
  if (first && stream.open.length === 1) return first;
  const hashKey = record.explicitHash ?? hashOfKey(record.partitionKey);
  const shard = stream.open[firstNotBefore(stream.open, 0, ({ facts }) => facts.high < hashKey)];
  if (!shard) throw new Error(`no shard of stream ${stream.name} covers ${hashKey}`);
  return shard;
};

const rateExceeded = ({ setting }: KinesisContext, stream: Stream, shard: Shard): string =>
  `Rate exceeded for shard ${shard.id} in stream ${stream.name} under account ${setting.accountId}.`;

const isEncrypted = (stream: Stream): boolean => stream.setting.encryptionKeyId !== undefined;

/** Gives each shard its records in the order of the request; a refused record does not hold back later ones. */
const placing = (context: KinesisContext, stream: Stream): ((record: PendingRecord) => Placed | Shard) => {
  const nowMs = context.setting.clock.nowMs();
  const latestMs = new Map<Shard, number>();
  let counter = Math.max(context.state.counter, counterAt(nowMs));
  return (record) => {
    const shard = route(stream, record);
    if (context.isThrottling && !grantWrite(shard.allowance, record.bytes, nowMs)) return shard;
    // The wall clock may step back; arrivals of a shard never do, since readers search by them.
    const arrivalMs = Math.max(nowMs, latestMs.get(shard) ?? shard.records.at(-1)?.arrivalMs ?? 0);
    latestMs.set(shard, arrivalMs);
    counter += 1;
    return {
      shard,
      row: [shard.facts.number, counter, arrivalMs, record.partitionKey, record.data, isEncrypted(stream)],
    };
  };
};

const append = (context: KinesisContext, stream: Stream, placed: readonly Placed[]): void => {
  if (placed.length === 0) return;
  context.commit(['put', stream.name, placed.map(({ row }) => row)]);
  const shards = new Set(placed.map(({ shard }) => shard));
  for (const shard of shards) trimBefore(shard, retainedFromMs(context, stream));
  context.notify(
    stream.name,
    [...shards].map(({ id }) => id),
  );
};

const checkOrdering = ({ state }: KinesisContext, stream: Stream, input: Json): void => {
  const given = optionalText(input, 'SequenceNumberForOrdering');
  if (given === undefined) return;
  if (!SEQUENCE_NUMBER.test(given)) {
    throw constraint('sequenceNumberForOrdering', `satisfy regular expression pattern: 0|([1-9]\\d{0,128})`);
  }
  if (compareDecimal(given, sequenceNumber(state.counter)) > 0) {
    throw invalidArgument(
      `ExclusiveMinimumSequenceNumber ${given} used in PutRecord on stream ${stream.name} is in the future`,
    );
  }
};

const encryption = (stream: Stream): Json => (isEncrypted(stream) ? { EncryptionType: 'KMS' } : {});

/** One record; a throttled one is refused with `ProvisionedThroughputExceededException`. */
export const putRecord =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    const record = parseRecord(input, '');
    checkOrdering(context, stream, input);
    const placed = placing(context, stream)(record);
    if (!('row' in placed)) {
      throw new AwsError('ProvisionedThroughputExceededException', rateExceeded(context, stream, placed));
    }
    append(context, stream, [placed]);
    return { ShardId: placed.shard.id, SequenceNumber: sequenceNumber(placed.row[1]), ...encryption(stream) };
  };

/** Up to 500 records; throttled ones are reported, malformed ones refuse the whole request. */
export const putRecords =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    const records = structures(input, 'Records', { min: 1, max: REQUEST_RECORDS_MAX }).map((item, index) =>
      parseRecord(item, `records.${String(index + 1)}.member.`),
    );
    const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
    if (bytes > REQUEST_BYTES_MAX) {
      throw invalidArgument(
        `Records size exceeds 5 MB limit: ${String(bytes)} of at most ${String(REQUEST_BYTES_MAX)} bytes`,
      );
    }
    const placedOrShard = records.map(placing(context, stream));
    const placed = placedOrShard.filter((item) => 'row' in item);
    append(context, stream, placed);
    return {
      FailedRecordCount: records.length - placed.length,
      Records: placedOrShard.map((item) =>
        'row' in item
          ? { SequenceNumber: sequenceNumber(item.row[1]), ShardId: item.shard.id }
          : {
              ErrorCode: 'ProvisionedThroughputExceededException',
              ErrorMessage: rateExceeded(context, stream, item),
            },
      ),
      ...encryption(stream),
    };
  };
