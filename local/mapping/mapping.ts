/** What every event source mapping has in common: how it is run, watched and disturbed. */
import type { Activity } from '#local/kernel/activity.ts';
import type { Clock } from '#local/kernel/clock.ts';
import type { Journal } from '#local/kernel/journal.ts';
import type { MappingSetting } from '#local/mapping/mapping-setting.ts';

/** What a mapping has done since boot. */
export interface MappingCounts {
  readonly invocations: number;
  /** Records or messages whose delivery succeeded. */
  readonly delivered: number;
  readonly failedInvocations: number;
  /** Records or messages given up: to the failure destination, the dead-letter queue, or nowhere. */
  readonly discarded: number;
  readonly filteredOut: number;
  readonly bisections: number;
  /** Messages stopped by the limit on recursive loops. */
  readonly loopsStopped: number;
}

/** Names a batch for fault injection. */
export interface BatchPlace {
  readonly mappingId: string;
  readonly shardId?: string;
  readonly recordCount: number;
  /** Counts the deliveries of this mapping from 0. */
  readonly delivery: number;
}

/** Faults a test injects; each is asked for every batch. */
export interface MappingFaults {
  /** After success the batch is delivered again, perhaps split differently and joined by newer records. */
  readonly redeliver?: (batch: BatchPlace) => boolean;
  /** How many records the next batch takes instead of what the setting says. */
  readonly take?: (batch: BatchPlace) => number | undefined;
  /** The handler runs to its end and its answer is lost, as if it crashed after its side effects. */
  readonly loseAnswer?: (batch: BatchPlace) => boolean;
}

/** A running connection from a source to a function. */
export interface Mapping {
  readonly setting: MappingSetting;
  readonly counts: () => MappingCounts;
  /** Whether everything receivable has been delivered and nothing is in flight. */
  readonly idle: () => boolean;
  readonly inject: (faults: MappingFaults) => void;
  /** Begins to deliver. */
  readonly start: () => void;
  /** Takes up nothing new. */
  readonly stop: () => void;
}

/** What a mapping is built from. */
export interface MappingContext {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly activity: Activity;
  /** Runs the mapping's function. */
  readonly invoke: (event: Readonly<Record<string, unknown>>) => Promise<unknown>;
  /** Sends the description of a discarded batch to the failure destination. */
  readonly sendFailure: (queueArn: string, body: string) => Promise<void>;
  readonly log: (text: string) => void;
}

export type MutableCounts = { -readonly [Name in keyof MappingCounts]: number };

/** Counters at zero. */
export const zeroCounts = (): MutableCounts => ({
  invocations: 0,
  delivered: 0,
  failedInvocations: 0,
  discarded: 0,
  filteredOut: 0,
  bisections: 0,
  loopsStopped: 0,
});

/** Runs the function; the invocation counts as in flight itself, so the mapping does not meanwhile. */
export const invokeParked = async (
  { activity, invoke }: MappingContext,
  event: Readonly<Record<string, unknown>>,
): Promise<unknown> => {
  const answered = invoke(event);
  const resume = activity.park();
  try {
    return await answered;
  } finally {
    resume();
  }
};

/** Identifiers of failed items in the answer of a function that reports them. */
export const failedItems = (answer: unknown): readonly string[] => {
  if (answer === null || typeof answer !== 'object' || !('batchItemFailures' in answer)) return [];
  const { batchItemFailures } = answer;
  if (!Array.isArray(batchItemFailures)) return [];
  return batchItemFailures.map((item: unknown) =>
    item !== null && typeof item === 'object' && 'itemIdentifier' in item ? String(item.itemIdentifier) : '',
  );
};

/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
