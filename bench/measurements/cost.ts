/** What ten tasks and a thousand market events cost: AWS requests as counted, dollars as modelled from them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { jsonlRecords } from '#cli/tape/jsonl.ts';
import { findTape, tapeLines } from '#cli/tape/open-tape.ts';
import type { Cloud } from '#local/boot/cloud.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import type { ImportModule } from '#local/lambda/direct-host.ts';
import { bootBenchCloud } from '#bench/bench-cloud.ts';
import type { BenchCloud } from '#bench/bench-cloud.ts';
import { deployChain, playChain, startChain } from '#bench/chain-api.ts';
import { STEPS } from '#bench/chain-run.ts';
import type { Measure, Row } from '#bench/measurement.ts';
import { billOf, readPrices, totalDollars, usageOf } from '#bench/pricing.ts';
import type { CountedWork, Prices } from '#bench/pricing.ts';
import { watchedFunctions } from '#bench/watched-functions.ts';

/** AWS requests and modelled dollars of a run and of a thousand market events. */
export const measure: Measure = async ({ root }) => {
  const prices = readPrices(root);
  const billed = billedFunctions();
  const cloud = await bootBenchCloud(root, {
    clock: virtualClock(Date.parse('2026-11-20T00:00:00Z')),
    isMetered: true,
    throttle: false,
    importModule: billed.importModule,
  });
  try {
    const counter = workCounter(root, cloud, billed.gigabyteSeconds);
    return [
      ...rowsOf('10-task run', 1, { work: await countRun(cloud, counter), prices }),
      ...rowsOf('10-task inline run', 1, { work: await countInlineRun(cloud, counter), prices }),
      ...(await countEvents(root, cloud, counter).then(({ work, eventCount }) =>
        rowsOf('1,000 market events', eventCount / 1000, { work, prices }),
      )),
    ];
  } finally {
    await cloud.close();
  }
};

/** Functions of the bundles, each invocation timed: Lambda bills its duration times its memory. */
const billedFunctions = (): {
  readonly importModule: ImportModule;
  readonly gigabyteSeconds: () => number;
} => {
  let gigabyteSeconds = 0;
  const importModule = watchedFunctions(({ setting, durationMs }) => {
    gigabyteSeconds += (durationMs / 1000) * (setting.memoryMb / 1024);
  });
  return { importModule, gigabyteSeconds: () => gigabyteSeconds };
};

type Counter = (
  act: () => Promise<{ readonly apiRequests: number; readonly recordsPut: number }>,
) => Promise<CountedWork>;

/** Counts what the cloud does from one call to its end, work in the background included. */
const workCounter =
  (root: string, cloud: BenchCloud, gigabyteSeconds: () => number): Counter =>
  async (act) => {
    await cloud.settle();
    cloud.resetCounts();
    const before = {
      seconds: gigabyteSeconds(),
      invocations: invocationsOf(cloud),
      batches: batchesOf(cloud),
    };
    const done = await act();
    await cloud.settle();
    const { requests, capacity } = cloud.counts();
    const batches = batchesOf(cloud);
    return {
      ...{ requests, capacity, ...done },
      invocations: invocationsOf(cloud) - before.invocations,
      gigabyteSeconds: gigabyteSeconds() - before.seconds,
      queueBatches: {
        fifo: batches.fifo - before.batches.fifo,
        standard: batches.standard - before.batches.standard,
      },
      transitionsPerExecution: statesOf(root),
    };
  };

const invocationsOf = (cloud: BenchCloud): number =>
  Object.values(cloud.counts().functions).reduce((sum, { invocations }) => sum + invocations, 0);

const batchesOf = ({ mappings }: BenchCloud): { readonly fifo: number; readonly standard: number } => {
  let fifo = 0;
  let standard = 0;
  for (const { setting, counts } of mappings.values()) {
    if (!setting.sourceArn.includes(':sqs:')) continue;
    if (setting.sourceArn.endsWith('.fifo')) fifo += counts().invocations;
    else standard += counts().invocations;
  }
  return { fifo, standard };
};

/** An execution passes each state of the machine once, and its start. */
const statesOf = (root: string): number => {
  const definition = readFileSync(path.join(root, 'statemachines/retry-task.asl.json'), 'utf8');
  return 1 + Object.keys((JSON.parse(definition) as { States: object }).States).length;
};

/** A trigger, and a claim and a completion of each task. */
const REQUESTS_PER_RUN = 1 + 2 * STEPS;

/** The second run of a warm cloud, alone. */
const countRun = async ({ ask }: BenchCloud, counter: Counter): Promise<CountedWork> => {
  await deployChain(ask, 'main', 'worker');
  await playChain(ask, 'main');
  return counter(async () => {
    await playChain(ask, 'main');
    return { apiRequests: REQUESTS_PER_RUN, recordsPut: 0 };
  });
};

/** The same of a chain whose tasks an in-process runner makes. */
const countInlineRun = async ({ ask, settle }: BenchCloud, counter: Counter): Promise<CountedWork> => {
  await deployChain(ask, 'inline', 'noop');
  await startChain(ask, 'inline');
  await settle();
  return counter(async () => {
    await startChain(ask, 'inline');
    return { apiRequests: 1, recordsPut: 0 };
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
  const work = await counter(async () => {
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
  { work, prices }: { readonly work: CountedWork; readonly prices: Prices },
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
    { what: `${per}: Lambda invocations`, value: work.invocations / units, unit: 'requests' },
    {
      what: `${per}: a million of them, list prices of ${prices.asOf}`,
      value: (totalDollars(bill) / units) * 1e6,
      unit: '$',
    },
    ...bill.map(({ price, dollars }) => ({
      what: `${per}: a million of them, ${price}`,
      value: (dollars / units) * 1e6,
      unit: '$',
    })),
  ];
};
