import { describe, expect, it } from 'vitest';
import { activityCounter } from '#local/kernel/activity.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import type { Engine, Json, Operation } from '#local/kernel/engine.ts';
import { memoryJournal, type Journal } from '#local/kernel/journal.ts';
import { createDispatcher, type Dispatcher, type DispatcherSetting } from '#local/dispatch/dispatcher.ts';
import { createFaults, type FaultRule } from '#local/dispatch/faults.ts';

const engine = (operations: Readonly<Record<string, Operation>>): Engine => ({
  operations,
  restore: () => undefined,
  snapshot: () => [],
});

const dispatcherOf = (
  operations: Readonly<Record<string, Operation>>,
  rest: Partial<DispatcherSetting> = {},
): Dispatcher =>
  createDispatcher({ engines: { dynamodb: engine(operations) }, journal: memoryJournal, ...rest });

/** Counts executions of PutItem; refuses an item it has. */
const counting = (): {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly puts: () => number;
} => {
  let puts = 0;
  return {
    puts: () => puts,
    operations: {
      PutItem: () => {
        puts++;
        if (puts > 1) throw new AwsError('ConditionalCheckFailedException', 'it is there');
        return {};
      },
    },
  };
};

const put = (dispatcher: Dispatcher, table = 'one'): Promise<Json> =>
  dispatcher.call('dynamodb', 'PutItem', { TableName: table });

describe('a call', () => {
  it('is refused by name when the operation or the service is unknown', async () => {
    const dispatcher = dispatcherOf({});
    await expect(dispatcher.call('dynamodb', 'toString', {})).rejects.toMatchObject({
      code: 'UnknownOperationException',
      status: 400,
      message: 'the local cloud does not support dynamodb.toString',
    });
    await expect(dispatcher.call('logs', 'PutLogEvents', {})).rejects.toThrow(
      'the service logs is not part of it',
    );
  });

  it('is answered, and refused, only after the journal is durable', async () => {
    const order: string[] = [];
    const journal: Journal = {
      append: () => undefined,
      durable: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        order.push('durable');
      },
    };
    const dispatcher = dispatcherOf(counting().operations, { journal });
    await put(dispatcher).then(() => order.push('answered'));
    await put(dispatcher).catch(() => order.push('refused'));
    expect(order).toEqual(['durable', 'answered', 'durable', 'refused']);
  });

  it('fails with status 500 when the journal or the engine fails, and the error is told', async () => {
    const told: unknown[] = [];
    const full = new Error('the disk is full');
    const onInternalError = (error: unknown): number => told.push(error);
    const journal: Journal = { append: () => undefined, durable: () => Promise.reject(full) };
    await expect(
      put(dispatcherOf(counting().operations, { journal, onInternalError })),
    ).rejects.toMatchObject({
      code: 'InternalServerError',
      status: 500,
      message: 'the disk is full',
    });
    const broken = new TypeError('undefined is not a function');
    const operations = { PutItem: () => Promise.reject(broken) };
    await expect(put(dispatcherOf(operations, { onInternalError }))).rejects.toMatchObject({ status: 500 });
    expect(told).toEqual([full, broken]);
  });

  it('is counted by service and operation, whatever became of it', async () => {
    const dispatcher = dispatcherOf(counting().operations);
    await put(dispatcher);
    await put(dispatcher).catch(() => undefined);
    await dispatcher.call('dynamodb', 'Nothing', {}).catch(() => undefined);
    expect(dispatcher.counts()).toEqual({ 'dynamodb.Nothing': 1, 'dynamodb.PutItem': 2 });
    dispatcher.reset();
    expect(dispatcher.counts()).toEqual({});
  });

  it('is in flight until answered, and parked while the engine lets it wait for the clock', async () => {
    const activity = activityCounter();
    const clock = virtualClock(0);
    const operations: Record<string, Operation> = {
      Query: () => ({ inFlight: activity.inFlightCount() }),
      Scan: () => new Promise((resolve) => clock.at(20_000, () => resolve({}))),
    };
    const dispatcher = dispatcherOf(operations, { activity });
    expect(await dispatcher.call('dynamodb', 'Query', {})).toEqual({ inFlight: 1 });
    expect(activity.inFlightCount()).toBe(0);

    const scan = dispatcher.call('dynamodb', 'Scan', {});
    await activity.idle();
    clock.step(Infinity);
    await scan;
    await activity.idle();
    expect(clock.nowMs()).toBe(20_000);
  });
});

describe('the meter', () => {
  it('adds up the capacity the engine reports by table and hides it from those who did not ask', async () => {
    const report = (input: Json): Json =>
      input['ReturnConsumedCapacity'] === 'TOTAL'
        ? { Count: 1, ConsumedCapacity: { TableName: input['TableName'], CapacityUnits: 1.5 } }
        : { Count: 1 };
    const operations: Record<string, Operation> = {
      Query: report,
      PutItem: report,
      ListTables: () => ({}),
      TransactWriteItems: () => ({
        ConsumedCapacity: [
          { TableName: 'one', CapacityUnits: 2 },
          { TableName: 'two', CapacityUnits: 4 },
        ],
      }),
    };
    const dispatcher = dispatcherOf(operations, { isMetered: true });
    expect(await dispatcher.call('dynamodb', 'Query', { TableName: 'one' })).toEqual({ Count: 1 });
    expect(await put(dispatcher)).toEqual({ Count: 1 });
    const items = [{ Item: { pk: { S: 'bucket#ada' } } }, { Key: { pk: { S: 'bucket#bo' } } }];
    for (const item of items) await dispatcher.call('dynamodb', 'PutItem', { TableName: 'two', ...item });
    await dispatcher.call('dynamodb', 'TransactWriteItems', {});
    await dispatcher.call('dynamodb', 'ListTables', {});
    const asked = { TableName: 'one', ReturnConsumedCapacity: 'TOTAL' };
    expect(await dispatcher.call('dynamodb', 'Query', asked)).toHaveProperty('ConsumedCapacity');
    expect(dispatcher.capacity()).toEqual({
      one: { readUnits: 3, writeUnits: 3.5, writes: 2, writeUnitsByKind: { other: 3.5 } },
      two: { readUnits: 0, writeUnits: 7, writes: 3, writeUnitsByKind: { bucket: 3, other: 4 } },
    });
    dispatcher.reset();
    expect(dispatcher.capacity()).toEqual({});
  });
});

describe('faults', () => {
  const faulty = (rules: readonly FaultRule[], seed = 1) => {
    const clock = virtualClock(0);
    const activity = activityCounter();
    const faults = createFaults({ rules, seed, clock, activity });
    const { operations, puts } = counting();
    return { dispatcher: dispatcherOf(operations, { faults, activity }), faults, puts, clock, activity };
  };
  const rule = (rest: Partial<FaultRule>): FaultRule => ({ service: 'dynamodb', kind: 'throttle', ...rest });

  it('throttle or break before the engine is reached', async () => {
    const { dispatcher, puts } = faulty([rule({ calls: [1] }), rule({ kind: 'server-error', calls: [1] })]);
    await expect(put(dispatcher)).rejects.toMatchObject({ code: 'ProvisionedThroughputExceededException' });
    await expect(put(dispatcher)).rejects.toMatchObject({ code: 'InternalServerError', status: 500 });
    expect(puts()).toBe(0);
    await put(dispatcher);
  });

  it('lose the answer of a request that was executed', async () => {
    const { dispatcher, puts } = faulty([rule({ kind: 'lost-answer' })]);
    await expect(put(dispatcher)).rejects.toMatchObject({ code: 'ECONNRESET', name: 'LostAnswerError' });
    expect(puts()).toBe(1);
  });

  it('execute twice and answer the second time', async () => {
    const { dispatcher, puts } = faulty([rule({ kind: 'duplicate' })]);
    await expect(put(dispatcher)).rejects.toMatchObject({ code: 'ConditionalCheckFailedException' });
    expect(puts()).toBe(2);
    await expect(put(dispatcher)).rejects.toMatchObject({ code: 'ConditionalCheckFailedException' });
    expect(puts()).toBe(4);
  });

  it('execute late by the clock, parked meanwhile', async () => {
    const { dispatcher, puts, clock, activity } = faulty([rule({ kind: 'delay', delayMs: 70 })]);
    const late = put(dispatcher);
    await activity.idle();
    expect(puts()).toBe(0);
    clock.step(Infinity);
    await late;
    expect([clock.nowMs(), puts()]).toEqual([70, 1]);
  });

  it('keep to the operation, the resource and the bound of their rule', async () => {
    const { dispatcher, faults } = faulty([
      rule({ operation: 'GetItem' }),
      rule({ service: 'sqs' }),
      rule({ resource: 'two', hitsMax: 1 }),
    ]);
    await put(dispatcher, 'one');
    await expect(put(dispatcher, 'arn:aws:dynamodb:us-east-1:000000000000:table/two')).rejects.toThrow(
      'rate',
    );
    await expect(put(dispatcher, 'two')).rejects.toThrow('it is there');
    expect(faults.injected()).toEqual([
      { kind: 'throttle', service: 'dynamodb', operation: 'PutItem', delayMs: 1000 },
    ]);
  });

  it('find the table inside batches and transactions', async () => {
    const { dispatcher } = faulty([rule({ resource: 'two' })]);
    const batch = { RequestItems: { two: [] } };
    const transaction = { TransactItems: [{ Put: { TableName: 'one' } }, { Delete: { TableName: 'two' } }] };
    for (const input of [batch, transaction]) {
      await expect(dispatcher.call('dynamodb', 'BatchWriteItem', input)).rejects.toThrow('rate');
    }
  });

  it('are the same for the same seed, and others for another', async () => {
    const hits = async (seed: number): Promise<string> => {
      const { dispatcher } = faulty([rule({ probability: 0.3 })], seed);
      const outcomes: string[] = [];
      for (let call = 0; call < 100; call++)
        outcomes.push(
          await put(dispatcher).then(
            () => 'k',
            (error: unknown) => (String(error).startsWith('Provisioned') ? 'P' : 'k'),
          ),
        );
      return outcomes.join('');
    };
    const first = await hits(7);
    expect(await hits(7)).toBe(first);
    expect(await hits(8)).not.toBe(first);
    expect(first.split('P').length - 1).toBeGreaterThan(15);
    expect(first.split('P').length - 1).toBeLessThan(45);
  });
});
