/** Adapters over a local stage, and the ports of command handlers made of them. */
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { monotonicFactory } from 'ulid';
import { packedBytes } from '#adapters/dynamodb/attributes.ts';
import { dynamoClaims } from '#adapters/dynamodb/claims.ts';
import { dynamoCursors, dynamoOffers, dynamoRearms } from '#adapters/dynamodb/control.ts';
import { dynamoLedger } from '#adapters/dynamodb/ledger.ts';
import { dynamoViewWriter } from '#adapters/dynamodb/views.ts';
import { kinesisOutputStream } from '#adapters/kinesis/output-stream.ts';
import { s3Blobs } from '#adapters/s3/blobs.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { kinesisClient } from '#adapters/sdk/kinesis-client.ts';
import { s3Client } from '#adapters/sdk/s3-client.ts';
import { sqsClient } from '#adapters/sdk/sqs-client.ts';
import { stepFunctionsClient } from '#adapters/sdk/step-functions-client.ts';
import { sqsQueues } from '#adapters/sqs/queues.ts';
import { stepFunctionsWorkflow } from '#adapters/stepfunctions/workflow.ts';
import type { Aggregate, ProposedEvent } from '#domain/kernel/aggregate.ts';
import type { CommandRequest } from '#domain/kernel/commit.ts';
import type { Effect } from '#domain/kernel/effect.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { aggregateCache } from '#functions/shared/aggregate-cache.ts';
import type { CommandPorts } from '#functions/shared/command-handler.ts';
import { commitsOf } from '#functions/shared/ledger-records.ts';
import type { LocalStage } from '#test/support/ports.ts';

/** What was counted and logged. */
export interface Witness extends Telemetry {
  readonly counted: Map<string, number>;
  readonly logged: { readonly level: string; readonly message: string; readonly fields: object }[];
}

export const witness = (): Witness => {
  const counted = new Map<string, number>();
  const logged: Witness['logged'] = [];
  return {
    counted,
    logged,
    count: (metric, value = 1) => void counted.set(metric, (counted.get(metric) ?? 0) + value),
    log: (level, message, fields = {}) => void logged.push({ level, message, fields }),
  };
};

/** Every adapter of the stage. */
export const adaptersOf = ({ plugin, clock, queueUrl, environment }: LocalStage) => {
  const client = dynamodbClient(plugin);
  const control = { client, table: 'control', nowMs: clock.nowMs };
  const blobs = s3Blobs(s3Client(plugin), 'blobs');
  return {
    client,
    blobs,
    ledger: dynamoLedger({ client, table: 'ledger', blobs, nowMs: clock.nowMs }),
    views: dynamoViewWriter({ client, table: 'views' }),
    offers: dynamoOffers(control),
    claims: dynamoClaims(control),
    cursors: dynamoCursors(control),
    rearms: dynamoRearms(control),
    queues: sqsQueues(sqsClient(plugin), {
      'engine-runs': queueUrl('engine-runs.fifo'),
      commands: queueUrl('commands.fifo'),
      sweep: queueUrl('sweep'),
      timers: queueUrl('timers'),
      compactions: queueUrl('compactions'),
      publications: queueUrl('publications'),
      'inline-runs': queueUrl('inline-runs'),
      'function-tasks': queueUrl('function-tasks'),
    }),
    workflow: stepFunctionsWorkflow(stepFunctionsClient(plugin), {
      'retry-task': environment['RETRY_TASK_MACHINE_ARN'] ?? '',
      'feed-recovery': environment['FEED_RECOVERY_MACHINE_ARN'] ?? '',
    }),
    output: kinesisOutputStream(kinesisClient(plugin), 'orchestrator-events'),
  };
};

/** Ports of a command handler that only remembers the effects it should perform. */
export interface RememberingPorts extends CommandPorts {
  readonly telemetry: Witness;
  readonly performed: Effect[];
  /** Set to make every effect fail. */
  failure: Error | undefined;
}

export const commandPorts = (stage: LocalStage): RememberingPorts => {
  const performed: Effect[] = [];
  const ports: RememberingPorts = {
    ledger: adaptersOf(stage).ledger,
    cache: aggregateCache(),
    telemetry: witness(),
    nowMs: stage.clock.nowMs,
    mintEventId: monotonicFactory(),
    storedBytes: packedBytes,
    performed,
    failure: undefined,
    perform: (effects) => {
      if (ports.failure) return Promise.reject(ports.failure);
      performed.push(...effects);
      return Promise.resolve();
    },
  };
  return ports;
};

let commandCount = 0;

/** A request with an id of its own. */
export const requestOf = <Command extends { readonly type: string }>(
  stream: string,
  command: Command,
  over: Partial<CommandRequest<Command>> = {},
): CommandRequest<Command> => ({
  stream,
  command,
  commandId: `command-${commandCount++}`,
  actor: { kind: 'service', id: 'test' },
  correlationId: 'test',
  ...over,
});

/** The ledger stream's records from a position on, as a Lambda event. */
export const ledgerEvent = ({ dynamo }: LocalStage, from = 0): DynamoDBStreamEvent => {
  const source = dynamo.source('ledger');
  const records = source.shardIds().flatMap((shardId) => source.read(shardId, from, 10_000));
  return { Records: records.map(({ event }) => event) };
};

/** The commits the ledger stream carries, in order. */
export const streamedCommits = (stage: LocalStage): readonly StoredCommit[] =>
  commitsOf(ledgerEvent(stage).Records, witness());

export type AnyAggregate<State, Command extends { readonly type: string }> = Aggregate<
  State,
  Command,
  ProposedEvent
>;
