/**
 * What ten tasks and a thousand market events cost: AWS requests as counted, dollars as modelled from them, with a month of
 * storage and what is logged. Beside it what orchestration alone costs, the way Step Functions is priced: without the
 * requests of people and workers, and without read models.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { jsonlRecords } from '#cli/tape/jsonl.ts';
import { findTape, tapeLines } from '#cli/tape/open-tape.ts';
import type { Cloud } from '#local/boot/cloud.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import { bootBenchCloud } from '#bench/bench-cloud.ts';
import type { BenchCloud } from '#bench/bench-cloud.ts';
import {
  CHAIN_FUNCTION,
  CHAIN_REQUESTS,
  checkChains,
  deployChain,
  deployFunctionChain,
  deploySentChain,
  playChain,
  playChainApart,
  playSentChain,
  startChain,
} from '#bench/chain-api.ts';
import { STEPS } from '#bench/chain-run.ts';
import type { Measure, Row } from '#bench/measurement.ts';
import { billOf, readPrices, totalDollars, usageOf } from '#bench/pricing.ts';
import type { CountedWork, Prices } from '#bench/pricing.ts';
import { billedFunctions, logCounter, workCounter } from '#bench/work-counter.ts';
import type { Counted, Counter } from '#bench/work-counter.ts';

/** AWS requests and modelled dollars of a run and of a thousand market events. */
export const measure: Measure = async ({ root }) => {
  const prices = readPrices(root);
  const billed = billedFunctions();
  const logs = logCounter();
  const cloud = await bootBenchCloud(root, {
    log: logs.hear,
    clock: virtualClock(Date.parse('2026-11-20T00:00:00Z')),
    isMetered: true,
    throttle: false,
    importModule: billed.importModule,
    ownFunctions: [{ name: CHAIN_FUNCTION.name, file: path.join(root, 'bench/functions/succeed.mjs') }],
  });
  try {
    const counter = workCounter(root, cloud, { ...billed, ...logs });
    const run = await countRun(cloud, counter);
    const apart = await countRunApart(cloud, counter);
    const inline = await countInlineRun(cloud, counter);
    const sent = await countSentRun(cloud, counter);
    const lambda = await countFunctionRun(cloud, counter);
    const events = await countEvents(root, cloud, counter);
    return [
      ...rowsOf('10-task run', 1, { work: run.all, prices, target: 'at most 155' }),
      aloneRow('10-task run', { work: run.alone, prices, target: 'at most 24' }),
      ...rowsOf('10-task run, claims and reports apart', 1, { work: apart.all, prices }),
      aloneRow('10-task run, claims and reports apart', { work: apart.alone, prices }),
      ...rowsOf('10-task inline run', 1, { work: inline.all, prices, target: 'at most 50' }),
      aloneRow('10-task inline run', { work: inline.alone, prices, target: 'at most 15' }),
      ...rowsOf('10-task sent run', 1, { work: sent.all, prices }),
      aloneRow('10-task sent run', { work: sent.alone, prices, target: 'at most 24' }),
      ...rowsOf('10-task Lambda run', 1, { work: lambda.all, prices, target: 'at most 75' }),
      aloneRow('10-task Lambda run', { work: lambda.alone, prices, target: 'at most 24' }),
      ...rowsOf('1,000 market events', events.eventCount / 1000, { work: events.work, prices }),
    ];
  } finally {
    await cloud.close();
  }
};

/** A trigger, and a claim and a completion of each task. */
const REQUESTS_APART = 1 + 2 * STEPS;

/** A partition belongs to the later run, so the one that counts is the later one. */
const BETWEEN_RUNS_MS = 1_000;

/** The second run of a warm cloud, alone. */
const countRun = async ({ cloud, ask }: BenchCloud, counter: Counter): Promise<Counted> => {
  await deployChain(ask, 'main', 'worker');
  await playChain(ask, 'main');
  await cloud.advance(BETWEEN_RUNS_MS);
  return counter(async () => {
    await playChain(ask, 'main');
    return { apiRequests: 1 + CHAIN_REQUESTS, recordsPut: 0 };
  });
};

/** The same of a worker that reports by callbacks. */
const countRunApart = async ({ cloud, ask }: BenchCloud, counter: Counter): Promise<Counted> => {
  await playChainApart(ask, 'main');
  await cloud.advance(BETWEEN_RUNS_MS);
  return counter(async () => {
    await playChainApart(ask, 'main');
    return { apiRequests: REQUESTS_APART, recordsPut: 0 };
  });
};

/** The same of a chain whose tasks an in-process runner makes. */
const countInlineRun = async ({ cloud, ask, settle }: BenchCloud, counter: Counter): Promise<Counted> => {
  await deployChain(ask, 'inline', 'noop');
  await startChain(ask, 'inline');
  await settle();
  await cloud.advance(BETWEEN_RUNS_MS);
  return counter(async () => {
    await startChain(ask, 'inline');
    return { apiRequests: 1, recordsPut: 0 };
  });
};

/** The same of a chain whose tasks a Lambda function of a customer makes, whose invocations are counted too. */
const countFunctionRun = async ({ cloud, ask, settle }: BenchCloud, counter: Counter): Promise<Counted> => {
  await deployFunctionChain(ask);
  await startChain(ask, CHAIN_FUNCTION.workspace);
  await settle();
  await cloud.advance(BETWEEN_RUNS_MS);
  const counted = await counter(async () => {
    await startChain(ask, CHAIN_FUNCTION.workspace);
    await settle();
    return { apiRequests: 1, recordsPut: 0 };
  });
  await checkChains(ask, CHAIN_FUNCTION.workspace);
  return counted;
};

/** The same of a chain whose tasks are sent to a queue of their worker's own, who pays for what it receives and deletes. */
const countSentRun = async (cloud: BenchCloud, counter: Counter): Promise<Counted> => {
  const queue = await deploySentChain(cloud, 'sent');
  await playSentChain(cloud, queue, cloud.settle);
  await cloud.cloud.advance(BETWEEN_RUNS_MS);
  return counter(async () => {
    await playSentChain(cloud, queue, cloud.settle);
    return { apiRequests: REQUESTS_APART, recordsPut: 0 };
  });
};

const PUT_RECORDS_MAX = 500;

/** The demo tape at full speed, so in full batches; its own puts count. */
const countEvents = async (
  root: string,
  { cloud, ask }: BenchCloud,
  counter: Counter,
): Promise<{ readonly work: CountedWork; readonly eventCount: number }> => {
  const config: unknown = JSON.parse(readFileSync(path.join(root, 'events/tapes/demo.feed.json'), 'utf8'));
  await ask('PUT', '/v1/workspaces/main/feeds/demo', config);
  const tape = await findTape(path.join(root, 'events/tapes/demo.jsonl'));
  const records: { readonly Data: string; readonly PartitionKey: string }[] = [];
  for await (const { data, partitionKey } of jsonlRecords(tapeLines(tape)))
    records.push({ Data: Buffer.from(data).toString('base64'), PartitionKey: partitionKey });
  const { all: work } = await counter(async () => {
    for (let start = 0; start < records.length; start += PUT_RECORDS_MAX)
      await putRecords(cloud, records.slice(start, start + PUT_RECORDS_MAX));
    return { apiRequests: 0, recordsPut: records.length };
  });
  return { work, eventCount: records.length };
};

const putRecords = async (cloud: Cloud, Records: readonly object[]): Promise<void> => {
  const answer = await cloud.call('kinesis', 'PutRecords', {
    StreamName: 'sluice-dev-market-events',
    Records,
  });
  if (answer['FailedRecordCount'] !== 0) throw new Error('records were refused');
};

const rowsOf = (
  per: string,
  units: number,
  { work, prices, target }: { readonly work: CountedWork; readonly prices: Prices; readonly target?: string },
): readonly Row[] => {
  const bill = billOf(usageOf(work), prices);
  const requestCount = Object.values(work.requests).reduce((sum, count) => sum + count, 0);
  return [
    { what: `${per}: AWS requests`, value: requestCount / units, unit: 'requests' },
    ...Object.entries(work.requests).map(([name, count]) => ({
      what: `${per}: ${name}`,
      value: count / units,
      unit: 'requests',
    })),
    ...Object.entries(work.capacity).flatMap(([table, { writeUnitsByKind, readUnits }]) => [
      ...Object.entries(writeUnitsByKind).map(([kind, writeUnits]) => ({
        what: `${per}: write units of ${table}, ${kind}`,
        value: writeUnits / units,
        unit: 'units',
      })),
      { what: `${per}: read units of ${table}`, value: readUnits / units, unit: 'units' },
    ]),
    { what: `${per}: Lambda invocations`, value: work.invocations / units, unit: 'requests' },
    {
      what: `${per}: a million of them, list prices of ${prices.asOf}`,
      value: (totalDollars(bill) / units) * 1e6,
      unit: '$',
      ...(target === undefined ? {} : { target }),
    },
    ...bill.map(({ price, dollars }) => ({
      what: `${per}: a million of them, ${price}`,
      value: (dollars / units) * 1e6,
      unit: '$',
    })),
  ];
};

const aloneRow = (
  per: string,
  { work, prices, target }: { readonly work: CountedWork; readonly prices: Prices; readonly target?: string },
): Row => ({
  what: `${per}: a million of them, orchestration alone`,
  value: totalDollars(billOf(usageOf(work), prices)) * 1e6,
  unit: '$',
  ...(target === undefined ? {} : { target }),
});
