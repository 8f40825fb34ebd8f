/** Builds the engines of one cloud and what connects them: journal names, task calls, message lineage. */
import { join } from 'node:path';

import type { Activity } from '#local/kernel/activity.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Engine, EngineSetting, Json, Operation, ServiceName } from '#local/kernel/engine.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import type { QueueSource } from '#local/kernel/queue-source.ts';
import type { RecordSource } from '#local/kernel/record-source.ts';
import { createLambda } from '#local/lambda/engine.ts';
import type { LambdaHost } from '#local/lambda/lambda-host.ts';
import { createDynamo } from '#local/dynamodb/engine.ts';
import { createKinesis } from '#local/kinesis/engine.ts';
import { mappingCheckpoints, mappingEngineName } from '#local/mapping/checkpoints.ts';
import type { Checkpoints } from '#local/mapping/checkpoints.ts';
import { currentLineage, traceHeader } from '#local/mapping/lineage.ts';
import { createS3 } from '#local/s3/engine.ts';
import { createSecrets } from '#local/secrets/engine.ts';
import { fileVault, memoryVault } from '#local/secrets/vault.ts';
import { createSqs } from '#local/sqs/engine.ts';
import { createStepFunctions } from '#local/stepfunctions/engine.ts';
import type { RunTask } from '#local/stepfunctions/run.ts';

/** What the engines of one cloud share. */
export interface EngineParts {
  readonly setting: EngineSetting;
  readonly activity: Activity;
  /** Kinesis throughput limits; size limits always hold. */
  readonly throttle: boolean;
  /** Where secret values are kept; in memory when absent. */
  readonly stateDir?: string;
  readonly runTask: RunTask;
  /** Who runs the functions that are invoked, once the cloud is ready. */
  readonly host: () => LambdaHost;
  /** Root of queue URLs. */
  readonly awsUrl: () => string;
}

/** The engines of a cloud. */
export interface CloudEngines {
  readonly services: Readonly<Partial<Record<ServiceName, Engine>>>;
  readonly checkpoints: Checkpoints;
  readonly recordSource: (arn: string) => RecordSource;
  readonly queueSource: (arn: string) => QueueSource;
  /** Deletes expired items; the number of them. */
  readonly sweepTtl: () => number;
  /** Walks on what was running, after the last `restore`. */
  readonly resume: () => void;
  readonly restore: (engineName: string, entry: JournalEntry) => void;
  /** Entries that rebuild everything from nothing. */
  readonly snapshot: () => Generator<readonly [engine: string, entry: JournalEntry]>;
}

/** The file secret values are kept in, readable by its owner only. */
export const vaultFile = 'vault.json';

/** The shards of a local table stream: one, so that the order of the ledger is the order of its consumers. */
const TABLE_STREAM_SHARDS = 1;

/** Empty engines. */
export const createEngines = (parts: EngineParts): CloudEngines => {
  const { setting, stateDir } = parts;
  const dynamo = createDynamo(setting, { streamShardCount: TABLE_STREAM_SHARDS });
  const kinesis = createKinesis({ ...setting, throttle: parts.throttle });
  const sqs = createSqs({ ...setting, baseUrl: parts.awsUrl });
  const vault = stateDir === undefined ? memoryVault() : fileVault(join(stateDir, vaultFile));
  const machines = createStepFunctions({ ...setting, runTask: counted(parts) });
  const checkpoints = mappingCheckpoints(setting.journal);
  const services: CloudEngines['services'] = {
    dynamodb: dynamo.tables,
    dynamodbstreams: dynamo.streams,
    kinesis: kinesis.engine,
    sqs: withLineageHeader(sqs.engine),
    states: machines.engine,
    s3: createS3(setting),
    secretsmanager: createSecrets({ ...setting, vault }),
    lambda: createLambda(parts.host),
  };
  const restorable: Readonly<Record<string, Pick<Engine, 'restore' | 'snapshot'>>> = {
    ...services,
    [mappingEngineName]: checkpoints,
  };
  return {
    services,
    checkpoints,
    recordSource: (arn) =>
      arn.includes(':kinesis:')
        ? kinesis.source(lastPart(arn))
        : dynamo.source(/table\/([^/]+)/.exec(arn)?.[1] ?? arn),
    queueSource: (arn) => sqs.source(lastPart(arn)),
    sweepTtl: dynamo.sweepTtl,
    resume: machines.resume,
    restore: (engineName, entry) => {
      const engine = restorable[engineName];
      if (engine === undefined) throw new Error(`the journal has entries of an unknown engine ${engineName}`);
      engine.restore(entry);
    },
    snapshot: function* () {
      for (const [engineName, engine] of Object.entries(restorable))
        for (const entry of engine.snapshot()) yield [engineName, entry];
    },
  };
};

/** A call of a state machine counts as in flight. */
const counted =
  ({ activity, runTask }: EngineParts): RunTask =>
  async (...call) => {
    const end = activity.begin();
    try {
      return await runTask(...call);
    } finally {
      end();
    }
  };

/** Messages sent inside an invocation carry its chain, unless the sender gave a trace header of its own. */
const withLineageHeader = (engine: Engine): Engine => ({
  ...engine,
  operations: {
    ...engine.operations,
    SendMessage: operationOf(engine, 'SendMessage', traced),
    SendMessageBatch: operationOf(engine, 'SendMessageBatch', (input) => ({
      ...input,
      ...(Array.isArray(input['Entries']) ? { Entries: input['Entries'].map(tracedEntry) } : {}),
    })),
  },
});

const operationOf = (engine: Engine, name: string, change: (input: Json) => Json): Operation => {
  const operation = engine.operations[name];
  if (operation === undefined) throw new AwsError('UnknownOperationException', `there is no sqs.${name}`);
  return (input) => operation(change(input));
};

const traced = (input: Json): Json => {
  const lineage = currentLineage();
  if (lineage.size === 0) return input;
  const given = input['MessageSystemAttributes'];
  const attributes = typeof given === 'object' && given !== null ? given : {};
  if ('AWSTraceHeader' in attributes) return input;
  const AWSTraceHeader = { DataType: 'String', StringValue: traceHeader(lineage) };
  return { ...input, MessageSystemAttributes: { ...attributes, AWSTraceHeader } };
};

const tracedEntry = (entry: unknown): unknown =>
  typeof entry === 'object' && entry !== null ? traced(entry as Json) : entry;

const lastPart = (arn: string): string => arn.split(/[:/]/).at(-1) ?? arn;
