/** A DynamoDB on a clock that stands still, whose journal the test can read. */
import { createDynamo } from '#local/dynamodb/engine.ts';
import type { Dynamo, DynamoOptions } from '#local/dynamodb/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import type { VirtualClock } from '#local/kernel/clock.ts';
import type { Json } from '#local/kernel/engine.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';

export const START_MS = Date.UTC(2024, 0, 1);

export interface Bench {
  readonly dynamo: Dynamo;
  readonly clock: VirtualClock;
  readonly entries: readonly JournalEntry[];
  /** Calls a table operation. Operations of this engine answer at once. */
  readonly call: (operation: string, input: Json) => Answer;
  readonly stream: (operation: string, input: Json) => Answer;
}

/** The attributes that the tests read back. */
interface ItemText {
  readonly pk: { readonly S: string };
  readonly sk: { readonly S: string };
  readonly n: { readonly N: string };
  readonly at: { readonly N: string };
  readonly grade: { readonly N: string } | undefined;
  readonly due: { readonly S: string } | undefined;
}

export interface RecordText {
  readonly eventID: string;
  readonly eventName: string;
  readonly dynamodb: Json & {
    readonly Keys: ItemText;
    readonly SequenceNumber: string;
    readonly StreamViewType: string;
  };
}

interface ShardText {
  readonly ShardId: string;
  readonly SequenceNumberRange: Json;
}

/** The members of answers that the tests read; which of them an answer has depends on the operation. */
export interface Answer extends Json {
  readonly Item: ItemText;
  readonly Items: readonly ItemText[];
  readonly Attributes: Json;
  readonly Count: number;
  readonly LastEvaluatedKey: Json | undefined;
  readonly ConsumedCapacity: { readonly CapacityUnits: number };
  readonly Responses: { readonly things: readonly Json[] };
  readonly UnprocessedKeys: Json;
  readonly Table: Json & {
    readonly LatestStreamArn: string;
    readonly AttributeDefinitions: readonly Json[];
    readonly GlobalSecondaryIndexes: readonly Json[];
    readonly ProvisionedThroughput: Json;
  };
  readonly TableNames: readonly string[];
  readonly TableDescription: { readonly TableStatus: string };
  readonly TimeToLiveDescription: Json;
  readonly ContinuousBackupsDescription: { readonly PointInTimeRecoveryDescription: Json };
  readonly Endpoints: readonly Json[];
  readonly Streams: readonly { readonly StreamArn: string; readonly TableName: string }[];
  readonly LastEvaluatedStreamArn: string;
  readonly StreamDescription: {
    readonly StreamStatus: string;
    readonly Shards: readonly ShardText[];
    readonly LastEvaluatedShardId: string;
  };
  readonly ShardIterator: string;
  readonly NextShardIterator: string;
  readonly Records: readonly RecordText[];
}

export const openBench = (options: DynamoOptions = {}, clock = virtualClock(START_MS)): Bench => {
  const entries: JournalEntry[] = [];
  const journal = {
    append: (_engine: string, entry: JournalEntry) => {
      entries.push(wire(entry));
    },
    durable: () => Promise.resolve(),
  };
  const dynamo = createDynamo(
    { clock, journal, chance: () => 0.5, region: 'us-east-1', accountId: '000000000000' },
    options,
  );
  return {
    dynamo,
    clock,
    entries,
    call: (operation, input) => invoke(dynamo.tables.operations, operation, input),
    stream: (operation, input) => invoke(dynamo.streams.operations, operation, input),
  };
};

/** What a value is after a trip through a file. */
export const wire = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

/** The refusal an act ends with, as the wire shows it. */
export const refusalOf = (
  act: () => unknown,
): { readonly code: string; readonly message: string; readonly details: Json } => {
  try {
    act();
  } catch (refusal) {
    if (!(refusal instanceof AwsError)) throw refusal;
    return { code: refusal.code, message: refusal.message, details: refusal.details };
  }
  throw new Error('the act was not refused');
};

/** The message of a ValidationException. */
export const invalidity = (act: () => unknown): string => {
  const { code, message } = refusalOf(act);
  if (code !== 'ValidationException') throw new Error(`refused with ${code}: ${message}`);
  return message;
};

/** A table with the keys `pk` and `sk`, both strings, and what else is asked for. */
export const createTable = (bench: Bench, extra: Json = {}): void => {
  bench.call('CreateTable', { ...plainTable, ...extra });
};

export const plainTable = {
  TableName: 'things',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  BillingMode: 'PAY_PER_REQUEST',
};

/** A key of that table. */
export const key = (pk: string, sk = 'a') => ({ pk: { S: pk }, sk: { S: sk } });

const invoke = (
  operations: Readonly<Record<string, (input: Json) => unknown>>,
  name: string,
  input: Json,
) => {
  const operation = operations[name];
  if (operation === undefined) throw new Error(`no operation ${name}`);
  return operation(wire(input)) as Answer;
};
