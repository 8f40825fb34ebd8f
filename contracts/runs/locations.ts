/**
 * Execution locations: where the tasks of a worker queue are sent instead of being offered to claims: to a queue of a
 * customer's own, behind which its workers are, or to a Lambda function of a customer's own, which is invoked for each.
 */
import * as z from 'zod';
import { QueueName } from '#contracts/runs/claim.ts';

/** Bounds of execution locations. */
export const locationLimits = {
  /** Locations of one workspace. */
  locationsMax: 100,
} as const;

/** The name of a location: 1 to 64 characters of a-z, 0-9, `-` and `_`. */
export const ExecutionLocationId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, { error: 'must be a lower-case name of at most 64 characters' });
export type ExecutionLocationId = z.infer<typeof ExecutionLocationId>;

/** A standard SQS queue in the account of the stage. */
const SqsQueueName = z.string().regex(/^[A-Za-z0-9_-]{1,80}$/, {
  error: 'must be the name of a standard SQS queue: 1 to 80 of A-Z, a-z, 0-9, - and _',
});

/** A Lambda function in the account of the stage. */
const FunctionName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, {
  error: 'must be the name of a Lambda function: 1 to 64 of A-Z, a-z, 0-9, - and _',
});

/** What locations are; absent in a request, `managed_queue`. */
export const LocationKind = z.enum(['managed_queue', 'lambda']);
export type LocationKind = z.infer<typeof LocationKind>;

/**
 * Whether a location takes work: `active`, it does; `draining`, no new run may need it; `disabled`, nothing is sent to it
 * either, and what waits for it waits; `archived`, it is kept to be read, and its worker queue is free for others.
 */
export const LocationLifecycle = z.enum(['active', 'draining', 'disabled', 'archived']);
export type LocationLifecycle = z.infer<typeof LocationLifecycle>;

/**
 * What attempts at a location can do: `cancel`, hear of a cancel and stop in time; `heartbeat`, give signs of life; `logs` and
 * `artifacts`, upload what they wrote, which is told to readers and changes nothing.
 */
export const LocationCapabilities = z
  .strictObject({ cancel: z.boolean(), heartbeat: z.boolean(), logs: z.boolean(), artifacts: z.boolean() })
  .partial()
  .readonly();
export type LocationCapabilities = z.infer<typeof LocationCapabilities>;

/** What the members mean that a location leaves out: of itself a function hears of no cancel, and logs to CloudWatch. */
export const capabilityDefaults = {
  managed_queue: { cancel: true, heartbeat: true, logs: true, artifacts: true },
  lambda: { cancel: false, heartbeat: true, logs: false, artifacts: true },
} as const satisfies Readonly<Record<LocationKind, Required<LocationCapabilities>>>;

const common = {
  executionLocationId: ExecutionLocationId,
  /** Tasks of this worker queue are sent there, and offered to nobody else. */
  workerQueue: QueueName,
  /** Where its workers report: the address under which it was registered. */
  callbackBaseUrl: z.url(),
  /** Absent, `active`. */
  lifecycle: LocationLifecycle.optional(),
  /** Those left out are as the kind has them. */
  capabilities: LocationCapabilities.optional(),
};

/** A location whose workers receive messages. */
export const QueueLocation = z
  .strictObject({
    ...common,
    kind: z.literal('managed_queue'),
    /** Begins with `sluice-<stage>-worker-` and a mark of the workspace: other queues are out of its reach. */
    queueName: SqsQueueName,
  })
  .readonly();
export type QueueLocation = z.infer<typeof QueueLocation>;

/** A location that is a function: each attempt is an invocation of it. */
export const FunctionLocation = z
  .strictObject({
    ...common,
    kind: z.literal('lambda'),
    /** Begins as names of queues do: other functions are out of the workspace's reach. */
    functionName: FunctionName,
  })
  .readonly();
export type FunctionLocation = z.infer<typeof FunctionLocation>;

/** A location as it stands in the ledger, and in the plans of runs that were triggered while it did. */
export const ExecutionLocation = z.discriminatedUnion('kind', [QueueLocation, FunctionLocation]);
export type ExecutionLocation = z.infer<typeof ExecutionLocation>;

const memberOfKind = { managed_queue: 'queueName', lambda: 'functionName' } as const;

/** Body of `PUT /execution-locations/{executionLocationId}`: `queueName` or `functionName`, as its kind has it. */
export const SetExecutionLocationRequest = z
  .strictObject({
    kind: LocationKind.default('managed_queue'),
    workerQueue: QueueName,
    queueName: SqsQueueName.optional(),
    functionName: FunctionName.optional(),
    lifecycle: LocationLifecycle.default('active'),
    capabilities: LocationCapabilities.optional(),
  })
  .transform(({ kind, workerQueue, queueName, functionName, lifecycle, capabilities }, context) => {
    const other = {
      ...(lifecycle === 'active' ? {} : { lifecycle }),
      ...(capabilities === undefined ? {} : { capabilities }),
    };
    if (kind === 'managed_queue' && queueName !== undefined && functionName === undefined)
      return { kind, workerQueue, queueName, ...other };
    if (kind === 'lambda' && functionName !== undefined && queueName === undefined)
      return { kind, workerQueue, functionName, ...other };
    const member = memberOfKind[kind];
    context.addIssue({
      code: 'custom',
      path: [member],
      message: `must be given, and alone: a location of kind ${kind} is named by its ${member}`,
    });
    return z.NEVER;
  })
  .readonly();
export type SetExecutionLocationRequest = z.infer<typeof SetExecutionLocationRequest>;

/** Query of `GET /execution-locations`. */
export const ExecutionLocationQuery = z.strictObject({
  /** `true` lists those that are archived, too. */
  includeArchived: z.enum(['true', 'false']).default('false'),
});

/** Every location of the workspace, by id, but for archived ones nobody asks for. */
export const ExecutionLocationList = z.strictObject({
  executionLocations: z.array(ExecutionLocation),
  /** What the names of the workspace's queues and functions begin with. */
  queuePrefix: z.string().optional(),
});

/** The location that was removed. */
export const RemovedExecutionLocation = z.strictObject({ executionLocationId: ExecutionLocationId });

/**
 * One sending of one attempt: a message of the queue `inline-runs`, beside those of in-process runners, when it goes to a
 * queue, and of `function-tasks` when it goes to a function.
 */
export const DispatchMessage = z
  .strictObject({
    stream: z.string().startsWith('run#'),
    taskKey: z.string().min(1),
    attempt: z.int().min(1),
    sendNo: z.int().min(1),
  })
  .readonly();
export type DispatchMessage = z.infer<typeof DispatchMessage>;
