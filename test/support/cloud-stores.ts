/** Looks into, and breaks, the stores of a test cloud. */
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

import { dynamoLedger } from '#adapters/dynamodb/ledger.ts';
import { rowFromItem } from '#adapters/dynamodb/views.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import type { StateMachineName } from '#contracts/naming.ts';
import type { Row } from '#domain/kernel/projection.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import { projections } from '#functions/shared/aggregates.ts';
import type { Cloud } from '#local/boot/cloud.ts';

type Item = Record<string, AttributeValue>;

/** Every item of a table. */
export const itemsOf = async (cloud: Cloud, table: string): Promise<readonly Item[]> => {
  const client = dynamodbClient(cloud.plugin);
  const items: Item[] = [];
  let start: Item | undefined;
  do {
    const page = await client.send(
      new ScanCommand({ TableName: `sluice-dev-${table}`, ...(start ? { ExclusiveStartKey: start } : {}) }),
    );
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start);
  return items;
};

/** Every read-model row, by its key. */
export const rowsOf = async (cloud: Cloud): Promise<ReadonlyMap<string, Row>> =>
  new Map(
    (await itemsOf(cloud, 'views'))
      .map(rowFromItem)
      .map((row): [string, Row] => [`${row.pk} ${row.sk}`, row])
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );

/**
 * What rows say, without operational members and versions, which depend on how commits were cut, and without the audit,
 * which tells of the requests of one telling.
 */
export const contentsOf = (rows: ReadonlyMap<string, Row>): Readonly<Record<string, unknown>> => {
  const operational = new Set(Object.values(projections).flatMap((projection) => projection.operational));
  return Object.fromEntries(
    [...rows]
      .filter(([key]) => !key.startsWith('audit#'))
      .map(([key, { data }]) => [
        key,
        Object.fromEntries(Object.entries(data).filter(([name]) => !operational.has(name))),
      ]),
  );
};

/** The ledger's adapter over a cloud. */
export const ledgerOf = (cloud: Cloud) =>
  dynamoLedger({
    client: dynamodbClient(cloud.plugin),
    table: 'sluice-dev-ledger',
    nowMs: cloud.clock.nowMs,
  });

/** Every commit of the ledger, stream by stream in order. */
export const commitsIn = async (cloud: Cloud): Promise<readonly StoredCommit[]> => {
  const commits: StoredCommit[] = [];
  for await (const page of ledgerOf(cloud).scan()) commits.push(...page);
  return commits.sort((one, other) =>
    one.stream === other.stream ? one.sequence - other.sequence : one.stream < other.stream ? -1 : 1,
  );
};

/** Faults of the numbering in every stream: gaps, repeats, commits that overlap; none in a sound ledger. */
export const numberingFaults = (commits: readonly StoredCommit[]): readonly string[] => {
  const next = new Map<string, number>();
  return commits.flatMap(({ stream, sequence, events }) => {
    const expected = next.get(stream) ?? 1;
    next.set(stream, sequence + events.length);
    return sequence === expected ? [] : [`${stream}: ${expected} expected, ${sequence} found`];
  });
};

/** Deletes everything in `control`, or what a predicate picks by its partition key; the number of items. */
export const dropControl = async (
  cloud: Cloud,
  picks: (pk: string) => boolean = () => true,
): Promise<number> => {
  let dropped = 0;
  for (const { pk, sk } of await itemsOf(cloud, 'control')) {
    if (!picks(pk?.S ?? '')) continue;
    await cloud.call('dynamodb', 'DeleteItem', { TableName: 'sluice-dev-control', Key: { pk, sk } });
    dropped++;
  }
  return dropped;
};

/** Drops every message of a queue. */
export const purge = async (cloud: Cloud, queue: string): Promise<void> => {
  await cloud.call('sqs', 'PurgeQueue', { QueueUrl: `http://127.0.0.1/000000000000/sluice-dev-${queue}` });
};

/** Executions of a state machine with their status, the newest first. */
export const executionsOf = async (
  cloud: Cloud,
  machine: StateMachineName,
): Promise<readonly { readonly executionArn: string; readonly status: string; readonly name: string }[]> => {
  const stateMachineArn = `arn:aws:states:us-east-1:000000000000:stateMachine:sluice-dev-${machine}`;
  const { executions } = await cloud.call('states', 'ListExecutions', { stateMachineArn });
  return executions as readonly { executionArn: string; status: string; name: string }[];
};

/** The bodies under a prefix that nobody has released. */
export const keptBodies = async (cloud: Cloud, Prefix: string): Promise<number> => {
  const Bucket = 'sluice-dev-blobs-000000000000';
  const { Contents = [] } = await cloud.call('s3', 'ListObjectsV2', { Bucket, Prefix });
  let count = 0;
  for (const { Key } of Contents as readonly { readonly Key: string }[])
    if ((await cloud.call('s3', 'GetObject', { Bucket, Key }))['TagCount'] === undefined) count += 1;
  return count;
};
