/**
 * DynamoDB inside the local cloud: tables with secondary indexes, expressions, transactions, streams and time to
 * live. What it leaves out is refused by name: local secondary indexes, PartiQL, the parameters older than
 * expressions, global tables, backups of one's own. It never throttles; faults are the dispatcher's.
 */
import type { Engine, EngineSetting, Operation } from '#local/kernel/engine.ts';
import type { RecordSource } from '#local/kernel/record-source.ts';
import { batchOperations } from './batch.ts';
import { itemOperations } from './item-operations.ts';
import { query } from './query.ts';
import { scan } from './scan.ts';
import { settingOperations } from './setting-operations.ts';
import { restoreEntry, snapshotOf } from './snapshot.ts';
import { createStore, notifyListeners } from './store.ts';
import type { Store } from './store.ts';
import { recordSource, streamOperations } from './stream-operations.ts';
import { tableOperations } from './table-operations.ts';
import { transactionOperations } from './transactions.ts';
import { nextExpiryMs, sweepExpired } from './ttl.ts';

export interface Dynamo {
  /** The `dynamodb` endpoint; it alone journals and restores, streams included. */
  readonly tables: Engine;
  /** The `dynamodbstreams` endpoint. */
  readonly streams: Engine;
  /** The stream of a table that has one switched on, by table name or stream ARN. */
  readonly source: (tableNameOrStreamArn: string) => RecordSource;
  /** Deletes items whose time to live has passed and gives their number. */
  readonly sweepTtl: () => number;
  /** When the next item will have expired; undefined when none ever will. */
  readonly nextTtlMs: () => number | undefined;
}

/** `streamShardCount` is the number of shards of streams opened from now on. */
export interface DynamoOptions {
  readonly streamShardCount?: number;
}

const STREAM_SHARD_COUNT = 4;

/** Creates an empty DynamoDB. */
export const createDynamo = (setting: EngineSetting, options: DynamoOptions = {}): Dynamo => {
  const store = createStore(setting);
  return {
    tables: {
      operations: {
        ...tableOperations(store, options.streamShardCount ?? STREAM_SHARD_COUNT),
        ...settingOperations(store),
        Query: (input) => query(store, input),
        Scan: (input) => scan(store, input),
        ...thenNotify(store, itemOperations(store)),
        ...thenNotify(store, batchOperations(store)),
        ...thenNotify(store, transactionOperations(store)),
      },
      restore: (entry) => restoreEntry(store, entry),
      snapshot: () => snapshotOf(store),
    },
    streams: { operations: streamOperations(store), restore: () => undefined, snapshot: () => [] },
    source: (tableNameOrStreamArn) => recordSource(store, tableNameOrStreamArn),
    sweepTtl: () => {
      const count = sweepExpired(store);
      notifyListeners(store);
      return count;
    },
    nextTtlMs: () => nextExpiryMs(store),
  };
};

/** Listeners hear of new records when the operation that made them has ended. */
const thenNotify = (
  store: Store,
  operations: Readonly<Record<string, Operation>>,
): Readonly<Record<string, Operation>> =>
  Object.fromEntries(
    Object.entries(operations).map(([name, operation]): [string, Operation] => [
      name,
      (input) => {
        const output = operation(input);
        notifyListeners(store);
        return output;
      },
    ]),
  );
