/** The ledger as its users see it. Compactors get `LedgerReader`, command handlers `Ledger`: the type is the grant. */
import type { Commit } from '#contracts/event.ts';

/** The decision state a commit carried, with the version of the fold that made it. */
export interface EmbeddedState {
  readonly foldVersion: number;
  /** Compact JSON; see `domain/kernel/stream.ts`. */
  readonly text: string;
}

/** An idempotency key that was answered: its command id and the hash of the request. */
export interface AnsweredKey {
  readonly commandId: string;
  readonly requestHash: string;
  /** Sequence of the first event that answered it. */
  readonly sequence: number;
}

/** One commit as stored: what readers see, and what the loader and the sweeper need. */
export interface StoredCommit extends Commit {
  readonly state?: EmbeddedState;
  /** The idempotency keys its commands came with. */
  readonly answered?: readonly AnsweredKey[];
  /** `minute#bucket` of the deadline this commit arms. */
  readonly due?: string;
}

/** A state kept as an item of its own, after the commit that ends at `version`. */
export interface StateItem {
  readonly version: number;
  readonly state: EmbeddedState;
}

/** The newest commits of a stream, newest first, with states kept apart. */
export interface Tail {
  readonly commits: readonly StoredCommit[];
  readonly states: readonly StateItem[];
  /** False when older commits exist. */
  readonly isWhole: boolean;
}

export type AppendResult =
  | { readonly kind: 'appended' }
  /** Another writer took the position; its commit, when the store could tell. */
  | { readonly kind: 'conflict'; readonly winner?: StoredCommit };

export interface LedgerReader {
  /** Reads the newest commits below `before` (exclusive; absent = the newest), consistently, in one request. */
  readonly tail: (stream: string, limit: number, before?: number) => Promise<Tail>;
  /** Reads commits in order from a sequence on, at most `limit`; the next call starts behind the last. */
  readonly read: (stream: string, fromSequence: number, limit: number) => Promise<readonly StoredCommit[]>;
  /**
   * Reads a document stored beside the commits (a plan, a market chunk) at sequence 0 of its own stream. Who knows that
   * it is a `blob` of the object store saves the look into the table.
   */
  readonly document: (stream: string, location?: 'item' | 'blob') => Promise<string | undefined>;
}

export interface Ledger extends LedgerReader {
  /** Appends at `commit.sequence` if nobody has; our own earlier success with a lost answer counts as appended. */
  readonly append: (commit: StoredCommit) => Promise<AppendResult>;
  /** Keeps a large state beside the stream; losing it costs a longer fold and nothing else. */
  readonly keepState: (stream: string, item: StateItem) => Promise<void>;
  /**
   * Stores a document once, in the table or in the object store; storing the same stream again is success. What may be
   * deleted one day lies in the object store alone: nothing is ever deleted from the table.
   */
  readonly putDocument: (
    stream: string,
    text: string,
    options?: { readonly isDeletable?: boolean },
  ) => Promise<'item' | 'blob'>;
}

export interface DocumentRelease {
  /**
   * Says that nobody needs a document of the object store any more, which is deleted `releasedDays` later: until then
   * a backup, or a ledger recovered to an earlier instant, finds what it refers to. Saying so again begins the days anew.
   */
  readonly releaseDocument: (stream: string) => Promise<void>;
}

/** What rebuild and backup need besides: every stream there is. */
export interface LedgerScan extends LedgerReader {
  /** All ledger items in pages, in no particular order. */
  readonly scan: () => AsyncIterable<readonly StoredCommit[]>;
}

export interface DuePage {
  readonly streams: readonly string[];
  /** Where the next page begins, absent at the end of the index. */
  readonly next?: string;
}

/** What the sweeper needs: streams whose armed deadline falls into a bucket. */
export interface DueIndex {
  readonly streamsDue: (bucket: string) => Promise<readonly string[]>;
  /**
   * One page of the whole sparse index: those of its next `limit` entries that armed a deadline at or before the
   * instant.
   */
  readonly everyStreamDue: (page: {
    readonly dueMs: number;
    readonly limit: number;
    readonly after?: string;
  }) => Promise<DuePage>;
}
