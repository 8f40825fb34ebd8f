/** Counts all that AWS would charge for while something runs on the local cloud, work in the background included. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ImportModule } from '#local/lambda/direct-host.ts';
import { drained } from '#bench/bench-cloud.ts';
import type { BenchCloud } from '#bench/bench-cloud.ts';
import { orchestrationOf } from '#bench/pricing.ts';
import type { CountedWork } from '#bench/pricing.ts';
import { watchedFunctions } from '#bench/watched-functions.ts';

/** What only keeps read models, which the prices of Step Functions have nothing of. */
const KEEPS_ROWS = /-compact$/;

/** Functions of the bundles, each invocation timed: Lambda bills its duration times its memory. */
export const billedFunctions = (): {
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

/**
 * What the gateway logs of a request in its standard fields, 255 bytes of text. Lambda itself writes nothing of an
 * invocation that went well: the template asks for its warnings alone.
 */
const ACCESS_LINE_BYTES = 255 + LINE_OVERHEAD_BYTES;

/** The bytes CloudWatch Logs would take of what functions write. */
export const logCounter = (): {
  readonly hear: (text: string) => void;
  readonly loggedBytes: () => number;
} => {
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
export interface Counted {
  readonly all: CountedWork;
  readonly alone: CountedWork;
}

/** Makes something happen and counts what it takes; `act` says what only its user knows. */
export type Counter = (
  act: () => Promise<{ readonly apiRequests: number; readonly recordsPut: number }>,
) => Promise<Counted>;

interface Meters {
  readonly gigabyteSeconds: () => Parts;
  readonly loggedBytes: () => number;
}

/** A counter of what the cloud does from one call to its end, work in the background included. */
export const workCounter =
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
      loggedBytes: more(({ loggedBytes }) => loggedBytes) + done.apiRequests * ACCESS_LINE_BYTES,
    };
    const alone = orchestrationOf(all, {
      invocations: more(({ invocations }) => invocations.ofRows),
      gigabyteSeconds: more(({ gigabyteSeconds }) => gigabyteSeconds.ofRows),
    });
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
