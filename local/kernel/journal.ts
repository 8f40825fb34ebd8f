/**
 * The one journal of all engines. An engine changes its memory, appends the change as an entry and goes on; the
 * dispatcher answers the caller only after `durable()` has resolved, so an answer means the entry is fsynced.
 * `local/journal/` has the file; `memoryJournal` keeps nothing (tests, `--ephemeral`).
 */

/** A state change as an engine wrote it: anything JSON can carry, in the engine's own words. */
export type JournalEntry = readonly [operation: string, ...values: unknown[]];

export interface Journal {
  /** Takes the entry; its order is the order of the calls. */
  readonly append: (engine: string, entry: JournalEntry) => void;
  /** Resolves when everything appended so far is on disk; at once when nothing is pending. */
  readonly durable: () => Promise<void>;
}

const done = Promise.resolve();

/** Keeps nothing: everything is durable at once. */
export const memoryJournal: Journal = { append: () => undefined, durable: () => done };
