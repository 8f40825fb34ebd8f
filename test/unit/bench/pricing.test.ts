import { describe, expect, it } from 'vitest';
import { billOf, orchestrationOf, readPrices, totalDollars, usageOf } from '#bench/pricing.ts';
import type { CountedWork } from '#bench/pricing.ts';

const prices = readPrices(process.cwd());

const idle: CountedWork = {
  requests: {},
  capacity: {},
  invocations: 0,
  gigabyteSeconds: 0,
  queueBatches: { standard: 0, fifo: 0 },
  apiRequests: 0,
  recordsPut: 0,
  transitionsPerExecution: 5,
  storedBytes: 0,
  loggedBytes: 0,
};

describe('usage', () => {
  it('adds the capacity of all tables', () => {
    const capacity = {
      ledger: { readUnits: 1.5, writeUnits: 20, writeUnitsByKind: {} },
      views: { readUnits: 0.5, writeUnits: 11, writeUnitsByKind: {} },
    };

    expect(usageOf({ ...idle, capacity })).toMatchObject({ dynamodbReadUnit: 2, dynamodbWriteUnit: 31 });
  });

  it('counts two requests for each batch Lambda takes from a queue, besides what is sent', () => {
    const work = {
      ...idle,
      requests: { 'sqs.SendMessage': 1, 'sqs.SendMessageBatch': 2 },
      queueBatches: { standard: 4, fifo: 3 },
    };

    expect(usageOf(work)).toMatchObject({ sqsFifoRequest: 9, sqsRequest: 8 });
  });

  it('counts what a worker of its own queue receives and deletes', () => {
    const requests = { 'sqs.ReceiveMessage': 3, 'sqs.DeleteMessage': 2 };

    expect(usageOf({ ...idle, requests })).toMatchObject({ sqsRequest: 5 });
  });

  it('of orchestration alone has no read models, no requests of people, and nothing that is kept', () => {
    const units = { readUnits: 1, writeUnits: 2, writeUnitsByKind: {} };
    const work = {
      ...idle,
      capacity: { 'sluice-dev-ledger': units, 'sluice-dev-views': units },
      ...{ invocations: 9, gigabyteSeconds: 1, apiRequests: 21, storedBytes: 5, loggedBytes: 5 },
      requests: { 'sqs.SendMessageBatch': 1 },
    };

    expect(orchestrationOf(work, { invocations: 4, gigabyteSeconds: 0.25 })).toEqual({
      ...idle,
      capacity: { 'sluice-dev-ledger': units },
      ...{ invocations: 5, gigabyteSeconds: 0.75, requests: { 'sqs.SendMessageBatch': 1 } },
    });
  });

  it('counts single puts and records put in batches as payload units', () => {
    const work = { ...idle, requests: { 'kinesis.PutRecord': 7, 'kinesis.PutRecords': 1 }, recordsPut: 500 };

    expect(usageOf(work)).toMatchObject({ kinesisPutPayloadUnit: 507 });
  });

  it('counts every transition of an execution', () => {
    expect(usageOf({ ...idle, requests: { 'states.StartExecution': 3 } })).toMatchObject({
      stepFunctionsTransition: 15,
    });
  });

  it('keeps what is stored for a month with its backups, and counts what is logged', () => {
    const bill = billOf(usageOf({ ...idle, storedBytes: 2 ** 31, loggedBytes: 2 ** 30 }), prices);

    expect(Object.fromEntries(bill.map(({ price, count, dollars }) => [price, [count, dollars]]))).toEqual({
      dynamodbGigabyteMonth: [2, 0.5],
      dynamodbBackupGigabyteMonth: [2, 0.4],
      logsIngestedGigabyte: [1, 0.5],
    });
  });

  it('reads streams for functions without charge', () => {
    const requests = { 'dynamodbstreams.GetRecords': 100, 'kinesis.GetRecords': 100 };

    expect(billOf(usageOf({ ...idle, requests }), prices)).toEqual([]);
  });
});

describe('bill', () => {
  it('lists what was used, dearest first, and sums it', () => {
    const bill = billOf(
      { apiGatewayRequest: 21, dynamodbWriteUnit: 100, s3Get: 0, lambdaRequest: 50 },
      prices,
    );

    expect(bill.map(({ price }) => price)).toEqual([
      'apiGatewayRequest',
      'dynamodbWriteUnit',
      'lambdaRequest',
    ]);
    expect(totalDollars(bill)).toBeCloseTo(21 * 3.5e-6 + 100 * 6.25e-7 + 50 * 2e-7, 12);
  });

  it('costs nothing when nothing was used', () => {
    expect(totalDollars(billOf({}, prices))).toBe(0);
  });

  it('says when its prices were read', () => {
    expect(prices.asOf).toMatch(/^\d{4}-\d{2}$/);
  });
});
