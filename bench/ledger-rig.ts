/**
 * A ledger and nothing else: the real adapter over the SDK, answered in process with real bytes by the DynamoDB
 * engine, with its journal fsynced in a temporary directory.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { packedBytes } from '#adapters/dynamodb/attributes.ts';
import { dynamoLedger } from '#adapters/dynamodb/ledger.ts';
import { dynamoViewWriter } from '#adapters/dynamodb/views.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import type { Ledger } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { ViewWriter } from '#domain/ports/views.ts';
import { aggregateCache } from '#functions/shared/aggregate-cache.ts';
import { eventIds } from '#functions/shared/event-ids.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { createDispatcher } from '#local/dispatch/dispatcher.ts';
import type { Dispatcher } from '#local/dispatch/dispatcher.ts';
import { createDynamo } from '#local/dynamodb/engine.ts';
import { openStateDirectory } from '#local/journal/state-directory.ts';
import { wallClock } from '#local/kernel/clock.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import { createSdkHost } from '#local/sdk/sdk-host.ts';
import { createWire } from '#local/wire/wire.ts';

export interface LedgerRig {
  readonly ledger: Ledger;
  readonly views: ViewWriter;
  /** Requests by `service.operation`. */
  readonly counts: Dispatcher['counts'];
  readonly reset: () => void;
  /** A mailbox that keeps this many streams warm and performs no effects. */
  readonly mailbox: (warmStreams: number) => Mailbox;
  /** Every journal entry from now on is given to the listener. */
  readonly listen: (listener: (entry: JournalEntry) => void) => void;
  readonly close: () => Promise<void>;
}

const LEDGER = 'ledger';
const VIEWS = 'views';

/** Telemetry that is never looked at. */
export const silent: Telemetry = { log: () => undefined, count: () => undefined };

/** Opens a rig in a directory of its own, which goes with it. */
export const openLedgerRig = async (): Promise<LedgerRig> => {
  const stateDir = mkdtempSync(path.join(os.tmpdir(), 'sluice-bench-'));
  const directory = openStateDirectory(stateDir);
  let listener: (entry: JournalEntry) => void = () => undefined;
  const journal = {
    append: (engine: string, entry: JournalEntry): void => {
      listener(entry);
      directory.journal.append(engine, entry);
    },
    durable: directory.journal.durable,
  };
  const clock = wallClock();
  const account = { region: 'us-east-1', accountId: '000000000000' };
  const dynamo = createDynamo({ clock, journal, chance: Math.random, ...account }, { streamShardCount: 1 });
  const dispatcher = createDispatcher({ engines: { dynamodb: dynamo.tables }, journal });
  const { handle } = createWire({ dispatcher, accountId: account.accountId });
  const client = dynamodbClient(createSdkHost({ handle, fidelity: 'bytes', region: account.region }));
  await createTables(dispatcher);
  const ledger = dynamoLedger({ client, table: LEDGER, nowMs: clock.nowMs });
  return {
    ledger,
    views: dynamoViewWriter({ client, table: VIEWS }),
    counts: dispatcher.counts,
    reset: dispatcher.reset,
    mailbox: (warmStreams) =>
      mailbox({
        ledger,
        cache: aggregateCache(warmStreams),
        telemetry: silent,
        nowMs: clock.nowMs,
        mintEventId: eventIds(),
        storedBytes: packedBytes,
        perform: () => Promise.resolve(),
      }),
    listen: (next) => {
      listener = next;
    },
    close: async () => {
      await directory.close();
      rmSync(stateDir, { recursive: true });
    },
  };
};

/** The tables as the template describes them, as far as writing them costs anything. */
const createTables = async ({ call }: Dispatcher): Promise<void> => {
  await call('dynamodb', 'CreateTable', {
    TableName: LEDGER,
    ...keys('stream', 'sequence'),
    ...index('by-due', ['due', 'stream'], 'KEYS_ONLY'),
    AttributeDefinitions: attributes({ stream: 'S', sequence: 'N', due: 'S' }),
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
    BillingMode: 'PAY_PER_REQUEST',
  });
  await call('dynamodb', 'CreateTable', {
    TableName: VIEWS,
    ...keys('pk', 'sk'),
    ...index('by-list', ['listKey', 'listSort'], 'KEYS_ONLY'),
    AttributeDefinitions: attributes({ pk: 'S', sk: 'S', listKey: 'S', listSort: 'S' }),
    BillingMode: 'PAY_PER_REQUEST',
  });
};

const schema = (hash: string, range: string): readonly object[] => [
  { AttributeName: hash, KeyType: 'HASH' },
  { AttributeName: range, KeyType: 'RANGE' },
];

const keys = (hash: string, range: string): object => ({
  KeySchema: schema(hash, range),
});

const index = (name: string, [hash, range]: readonly [string, string], projection: 'KEYS_ONLY'): object => ({
  GlobalSecondaryIndexes: [
    { IndexName: name, KeySchema: schema(hash, range), Projection: { ProjectionType: projection } },
  ],
});

const attributes = (types: Readonly<Record<string, 'S' | 'N'>>): readonly object[] =>
  Object.entries(types).map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType }));
