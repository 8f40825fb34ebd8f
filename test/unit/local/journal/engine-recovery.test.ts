import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createDispatcher, type Dispatcher } from '#local/dispatch/dispatcher.ts';
import { seededChance } from '#local/dispatch/faults.ts';
import { createDynamo } from '#local/dynamodb/engine.ts';
import { openStateDirectory, type StateDirectory } from '#local/journal/state-directory.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import type { Engine } from '#local/kernel/engine.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import { createKinesis } from '#local/kinesis/engine.ts';

let directory = '';
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'engines-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

interface Cloud {
  readonly state: StateDirectory;
  readonly dispatcher: Dispatcher;
  readonly entries: () => readonly (readonly [string, JournalEntry])[];
}

const boot = (): Cloud => {
  const state = openStateDirectory(directory, { segmentBytes: 64 * 1024 });
  const setting = {
    clock: virtualClock(Date.UTC(2025, 0, 1)),
    journal: state.journal,
    chance: seededChance(1),
    region: 'us-east-1',
    accountId: '000000000000',
  };
  const engines: Readonly<Record<string, Engine>> = {
    dynamodb: createDynamo(setting).tables,
    kinesis: createKinesis({ ...setting, throttle: false }).engine,
  };
  for (const [engine, entry] of state.entries()) engines[engine]?.restore(entry);
  return {
    state,
    dispatcher: createDispatcher({ engines, journal: state.journal }),
    entries: () =>
      Object.entries(engines).flatMap(([name, engine]) =>
        [...engine.snapshot()].map((entry) => [name, entry] as const),
      ),
  };
};

/** A kill: what is on disk stays, the lock is that of a process that is gone. */
const kill = (): void => fs.rmSync(path.join(directory, 'lock'));

const prepare = async ({ dispatcher }: Cloud): Promise<void> => {
  await dispatcher.call('dynamodb', 'CreateTable', {
    TableName: 'items',
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
  });
  await dispatcher.call('kinesis', 'CreateStream', { StreamName: 'market', ShardCount: 1 });
};

const write = async ({ dispatcher }: Cloud, from: number): Promise<void> => {
  for (let n = from; n < from + 20; n++) {
    const Item = { pk: { S: `item ${n % 7}` }, n: { N: String(n) } };
    const Data = Buffer.from(`record ${n}`).toString('base64');
    await Promise.all([
      dispatcher.call('dynamodb', 'PutItem', { TableName: 'items', Item }),
      dispatcher.call('kinesis', 'PutRecord', { StreamName: 'market', PartitionKey: 'k', Data }),
    ]);
  }
};

it('gives the engines back their state after kills, with and without a snapshot between', async () => {
  const first = boot();
  await prepare(first);
  await write(first, 0);
  kill();

  const second = boot();
  expect(second.entries()).toEqual(first.entries());
  await write(second, 20);
  const snapshot = second.state.snapshot(second.entries());
  await write(second, 40);
  await snapshot;
  kill();

  const third = boot();
  expect(third.entries()).toEqual(second.entries());
  const { Items } = await third.dispatcher.call('dynamodb', 'Scan', { TableName: 'items' });
  expect(Items).toHaveLength(7);
  await third.state.close();
});
