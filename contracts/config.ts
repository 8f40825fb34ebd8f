/**
 * The configuration of functions: which environment variables exist, which function gets which, and every limit
 * that can be set, with its default. The template sets them from here and functions parse them with `readEnvironment` at start.
 */
import * as z from 'zod';

import { TenantId, WorkspaceId } from '#contracts/ids.ts';
import { Stage } from '#contracts/naming.ts';
import type { FunctionName } from '#contracts/naming.ts';

const name = z.string().min(1).max(256);

const bound = (least: number, most: number, standard: number, what: string) =>
  z.int().min(least).max(most).default(standard).describe(what);

/** The bounds that can be set, each with its default (law 6); `LIMITS` overrides single ones as JSON. */
export const Limits = z.strictObject({
  callbackQueueTasksMin: bound(1, 100, 16, 'tasks in flight above which callbacks go to the commands queue'),
  taskTokenTtlMs: bound(60_000, 86_400_000, 86_400_000, 'life of a task token'),
  requestBytesMax: bound(1_024, 6_291_456, 1_048_576, 'bytes of a request body other than a manifest'),
  // The most is what Lambda takes as a payload.
  manifestBytesMax: bound(1_024, 6_291_456, 6_291_456, 'bytes of a request body that deploys a manifest'),
  sweepOverlapMinutes: bound(1, 60, 3, 'minutes the sweeper reads again'),
  inlineStepsMax: bound(
    1,
    1_000,
    100,
    'tasks one invocation of run-inline runs before it sends itself the rest',
  ),
  functionStepsMax: bound(
    1,
    1_000,
    100,
    'tasks one invocation of run-task has functions make one after another before it leaves the rest to others',
  ),
  sweepMessagesMax: bound(1, 10_000, 1_000, 'streams one pass of the sweeper asks to be looked at'),
  requestsPerMinute: bound(1, 60_000, 500, 'requests a minute one person or API key may make'),
  requestBurstMax: bound(1, 60_000, 50, 'requests one person or API key may make at once'),
  claimsPerMinute: bound(1, 60_000, 12_000, 'claims a minute the workers of one person or API key may make'),
  // Each of the thousand environments Lambda runs at once draws twenty from the budget.
  claimBurstMax: bound(1, 60_000, 20_000, 'claims the workers of one person or API key may make at once'),
  streamsPerMinute: bound(1, 6_000, 60, 'streams a minute one person or API key may open'),
  streamBurstMax: bound(1, 6_000, 20, 'streams one person or API key may open at once'),
  accessKeptMs: bound(
    0,
    60_000,
    5_000,
    'milliseconds a function goes on with the keys, grants and workspaces it has read; until then a revocation may not act',
  ),
});
export type Limits = z.infer<typeof Limits>;

/** The limits when nothing is overridden. */
export const defaultLimits: Limits = Limits.parse({});

const LimitsText = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'must be a JSON object' });
      return z.NEVER;
    }
  })
  .pipe(Limits);

/** Every environment variable a function may read, with the form of its value. */
export const Environment = z.strictObject({
  STAGE: Stage,
  TENANT_ID: TenantId,
  WORKSPACE_ID: WorkspaceId,
  LIMITS: LimitsText.default(defaultLimits),
  LEDGER_TABLE: name,
  VIEWS_TABLE: name,
  CONTROL_TABLE: name,
  BLOBS_BUCKET: name,
  MARKET_STREAM: name,
  OUTPUT_STREAM: name,
  ENGINE_RUNS_QUEUE_URL: z.url(),
  COMMANDS_QUEUE_URL: z.url(),
  SWEEP_QUEUE_URL: z.url(),
  TIMERS_QUEUE_URL: z.url(),
  COMPACTIONS_QUEUE_URL: z.url(),
  PUBLICATIONS_QUEUE_URL: z.url(),
  INLINE_RUNS_QUEUE_URL: z.url(),
  FUNCTION_TASKS_QUEUE_URL: z.url(),
  /** What the URLs of queues begin with to which tasks may be sent; the name follows. */
  WORKER_QUEUES_URL: z.url(),
  MARKET_DEAD_LETTERS_QUEUE_URL: z.url(),
  RETRY_TASK_MACHINE_ARN: name,
  FEED_RECOVERY_MACHINE_ARN: name,
  TASK_TOKEN_SECRET_ID: name,
  RUN_ID_SECRET_ID: name,
  OIDC_ISSUER: z.url(),
  OIDC_AUDIENCE: name,
  OIDC_JWKS_URL: z.url(),
});
export type Environment = z.infer<typeof Environment>;
export type EnvironmentKey = keyof Environment;

const everywhere = ['STAGE', 'TENANT_ID', 'LIMITS'] as const;
const oidc = ['OIDC_ISSUER', 'OIDC_AUDIENCE', 'OIDC_JWKS_URL'] as const;
/** What `outstanding` of any aggregate may need: stores, every queue and the machines. */
const acting = [
  'LEDGER_TABLE',
  'CONTROL_TABLE',
  'BLOBS_BUCKET',
  'ENGINE_RUNS_QUEUE_URL',
  'COMMANDS_QUEUE_URL',
  'SWEEP_QUEUE_URL',
  'TIMERS_QUEUE_URL',
  'PUBLICATIONS_QUEUE_URL',
  'INLINE_RUNS_QUEUE_URL',
  'FUNCTION_TASKS_QUEUE_URL',
  'RETRY_TASK_MACHINE_ARN',
  'FEED_RECOVERY_MACHINE_ARN',
] as const;

/** The variables of each function, and no others. */
export const environmentKeysOf = {
  'api-runs': [...everywhere, ...oidc, ...acting, 'WORKSPACE_ID', 'VIEWS_TABLE', 'RUN_ID_SECRET_ID'],
  'api-feeds': [...everywhere, ...oidc, ...acting, 'VIEWS_TABLE'],
  'api-access': [...everywhere, ...oidc, ...acting, 'VIEWS_TABLE'],
  'api-streams': [...everywhere, ...oidc, 'LEDGER_TABLE', 'CONTROL_TABLE'],
  'api-workers': [...everywhere, ...oidc, ...acting, 'TASK_TOKEN_SECRET_ID'],
  'task-callback': [...everywhere, ...acting, 'TASK_TOKEN_SECRET_ID'],
  'ingest-market': [
    ...everywhere,
    ...acting,
    'WORKSPACE_ID',
    'VIEWS_TABLE',
    'MARKET_STREAM',
    'MARKET_DEAD_LETTERS_QUEUE_URL',
  ],
  'run-engine': [...everywhere, ...acting],
  commands: [...everywhere, ...acting],
  'retry-task': [...everywhere, ...acting],
  'feed-recovery': [...everywhere, ...acting, 'TASK_TOKEN_SECRET_ID'],
  compact: [...everywhere, 'LEDGER_TABLE', 'VIEWS_TABLE', 'BLOBS_BUCKET'],
  publish: [
    ...everywhere,
    'LEDGER_TABLE',
    'CONTROL_TABLE',
    'OUTPUT_STREAM',
    'COMMANDS_QUEUE_URL',
    'PUBLICATIONS_QUEUE_URL',
  ],
  sweeper: [...everywhere, 'LEDGER_TABLE', 'CONTROL_TABLE', 'SWEEP_QUEUE_URL'],
  sweep: [...everywhere, ...acting, 'VIEWS_TABLE', 'COMPACTIONS_QUEUE_URL'],
  'dead-letters': [...everywhere, ...acting],
  timers: [...everywhere, ...acting, 'TASK_TOKEN_SECRET_ID'],
  'run-inline': [...everywhere, ...acting, 'TASK_TOKEN_SECRET_ID', 'WORKER_QUEUES_URL'],
  'run-task': [...everywhere, ...acting, 'TASK_TOKEN_SECRET_ID'],
} as const satisfies Readonly<Record<FunctionName, readonly EnvironmentKey[]>>;

/** What a function finds in its environment. */
export type EnvironmentOf<Name extends FunctionName> = Pick<
  Environment,
  (typeof environmentKeysOf)[Name][number]
>;

/** Parses the variables of one function; throws naming every one that is missing or malformed. */
export const readEnvironment = <Name extends FunctionName>(
  functionName: Name,
  source: Readonly<Record<string, string | undefined>>,
): EnvironmentOf<Name> => {
  const keys: readonly EnvironmentKey[] = environmentKeysOf[functionName];
  const mask = Object.fromEntries(keys.map((key) => [key, true as const]));
  const given = Object.fromEntries(keys.map((key) => [key, source[key]]));
  const parsed = Environment.pick(mask as Record<EnvironmentKey, true>).safeParse(given);
  if (!parsed.success)
    throw new Error(`the environment of ${functionName} is not usable: ${describeIssues(parsed.error)}`);
  return parsed.data;
};

const describeIssues = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
