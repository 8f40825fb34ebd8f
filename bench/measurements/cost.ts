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
import type { ImportModule } from '#local/lambda/direct-host.ts';
import { bootBenchCloud, drained } from '#bench/bench-cloud.ts';
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
  const logs = logCounter();
  const cloud = await bootBenchCloud(root, {
    log: logs.hear,
    clock: virtualClock(Date.parse('2026-11-20T00:00:00Z')),
    isMetered: true,
    throttle: false,
    importModule: billed.importModule,
  });
  try {
    const counter = workCounter(root, cloud, { ...billed, ...logs });
    const run = await countRun(cloud, counter);
    const inline = await countInlineRun(cloud, counter);
    const events = await countEvents(root, cloud, counter);
    return [
      ...rowsOf('10-task run', 1, { work: run.all, prices, target: 'at most 155' }),
      aloneRow('10-task run', { work: run.alone, prices, target: 'at most 24' }),
      ...rowsOf('10-task inline run', 1, { work: inline.all, prices, target: 'at most 50' }),
      aloneRow('10-task inline run', { work: inline.alone, prices, target: 'at most 15' }),
      ...rowsOf('1,000 market events', events.eventCount / 1000, { work: events.work, prices }),
    ];
  } finally {
    await cloud.close();
  }
};

/** What only keeps read models, which the prices of Step Functions have nothing of. */
const KEEPS_ROWS = /-compact$/;

/** Functions of the bundles, each invocation timed: Lambda bills its duration times its memory. */
const billedFunctions = (): {
  readonly importModule: ImportModule;
  readonly gigabyteSeconds: () => Parts;
} => {
  let [all, ofRows] = [0, 0];
  const importModule = watchedFunctions(({ setting, durationMs }) => {
    const gigabyteSeconds = (durationMs / 1000) * (setting.memoryMb / 1024);
    all += gigabyteSeconds;
    if (KEEPS_ROWS.test(setting.name)) ofRows += gigabyteSeconds;
  });
  return { importModule, gigabyteSeconds: () => ({ all, ofRows }) };
};

/** What CloudWatch Logs counts for each line besides its text. */
const LINE_OVERHEAD_BYTES = 26;

const logCounter = (): { readonly hear: (text: string) => void; readonly loggedBytes: () => number } => {
  let bytes = 0;
  return {
    hear: (text) => void (bytes += Buffer.byteLength(text) + LINE_OVERHEAD_BYTES),
    loggedBytes: () => bytes,
  };
};

/** A number, and the part of it that is spent on read models. */
interface Parts {
  readonly all: number;
  readonly ofRows: number;
}

/** All that was counted, and the part of it that orchestrates. */
interface Counted {
  readonly all: CountedWork;
  readonly alone: CountedWork;
}

type Counter = (
  act: () => Promise<{ readonly apiRequests: number; readonly recordsPut: number }>,
) => Promise<Counted>;

interface Meters {
  readonly gigabyteSeconds: () => Parts;
  readonly loggedBytes: () => number;
}

/** Counts what the cloud does from one call to its end, work in the background included. */
const workCounter =
  (root: string, cloud: BenchCloud, meters: Meters): Counter =>
  async (act) => {
    await drained(cloud);
    const storedBytes = await tableBytes(cloud);
    cloud.resetCounts();
    const before = readingsOf(cloud, meters);
    const done = await act();
    await drained(cloud);
    const { requests, capacity } = cloud.counts();
    const after = readingsOf(cloud, meters);
    const more = (reading: (readings: Readings) => number): number => reading(after) - reading(before);
    const all: CountedWork = {
      ...{ requests, capacity, ...done },
      invocations: more(({ invocations }) => invocations.all),
      gigabyteSeconds: more(({ gigabyteSeconds }) => gigabyteSeconds.all),
      queueBatches: {
        fifo: more(({ batches }) => batches.fifo),
        standard: more(({ batches }) => batches.standard),
      },
      transitionsPerExecution: statesOf(root),
      storedBytes: (await tableBytes(cloud)) - storedBytes,
      loggedBytes: more(({ loggedBytes }) => loggedBytes),
    };
    const alone: CountedWork = {
      ...all,
      capacity: Object.fromEntries(Object.entries(capacity).filter(([table]) => !table.endsWith('-views'))),
      invocations: all.invocations - more(({ invocations }) => invocations.ofRows),
      gigabyteSeconds: all.gigabyteSeconds - more(({ gigabyteSeconds }) => gigabyteSeconds.ofRows),
      ...{ apiRequests: 0, storedBytes: 0, loggedBytes: 0 },
    };
    return { all, alone };
  };

const readingsOf = (cloud: BenchCloud, meters: Meters) => ({
  gigabyteSeconds: meters.gigabyteSeconds(),
  loggedBytes: meters.loggedBytes(),
  invocations: invocationsOf(cloud),
  batches: batchesOf(cloud),
});
type Readings = ReturnType<typeof readingsOf>;

const tableBytes = async ({ cloud }: BenchCloud): Promise<number> => {
  let bytes = 0;
  for (const table of ['ledger', 'views', 'control']) {
    const { Table } = await cloud.call('dynamodb', 'DescribeTable', { TableName: `sluice-dev-${table}` });
    bytes += (Table as { readonly TableSizeBytes: number }).TableSizeBytes;
  }
  return bytes;
};

const invocationsOf = (cloud: BenchCloud): Parts => {
  let [all, ofRows] = [0, 0];
  for (const [name, { invocations }] of Object.entries(cloud.counts().functions)) {
    all += invocations;
    if (KEEPS_ROWS.test(name)) ofRows += invocations;
  }
  return { all, ofRows };
};

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
const countRun = async ({ ask }: BenchCloud, counter: Counter): Promise<Counted> => {
  await deployChain(ask, 'main', 'worker');
  await playChain(ask, 'main');
  return counter(async () => {
    await playChain(ask, 'main');
    return { apiRequests: REQUESTS_PER_RUN, recordsPut: 0 };
  });
};

/** The same of a chain whose tasks an in-process runner makes. */
const countInlineRun = async ({ ask, settle }: BenchCloud, counter: Counter): Promise<Counted> => {
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
    ...Object.entries(work.capacity).map(([table, { writeUnits }]) => ({
      what: `${per}: write units of ${table}`,
      value: writeUnits / units,
      unit: 'units',
    })),
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
  { work, prices, target }: { readonly work: CountedWork; readonly prices: Prices; readonly target: string },
): Row => ({
  what: `${per}: a million of them, orchestration alone`,
  value: totalDollars(billOf(usageOf(work), prices)) * 1e6,
  unit: '$',
  target,
});
