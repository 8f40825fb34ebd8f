/**
 * What is known of each partition of an asset: its last attempt, and its last success with the evidence of it. Many
 * runs feed one row, so each half stands by the instant of its own event, whichever of them arrives first.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { RunId } from '#contracts/ids.ts';
import type { RunEventData } from '#contracts/runs/run-events.ts';
import type { PartitionOutcome } from '#contracts/runs/partitions.ts';
import type { RowKey, SharedContent, SharedRow, SharedRows } from '#domain/kernel/projection.ts';
import { asRunEvent } from '#domain/run/evolve.ts';
import { executionLineageRef, lineageOf } from '#domain/run/lineage.ts';
import type { Lineage } from '#domain/run/lineage.ts';
import { runOfStream } from '#domain/run/run-stream.ts';

/** The last attempt at a partition, whatever became of it and whether or not another followed. */
interface LastAttempt {
  readonly lastAttemptRunId: RunId;
  readonly lastAttemptAt: string;
  readonly lastAttemptOutcome: PartitionOutcome;
}

/** The last success. */
interface LastMaterialization extends Lineage {
  readonly lastMaterializationRunId: RunId;
  readonly lastMaterializationAt: string;
  readonly lastMaterializationCodeVersion?: string;
  readonly executionLineageRef: string;
}

/** One partition; an asset that was run without a partition has the empty key. */
export interface PartitionRow extends LastAttempt, Partial<LastMaterialization> {
  readonly assetKey: string;
  readonly partitionKey: string;
}

interface Scope {
  readonly tenantId: string;
  readonly workspaceId: string;
}

/** The partition that holds the rows of one asset, by partition key. */
export const partitionRowsKey = ({ tenantId, workspaceId }: Scope, assetKey: string): string =>
  `partition#${tenantId}/${workspaceId}/${assetKey}`;

/** The row of one partition: the store takes no empty sort key, so each begins with a letter. */
export const partitionRowKey = (scope: Scope, assetKey: string, partitionKey: string): RowKey => ({
  pk: partitionRowsKey(scope, assetKey),
  sk: SORT_PREFIX + partitionKey,
});

const SORT_PREFIX = 'p#';

/** The two halves of a row, and the order in which each came about. */
interface Halves {
  readonly attemptOrder: string;
  readonly successOrder: string;
}

/** No success has this order, which is before all others. */
const NEVER = '';

const versionOf = ({ attemptOrder, successOrder }: Halves): string => `${attemptOrder}|${successOrder}`;

const halvesOf = (version: string): Halves => {
  const [attemptOrder = '', successOrder = ''] = version.split('|');
  return { attemptOrder, successOrder };
};

const INSTANT_DIGITS = 15;
const SEQUENCE_DIGITS = 12;

/** Time first; of one instant, the place in the run decides, and between runs their ids. */
const orderOf = ({ occurredAtMs, sequence }: RecordedEvent, runId: string): string =>
  [
    String(occurredAtMs).padStart(INSTANT_DIGITS, '0'),
    runId,
    String(sequence).padStart(SEQUENCE_DIGITS, '0'),
  ].join('#');

const OUTCOME = {
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TIMED_OUT: 'timed_out',
} as const satisfies Record<RunEventData<'TaskCompleted'>['outcome'], PartitionOutcome>;

const statements = (event: RecordedEvent): readonly SharedRow[] => {
  const known = asRunEvent(event);
  if (known?.type !== 'TaskCompleted' || known.data.assetKey === undefined) return [];
  const { assetKey, partitionKey = '' } = known.data;
  const { runId, ...scope } = runOfStream(event.stream);
  const order = orderOf(event, runId);
  const at = new Date(event.occurredAtMs).toISOString();
  const isSuccess = known.data.outcome === 'SUCCEEDED';
  const row: PartitionRow = {
    assetKey,
    partitionKey,
    lastAttemptRunId: runId,
    lastAttemptAt: at,
    lastAttemptOutcome: OUTCOME[known.data.outcome],
    ...(isSuccess ? materialization(runId, at, known.data) : {}),
  };
  const version = versionOf({ attemptOrder: order, successOrder: isSuccess ? order : NEVER });
  return [{ ...partitionRowKey(scope, assetKey, partitionKey), version, data: { ...row } }];
};

const materialization = (
  runId: RunId,
  at: string,
  data: RunEventData<'TaskCompleted'>,
): LastMaterialization => ({
  lastMaterializationRunId: runId,
  lastMaterializationAt: at,
  ...(data.codeVersion === undefined ? {} : { lastMaterializationCodeVersion: data.codeVersion }),
  ...lineageOf(data),
  executionLineageRef: executionLineageRef(runId, data),
});

const attemptMembers = ['lastAttemptRunId', 'lastAttemptAt', 'lastAttemptOutcome'] as const;

const isOfAttempt = (name: string): boolean => (attemptMembers as readonly string[]).includes(name);

/** The attempt of the one and the success of the other content, whichever each half is newer in. */
const merge = (one: SharedContent, other: SharedContent): SharedContent => {
  const [left, right] = [halvesOf(one.version), halvesOf(other.version)];
  const attempt = left.attemptOrder >= right.attemptOrder ? one : other;
  const success = left.successOrder >= right.successOrder ? one : other;
  if (attempt === success) return attempt;
  const members = [
    ...Object.entries(success.data).filter(([name]) => !isOfAttempt(name)),
    ...Object.entries(attempt.data).filter(([name]) => isOfAttempt(name)),
  ];
  return {
    version: versionOf({
      attemptOrder: halvesOf(attempt.version).attemptOrder,
      successOrder: halvesOf(success.version).successOrder,
    }),
    data: Object.fromEntries(members),
  };
};

/** What the ends of attempts say of partitions. */
export const partitionRows: SharedRows = { statements, merge };
