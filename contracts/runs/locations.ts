/** Execution locations: queues of a customer's own through which the tasks of a worker queue are sent to its workers. */
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

/** A location as it stands in the ledger, and in the plans of runs that were triggered while it did. */
export const ExecutionLocation = z
  .strictObject({
    executionLocationId: ExecutionLocationId,
    kind: z.literal('managed_queue'),
    /** Tasks of this worker queue are sent there, and offered to nobody else. */
    workerQueue: QueueName,
    /** Begins with `sluice-<stage>-worker-` and a mark of the workspace: other queues are out of its reach. */
    queueName: SqsQueueName,
    /** Where its workers report: the address under which it was registered. */
    callbackBaseUrl: z.url(),
  })
  .readonly();
export type ExecutionLocation = z.infer<typeof ExecutionLocation>;

/** Body of `PUT /execution-locations/{executionLocationId}`. */
export const SetExecutionLocationRequest = z
  .strictObject({
    kind: z.literal('managed_queue').default('managed_queue'),
    workerQueue: QueueName,
    queueName: SqsQueueName,
  })
  .readonly();
export type SetExecutionLocationRequest = z.infer<typeof SetExecutionLocationRequest>;

/** Every location of the workspace, by id. */
export const ExecutionLocationList = z.strictObject({
  executionLocations: z.array(ExecutionLocation),
  /** What the names of the workspace's queues begin with. */
  queuePrefix: z.string().optional(),
});

/** The location that was removed. */
export const RemovedExecutionLocation = z.strictObject({ executionLocationId: ExecutionLocationId });

/** A message of the queue `inline-runs`, beside those of in-process runners: one sending of one attempt. */
export const DispatchMessage = z
  .strictObject({
    stream: z.string().startsWith('run#'),
    taskKey: z.string().min(1),
    attempt: z.int().min(1),
    sendNo: z.int().min(1),
  })
  .readonly();
export type DispatchMessage = z.infer<typeof DispatchMessage>;
