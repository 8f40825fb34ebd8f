/**
 * One AWS service inside the local cloud. Operations are synchronous changes of memory wherever the service
 * allows it; long polls are the exception. The dispatcher adds faults, counting and durability.
 */
import type { Clock } from '#local/kernel/clock.ts';
import type { Journal, JournalEntry } from '#local/kernel/journal.ts';

export type ServiceName =
  | 'dynamodb'
  | 'dynamodbstreams'
  | 'kinesis'
  | 'sqs'
  | 'states'
  | 'lambda'
  | 's3'
  | 'secretsmanager'
  | 'scheduler'
  | 'logs';

/** An operation's input or output, in the JSON of the service's own wire protocol (blobs as base64). */
export type Json = Record<string, unknown>;

export type Operation = (input: Json) => Json | Promise<Json>;

/** What every engine is built from. `chance` gives a float in [0, 1) and is seeded in tests. */
export interface EngineSetting {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly chance: () => number;
  readonly region: string;
  readonly accountId: string;
}

export interface Engine {
  /** Operations by their AWS name; a name that is not here is refused with `UnknownOperationException`. */
  readonly operations: Readonly<Record<string, Operation>>;
  /** Applies an entry this engine once appended; called in order at boot. */
  readonly restore: (entry: JournalEntry) => void;
  /** Entries that rebuild the present state from nothing, for snapshots on disk. */
  readonly snapshot: () => Iterable<JournalEntry>;
}
