/**
 * The names of everything that is deployed. Stacks, functions and tests refer to each other by these names and
 * never by exports, so that each stack can be deployed on its own.
 */
import * as z from 'zod';

/** A deployment of the whole system beside others in one account: 1 to 12 characters of a-z and 0-9. */
export const Stage = z.string().regex(/^[a-z][a-z0-9]{0,11}$/, {
  error: 'must be a lower-case name of at most 12 characters',
});
export type Stage = z.infer<typeof Stage>;

/** The tables: facts, read models and losable coordination. */
export const tableNames = ['ledger', 'views', 'control'] as const;
export type TableName = (typeof tableNames)[number];

/** The Kinesis streams: market records in, orchestrator events out. */
export const streamNames = ['market-events', 'orchestrator-events'] as const;
export type StreamName = (typeof streamNames)[number];

/** Queues that carry work; what their consumers fail on goes to `deadQueueOf`. */
export const workQueueNames = [
  'engine-runs.fifo',
  'commands.fifo',
  'sweep',
  'timers',
  'compactions',
  'publications',
  'inline-runs',
  'function-tasks',
] as const;
export type WorkQueueName = (typeof workQueueNames)[number];

/** Queues for what stream mappings and ingestion gave up on. */
export const deadLetterQueueNames = ['market-dead-letters', 'dead-letters'] as const;
export type DeadLetterQueueName = (typeof deadLetterQueueNames)[number];

/** Queues for what the consumers of work queues failed on too often. */
export const deadQueueNames = [
  'engine-runs-dead.fifo',
  'commands-dead.fifo',
  'sweep-dead',
  'timers-dead',
  'compactions-dead',
  'publications-dead',
  'inline-runs-dead',
] as const;
export type DeadQueueName = (typeof deadQueueNames)[number];
export type QueueName = WorkQueueName | DeadLetterQueueName | DeadQueueName;

/**
 * The queue that takes what a work queue's consumer failed on too often. Each queue that is polled costs money while nothing
 * happens: messages that are treated alike share one.
 */
export const deadQueueOf: Readonly<Record<WorkQueueName, DeadQueueName>> = {
  'engine-runs.fifo': 'engine-runs-dead.fifo',
  'commands.fifo': 'commands-dead.fifo',
  sweep: 'sweep-dead',
  timers: 'timers-dead',
  compactions: 'compactions-dead',
  publications: 'publications-dead',
  'inline-runs': 'inline-runs-dead',
  'function-tasks': 'inline-runs-dead',
};

/** Every Lambda function; its code is `functions/<name>/handler.ts`. */
export const functionNames = [
  'api-runs',
  'api-feeds',
  'api-access',
  'api-workers',
  'api-streams',
  'task-callback',
  'ingest-market',
  'run-engine',
  'commands',
  'retry-task',
  'feed-recovery',
  'compact',
  'publish',
  'sweeper',
  'sweep',
  'dead-letters',
  'timers',
  'run-inline',
  'run-task',
] as const;
export type FunctionName = (typeof functionNames)[number];

/** The state machines; each is `statemachines/<name>.asl.json`. */
export const stateMachineNames = ['retry-task', 'feed-recovery'] as const;
export type StateMachineName = (typeof stateMachineNames)[number];

/**
 * The secrets: `task-token-key` signs task tokens and seals those of Step Functions; `run-id-key` is what nobody can
 * compute the run of a run key without.
 */
export const secretNames = ['task-token-key', 'run-id-key'] as const;
export type SecretName = (typeof secretNames)[number];

/** The alias functions are called by. */
export const liveAlias = 'live';

/** Index of the ledger by armed deadline, keys only. */
export const dueIndexName = 'by-due';

/** Index of the read models for lists, keys only. */
export const listIndexName = 'by-list';

/** The physical name of a logical one: `sluice-<stage>-<logical>`. */
export const physicalName = (stage: Stage, logical: string): string => `sluice-${stage}-${logical}`;

/** What the names of queues and functions begin with to which a stage may send tasks; their owners make them. */
export const workerQueuePrefix = (stage: Stage): string => physicalName(stage, 'worker-');

/** The bucket of bodies; bucket names are global, so it carries the account. */
export const blobsBucketName = (stage: Stage, accountId: string): string =>
  `${physicalName(stage, 'blobs')}-${accountId}`;

/** The tag of bodies nobody needs any more. */
export const releasedTag = { key: 'sluice', value: 'released' } as const;

/** Days that released bodies are kept: one more than tables can be recovered to. */
export const releasedDays = 36;

/** The parameter that tells other stacks the ARN of the ledger's stream, whose label AWS chooses. */
export const ledgerStreamParameterName = (stage: Stage): string => `/sluice/${stage}/ledger-stream-arn`;
