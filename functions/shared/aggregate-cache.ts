/**
 * Streams this environment committed last, kept warm so that the next command needs no read. Safe because the
 * conditional append guards every use; an entry is taken out while it is in use and comes back only after the
 * append succeeded, so a fold that mutates it can never leave a half-changed state behind.
 */
import type { StreamState } from '#domain/kernel/stream.ts';

export interface AggregateCache {
  /** The entry where it is; only for looks that a conditional append guards afterwards. */
  readonly peek: (stream: string) => StreamState<unknown> | undefined;
  /** Removes and answers the entry. */
  readonly take: (stream: string) => StreamState<unknown> | undefined;
  /** Keeps the state unless a newer one of the stream is here. */
  readonly put: (stream: string, state: StreamState<unknown>) => void;
}

const DEFAULT_ENTRIES_MAX = 1_000;

/** Keeps at most `entriesMax` streams, default 1,000, forgetting the least recently used. */
export const aggregateCache = (entriesMax: number = DEFAULT_ENTRIES_MAX): AggregateCache => {
  const entries = new Map<string, StreamState<unknown>>();
  return {
    peek: (stream) => entries.get(stream),
    take: (stream) => {
      const entry = entries.get(stream);
      entries.delete(stream);
      return entry;
    },
    put: (stream, state) => {
      // A load that was overtaken by a commit must not push the newer state out.
      if ((entries.get(stream)?.version ?? 0) > state.version) return;
      entries.delete(stream);
      entries.set(stream, state);
      const [oldest] = entries.keys();
      if (entries.size > entriesMax && oldest !== undefined) entries.delete(oldest);
    },
  };
};
