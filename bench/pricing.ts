/** What AWS would charge for what the local cloud counted, from the price table in `bench/prices.json`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

const Prices = z.object({
  asOf: z.string(),
  requests: z.object({
    dynamodbWriteUnit: z.number(),
    dynamodbReadUnit: z.number(),
    kinesisPutPayloadUnit: z.number(),
    sqsRequest: z.number(),
    sqsFifoRequest: z.number(),
    lambdaRequest: z.number(),
    lambdaArmGigabyteSecond: z.number(),
    stepFunctionsTransition: z.number(),
    apiGatewayRequest: z.number(),
    s3Put: z.number(),
    s3Get: z.number(),
    secretsManagerRequest: z.number(),
  }),
  storage: z.object({
    dynamodbGigabyteMonth: z.number(),
    dynamodbBackupGigabyteMonth: z.number(),
    logsIngestedGigabyte: z.number(),
  }),
});
/** List prices in dollars per unit. */
export type Prices = z.infer<typeof Prices>;
export type PriceName = keyof Prices['requests'] | keyof Prices['storage'];

/** Units by the price that applies to them. */
export type Usage = Readonly<Partial<Record<PriceName, number>>>;

/** One line of the bill. */
export interface BillLine {
  readonly price: PriceName;
  readonly count: number;
  readonly dollars: number;
}

/** The price table below the root. */
export const readPrices = (root: string): Prices =>
  Prices.parse(JSON.parse(readFileSync(join(root, 'bench/prices.json'), 'utf8')));

/** One line for everything that was used, dearest first. */
export const billOf = (usage: Usage, prices: Prices): readonly BillLine[] =>
  (Object.entries(usage) as [PriceName, number][])
    .filter(([, count]) => count > 0)
    .map(([price, count]) => ({
      price,
      count,
      dollars: count * { ...prices.requests, ...prices.storage }[price],
    }))
    .sort((one, other) => other.dollars - one.dollars);

/** The sum of a bill. */
export const totalDollars = (bill: readonly BillLine[]): number =>
  bill.reduce((sum, { dollars }) => sum + dollars, 0);

/** What one table was asked for. */
export interface TableUnits {
  readonly readUnits: number;
  readonly writeUnits: number;
  /** The write units by the kind of item. */
  readonly writeUnitsByKind: Readonly<Record<string, number>>;
}

/** What a cloud counted while something ran. */
export interface CountedWork {
  /** Requests by `service.operation`. */
  readonly requests: Readonly<Record<string, number>>;
  readonly capacity: Readonly<Record<string, TableUnits>>;
  readonly invocations: number;
  /** Gigabytes of memory times seconds, over all invocations. */
  readonly gigabyteSeconds: number;
  /** Batches that Lambda took from standard and FIFO queues. */
  readonly queueBatches: { readonly standard: number; readonly fifo: number };
  readonly apiRequests: number;
  /** Records of at most 25 KB that a client put in batches; single puts are counted as requests. */
  readonly recordsPut: number;
  /** State transitions of one execution. */
  readonly transitionsPerExecution: number;
  /** Bytes that tables grew by; they are kept, with their backups, for a month. */
  readonly storedBytes: number;
  /** Bytes of what functions wrote to their logs, with what each line of CloudWatch Logs weighs besides. */
  readonly loggedBytes: number;
}

/**
 * The part of it that orchestrates, the way Step Functions is priced: without the requests of people and workers, without
 * read models and the functions that keep them, and without storage and logs.
 */
export const orchestrationOf = (
  work: CountedWork,
  ofRows: Pick<CountedWork, 'invocations' | 'gigabyteSeconds'>,
): CountedWork => ({
  ...work,
  capacity: Object.fromEntries(Object.entries(work.capacity).filter(([table]) => !table.endsWith('-views'))),
  invocations: work.invocations - ofRows.invocations,
  gigabyteSeconds: work.gigabyteSeconds - ofRows.gigabyteSeconds,
  ...{ apiRequests: 0, storedBytes: 0, loggedBytes: 0 },
});

const GIGABYTE = 2 ** 30;

/** Lambda asks for a batch and deletes it. */
const REQUESTS_PER_BATCH = 2;

/**
 * The units of that work. Streams are read for a function without charge. Messages are priced as FIFO: on their
 * ordinary way runs and ticks send no others.
 */
export const usageOf = (work: CountedWork): Usage => {
  const { requests, capacity, queueBatches } = work;
  const count = (...names: readonly string[]): number =>
    names.reduce((sum, name) => sum + (requests[name] ?? 0), 0);
  const tables = Object.values(capacity);
  return {
    dynamodbWriteUnit: tables.reduce((sum, { writeUnits }) => sum + writeUnits, 0),
    dynamodbReadUnit: tables.reduce((sum, { readUnits }) => sum + readUnits, 0),
    kinesisPutPayloadUnit: work.recordsPut + count('kinesis.PutRecord'),
    sqsFifoRequest: count('sqs.SendMessage', 'sqs.SendMessageBatch') + queueBatches.fifo * REQUESTS_PER_BATCH,
    sqsRequest: queueBatches.standard * REQUESTS_PER_BATCH + count('sqs.ReceiveMessage', 'sqs.DeleteMessage'),
    lambdaRequest: work.invocations,
    lambdaArmGigabyteSecond: work.gigabyteSeconds,
    stepFunctionsTransition: count('states.StartExecution') * work.transitionsPerExecution,
    apiGatewayRequest: work.apiRequests,
    s3Put: count('s3.PutObject'),
    s3Get: count('s3.GetObject', 's3.HeadObject'),
    secretsManagerRequest: count('secretsmanager.GetSecretValue'),
    dynamodbGigabyteMonth: work.storedBytes / GIGABYTE,
    dynamodbBackupGigabyteMonth: work.storedBytes / GIGABYTE,
    logsIngestedGigabyte: work.loggedBytes / GIGABYTE,
  };
};
