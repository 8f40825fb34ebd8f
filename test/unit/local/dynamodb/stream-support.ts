/** A table with a stream, and short ways to write to the one and read the other. */
import type { DynamoOptions } from '#local/dynamodb/engine.ts';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, key, openBench } from './support.ts';
import type { Answer, Bench, RecordText } from './support.ts';

export const HOUR_MS = 3_600_000;

export interface StreamBench {
  readonly bench: Bench;
  readonly arn: () => string;
  readonly shards: () => Answer['StreamDescription']['Shards'];
  /** An iterator of the first shard. */
  readonly iterator: (type: string, extra?: Json) => string;
  readonly read: (iterator: string, extra?: Json) => Answer;
  /** The records of the first shard. */
  readonly records: (type?: string, extra?: Json) => readonly RecordText[];
  readonly put: (pk: string, attributes?: Json) => void;
  readonly remove: (pk: string) => void;
}

export const openStream = (view: string, options: DynamoOptions = { streamShardCount: 1 }): StreamBench => {
  const bench = openBench(options);
  createTable(bench, { StreamSpecification: { StreamEnabled: true, StreamViewType: view } });
  const arn = (): string => bench.call('DescribeTable', { TableName: 'things' }).Table.LatestStreamArn;
  const shards = () => bench.stream('DescribeStream', { StreamArn: arn() }).StreamDescription.Shards;
  const read = (ShardIterator: string, extra: Json = {}): Answer =>
    bench.stream('GetRecords', { ShardIterator, ...extra });
  const iterator = (type: string, extra: Json = {}): string =>
    bench.stream('GetShardIterator', {
      StreamArn: arn(),
      ShardId: shards()[0]?.ShardId,
      ShardIteratorType: type,
      ...extra,
    }).ShardIterator;
  return {
    bench,
    arn,
    shards,
    iterator,
    read,
    records: (type = 'TRIM_HORIZON', extra = {}) => read(iterator(type, extra)).Records,
    put: (pk, attributes = {}) => {
      bench.call('PutItem', { TableName: 'things', Item: { ...key(pk), ...attributes } });
    },
    remove: (pk) => {
      bench.call('DeleteItem', { TableName: 'things', Key: key(pk) });
    },
  };
};
