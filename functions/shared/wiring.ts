/** Makes ports real for the functions: the one place where adapters and domain meet, besides the handlers. */
import type { EnvironmentOf } from '#contracts/config.ts';
import { packedBytes } from '#adapters/dynamodb/attributes.ts';
import { dynamoCursors, dynamoOffers, dynamoRearms } from '#adapters/dynamodb/control.ts';
import { dynamoLedger } from '#adapters/dynamodb/ledger.ts';
import { dynamoRateBuckets } from '#adapters/dynamodb/rate-buckets.ts';
import { dynamoResumeTokens } from '#adapters/dynamodb/resume-tokens.ts';
import { s3Blobs } from '#adapters/s3/blobs.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { s3Client } from '#adapters/sdk/s3-client.ts';
import { secretsClient } from '#adapters/sdk/secrets-client.ts';
import { sqsClient } from '#adapters/sdk/sqs-client.ts';
import { stepFunctionsClient } from '#adapters/sdk/step-functions-client.ts';
import { secretValues } from '#adapters/secrets/secret-values.ts';
import { sqsQueueDepth } from '#adapters/sqs/queue-depth.ts';
import { sqsQueues } from '#adapters/sqs/queues.ts';
import type { QueueUrls } from '#adapters/sqs/queues.ts';
import { stepFunctionsWorkflow } from '#adapters/stepfunctions/workflow.ts';
import { telemetry } from '#adapters/telemetry/telemetry.ts';
import { accessTokenVerifier } from '#adapters/tokens/access-token.ts';
import { taskTokens } from '#adapters/tokens/task-token.ts';
import type { Aggregate, ProposedEvent } from '#domain/kernel/aggregate.ts';
import type { StreamState } from '#domain/kernel/stream.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { aggregateCache } from '#functions/shared/aggregate-cache.ts';
import type { CommandPorts } from '#functions/shared/command-handler.ts';
import { credentialVerifier } from '#functions/shared/credentials.ts';
import { performEffects } from '#functions/shared/effects.ts';
import { watchedDepth } from '#functions/shared/engine-pressure.ts';
import { eventIds } from '#functions/shared/event-ids.ts';
import { keepFirstCommits } from '#functions/shared/first-commits.ts';
import { loadStream } from '#functions/shared/load.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import type { Platform } from '#functions/shared/platform.ts';
import type { Telemetry } from '#domain/ports/outside.ts';

type Stores = Pick<EnvironmentOf<'compact'>, 'LEDGER_TABLE' | 'BLOBS_BUCKET'>;

/** Ledger and blobs of this stage. */
export const storesOf = (environment: Stores, { plugin, nowMs }: Platform) => {
  const blobs = s3Blobs(s3Client(plugin), environment.BLOBS_BUCKET);
  const client = dynamodbClient(plugin);
  return { blobs, ledger: dynamoLedger({ client, table: environment.LEDGER_TABLE, blobs, nowMs }) };
};

/** The ledger for functions that handle commits and no documents. */
export const commitsOnlyOf = ({ LEDGER_TABLE }: Pick<Stores, 'LEDGER_TABLE'>, { plugin, nowMs }: Platform) =>
  dynamoLedger({ client: dynamodbClient(plugin), table: LEDGER_TABLE, nowMs });

/** Logs and metrics of one function. */
export const telemetryOf = (
  functionName: string,
  { STAGE }: { readonly STAGE: string },
  { nowMs, write }: Platform,
) => telemetry({ stage: STAGE, functionName, nowMs, write });

type Acting = EnvironmentOf<'commands'>;

/** Everything a function needs that decides commands and performs what they owe; it may be given more queues. */
export const actingOf = (
  functionName: string,
  environment: Acting,
  platform: Platform,
  moreQueues: QueueUrls = {},
) => {
  const { nowMs, plugin } = platform;
  const { ledger, ...others } = storesOf(environment, platform);
  const stores = { ...others, ledger: keepFirstCommits(ledger) };
  const control = { client: dynamodbClient(plugin), table: environment.CONTROL_TABLE, nowMs };
  const offers = dynamoOffers(control);
  const queues = sqsQueues(sqsClient(plugin), {
    'engine-runs': environment.ENGINE_RUNS_QUEUE_URL,
    commands: environment.COMMANDS_QUEUE_URL,
    sweep: environment.SWEEP_QUEUE_URL,
    timers: environment.TIMERS_QUEUE_URL,
    'inline-runs': environment.INLINE_RUNS_QUEUE_URL,
    'function-tasks': environment.FUNCTION_TASKS_QUEUE_URL,
    publications: environment.PUBLICATIONS_QUEUE_URL,
    ...moreQueues,
  });
  const workflow = stepFunctionsWorkflow(stepFunctionsClient(plugin), {
    'retry-task': environment.RETRY_TASK_MACHINE_ARN,
    'feed-recovery': environment.FEED_RECOVERY_MACHINE_ARN,
  });
  const cache = aggregateCache();
  const reporting = telemetryOf(functionName, environment, platform);
  const ports: CommandPorts = {
    ledger: stores.ledger,
    cache,
    telemetry: reporting,
    nowMs,
    mintEventId: eventIds(),
    storedBytes: packedBytes,
    perform: performEffects({
      offers,
      queues,
      workflow,
      serviceId: functionName,
    }),
  };
  const commands = mailbox(ports);
  /** Loads fresh and keeps what was read warm, so that the command that follows reads nothing. */
  const loadWarm = async <State, Command extends { readonly type: string }>(
    aggregate: Aggregate<State, Command, ProposedEvent>,
    stream: string,
  ): Promise<StreamState<State>> => {
    const loaded = await loadStream(stores.ledger, aggregate, stream);
    if (!aggregate.isTerminal(loaded.state)) cache.put(stream, loaded);
    return loaded;
  };
  /** What this environment committed last, or a fresh load; the append that follows guards either. */
  const peekOrLoad = async <State, Command extends { readonly type: string }>(
    aggregate: Aggregate<State, Command, ProposedEvent>,
    stream: string,
  ): Promise<State> => {
    const known = cache.peek(stream);
    return known ? (known.state as State) : (await loadWarm(aggregate, stream)).state;
  };
  return {
    ...stores,
    offers,
    queues,
    workflow,
    cursors: dynamoCursors(control),
    rearms: dynamoRearms(control),
    buckets: dynamoRateBuckets(control),
    engineDepth: watchedDepth(sqsQueueDepth(sqsClient(plugin), environment.ENGINE_RUNS_QUEUE_URL), nowMs),
    telemetry: reporting,
    ports,
    mailbox: commands,
    loadWarm,
    peekOrLoad,
  };
};

type Issuer = Pick<EnvironmentOf<'api-runs'>, 'OIDC_ISSUER' | 'OIDC_AUDIENCE' | 'OIDC_JWKS_URL' | 'LIMITS'>;

/** Verifies bearers: tokens of the configured issuer and API keys. */
export const verifierOf = (
  environment: Issuer,
  { nowMs, fetch }: Platform,
  ledger: LedgerReader,
  keptMs = environment.LIMITS.accessKeptMs,
) =>
  credentialVerifier({
    ledger,
    nowMs,
    keptMs,
    verifyToken: accessTokenVerifier({
      issuer: environment.OIDC_ISSUER,
      audience: environment.OIDC_AUDIENCE,
      jwksUrl: environment.OIDC_JWKS_URL,
      nowMs,
      fetch,
    }),
  });

/** Mints and verifies task tokens with the stage's secret. */
export const taskTokensOf = (
  environment: Pick<EnvironmentOf<'task-callback'>, 'TASK_TOKEN_SECRET_ID' | 'LIMITS'>,
  { nowMs, plugin }: Platform,
) => {
  const secrets = secretValues(secretsClient(plugin), nowMs);
  return taskTokens({
    secret: () => secrets.get(environment.TASK_TOKEN_SECRET_ID),
    nowMs,
    ttlMs: environment.LIMITS.taskTokenTtlMs,
  });
};

/** The key by which run keys name their runs. */
export const runIdSecretOf = (
  { RUN_ID_SECRET_ID: secretId }: Pick<EnvironmentOf<'api-runs'>, 'RUN_ID_SECRET_ID'>,
  { nowMs, plugin }: Platform,
): (() => Promise<string>) => {
  const secrets = secretValues(secretsClient(plugin), nowMs);
  return () => secrets.get(secretId);
};

/** Sealed task tokens of executions, with the stage's secret. */
export const resumeTokensOf = (
  environment: Pick<EnvironmentOf<'timers'>, 'TASK_TOKEN_SECRET_ID' | 'CONTROL_TABLE'>,
  { nowMs, plugin }: Platform,
  reporting: Telemetry,
) => {
  const secrets = secretValues(secretsClient(plugin), nowMs);
  return dynamoResumeTokens({
    client: dynamodbClient(plugin),
    table: environment.CONTROL_TABLE,
    nowMs,
    secret: () => secrets.get(environment.TASK_TOKEN_SECRET_ID),
    telemetry: reporting,
  });
};
