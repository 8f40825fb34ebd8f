import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import { createTable, key, openBench, plainTable, wire } from './support.ts';
import type { Bench } from './support.ts';

const tableNames = ['first', 'second'];

const open = (clock?: Bench['clock']): Bench => openBench({ streamShardCount: 2 }, clock);

const createTables = (bench: Bench): void => {
  for (const TableName of tableNames) {
    createTable(bench, {
      TableName,
      AttributeDefinitions: [
        ...plainTable.AttributeDefinitions,
        { AttributeName: 'due', AttributeType: 'S' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-due',
          KeySchema: [{ AttributeName: 'due', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    });
    bench.call('UpdateTimeToLive', {
      TableName,
      TimeToLiveSpecification: { Enabled: true, AttributeName: 'expiresAt' },
    });
  }
};

/** Everything that can be seen from outside. */
const visible = (bench: Bench): Json => {
  const { TableNames } = bench.call('ListTables', {});
  return {
    tables: TableNames.map((TableName: string) => ({
      description: bench.call('DescribeTable', { TableName }),
      timeToLive: bench.call('DescribeTimeToLive', { TableName }),
      items: bench.call('Scan', { TableName }),
      due: bench.call('Scan', { TableName, IndexName: 'by-due' }),
    })),
    nextTtlMs: bench.dynamo.nextTtlMs(),
    streams: bench.stream('ListStreams', {}).Streams.map(({ StreamArn }) => {
      const source = bench.dynamo.source(StreamArn);
      return {
        description: bench.stream('DescribeStream', { StreamArn }),
        shards: source.shardIds().map((shardId) => ({
          horizon: source.trimHorizon(shardId),
          latest: source.latest(shardId),
          records: source.read(shardId, 0, 10_000),
        })),
      };
    }),
  };
};

const attributes = fc.record({
  n: fc.nat(3),
  due: fc.constantFrom('a', 'b', undefined),
  expiresInSeconds: fc.constantFrom(5, 50_000, undefined),
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('put' as const), table: fc.nat(1), pk: fc.nat(4), attributes }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('delete' as const), table: fc.nat(1), pk: fc.nat(4) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('add' as const), table: fc.nat(1), pk: fc.nat(4) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('transact' as const),
      pk: fc.nat(4),
      token: fc.nat(2),
      attributes,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), hours: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restream' as const), table: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('recreate' as const), table: fc.nat(1) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const itemOf = (
  bench: Bench,
  pk: number,
  { n, due, expiresInSeconds }: { n: number; due: string | undefined; expiresInSeconds: number | undefined },
): Json => ({
  ...key(`p${pk}`),
  n: { N: String(n) },
  ...(due === undefined ? {} : { due: { S: due } }),
  ...(expiresInSeconds === undefined
    ? {}
    : { expiresAt: { N: String(Math.floor(bench.clock.nowMs() / 1_000) + expiresInSeconds) } }),
});

const run = (bench: Bench, given: Step): void => {
  const TableName = tableNames['table' in given ? given.table : 0];
  switch (given.kind) {
    case 'put':
      bench.call('PutItem', { TableName, Item: itemOf(bench, given.pk, given.attributes) });
      return;
    case 'delete':
      bench.call('DeleteItem', { TableName, Key: key(`p${given.pk}`) });
      return;
    case 'add':
      bench.call('UpdateItem', {
        TableName,
        Key: key(`p${given.pk}`),
        UpdateExpression: 'ADD n :one, marks :marks',
        ExpressionAttributeValues: { ':one': { N: '1' }, ':marks': { SS: [`m${given.pk}`] } },
      });
      return;
    case 'transact':
      bench.call('TransactWriteItems', {
        ClientRequestToken: `token-${given.token}`,
        TransactItems: [
          { Put: { TableName: 'first', Item: itemOf(bench, given.pk, given.attributes) } },
          { Delete: { TableName: 'second', Key: key(`p${given.pk}`) } },
        ],
      });
      return;
    case 'wait':
      bench.clock.jump(bench.clock.nowMs() + given.hours * 3_600_000);
      return;
    case 'sweep':
      bench.dynamo.sweepTtl();
      return;
    case 'restream':
      bench.call('UpdateTable', { TableName, StreamSpecification: { StreamEnabled: false } });
      bench.call('UpdateTable', {
        TableName,
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
      });
      return;
    case 'recreate':
      bench.call('DeleteTable', { TableName });
      createTable(bench, {
        TableName,
        AttributeDefinitions: [
          ...plainTable.AttributeDefinitions,
          { AttributeName: 'due', AttributeType: 'S' },
        ],
        GlobalSecondaryIndexes: [
          {
            IndexName: 'by-due',
            KeySchema: [{ AttributeName: 'due', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'ALL' },
          },
        ],
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
      });
      return;
  }
};

/** A reused token with another request is refused, which is a step like any other. */
const runAll = (bench: Bench, steps: readonly Step[]): void => {
  for (const one of steps) {
    try {
      run(bench, one);
    } catch (refusal) {
      if (!(refusal instanceof AwsError)) throw refusal;
    }
  }
};

const restored = (bench: Bench, entries: readonly JournalEntry[]): Bench => {
  const twin = open(bench.clock);
  for (const entry of entries) twin.dynamo.tables.restore(entry);
  return twin;
};

const probe = {
  kind: 'transact',
  pk: 0,
  token: 1,
  attributes: { n: 9, due: 'a', expiresInSeconds: 5 },
} as const;

describe('a restored engine', () => {
  it('equals the one that wrote the journal, streams and sequence numbers included, and goes on alike', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.array(step, { maxLength: 10 }), (steps, more) => {
        const bench = open();
        createTables(bench);
        runAll(bench, steps);
        const twin = restored(bench, bench.entries);
        expect(visible(twin)).toEqual(visible(bench));

        const startMs = bench.clock.nowMs();
        runAll(bench, [probe, ...more.filter(({ kind }) => kind !== 'wait')]);
        expect(bench.clock.nowMs()).toBe(startMs);
        runAll(twin, [probe, ...more.filter(({ kind }) => kind !== 'wait')]);
        expect(visible(twin)).toEqual(visible(bench));
      }),
      { numRuns: 60 },
    );
  });

  it('equals the one that wrote a snapshot and the entries after it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.array(step, { maxLength: 15 }), (before, after) => {
        const bench = open();
        createTables(bench);
        runAll(bench, before);
        const snapshot = wire([...bench.dynamo.tables.snapshot()]);
        const mark = bench.entries.length;
        runAll(bench, [probe, ...after]);

        const twin = restored(bench, [...snapshot, ...bench.entries.slice(mark)]);
        expect(visible(twin)).toEqual(visible(bench));
        const again = restored(bench, wire([...twin.dynamo.tables.snapshot()]));
        expect(visible(again)).toEqual(visible(bench));
      }),
      { numRuns: 60 },
    );
  });

  it('remembers client tokens from the journal and from a snapshot', () => {
    const bench = open();
    createTables(bench);
    const request = {
      ClientRequestToken: 'once',
      TransactItems: [
        {
          Put: {
            TableName: 'first',
            Item: key('p'),
            ConditionExpression: 'attribute_not_exists(pk)',
          },
        },
      ],
    };
    bench.call('TransactWriteItems', request);
    for (const entries of [bench.entries, wire([...bench.dynamo.tables.snapshot()])]) {
      expect(restored(bench, entries).call('TransactWriteItems', request)).toEqual({});
    }
  });
});
