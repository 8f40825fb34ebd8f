/**
 * When a feed looks at the queue of engine runs again: every few seconds while that holds its runs back, or records wait
 * in the object store for room, and, where the
 * age of a run is bounded, when the oldest one could have passed the bound.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { FeedPressureMessage } from '#contracts/market/feed-timer.ts';
import type { HeldRunsDispatched, TicksPlanned } from '#contracts/market/feed.ts';
import type { SendMessage } from '#domain/kernel/effect.ts';
import { sha256Base32 } from '#domain/kernel/hash.ts';
import { takesRecords } from '#domain/market/feed/lifecycle.ts';
import { pendingRuns } from '#domain/market/feed/run-messages.ts';
import { asAcknowledged } from '#domain/market/feed/resend.ts';
import type { TerminalRuns } from '#domain/market/feed/resend.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';

/** From one look at a queue that holds a feed back to the next, and the least between any two. */
export const PRESSURE_LOOK_MS = 5_000;

const DELAY_MAX_SECONDS = 900;

type Watched = Pick<
  ExistingFeed,
  'config' | 'schedulingPaused' | 'unacknowledged' | 'stream' | 'status' | 'spill'
>;

/** How long to wait before the next look, in milliseconds; undefined when nothing asks for one. */
export const pressureDelayMs = (
  { config, schedulingPaused, unacknowledged, status, spill }: Watched,
  oldestRunMs = 0,
): number | undefined => {
  if (schedulingPaused || (spill && takesRecords({ status }))) return PRESSURE_LOOK_MS;
  const { max_block_ms: limitMs } = config.output_publish;
  if (limitMs === null || !unacknowledged) return undefined;
  return Math.max(PRESSURE_LOOK_MS, limitMs - oldestRunMs + 1);
};

/** The first look of a watch; each look asks for the next one itself, and one that is on goes on. */
export const pressureWatch = (feed: Watched): readonly SendMessage[] => {
  const delayMs = pressureDelayMs(feed);
  if (delayMs === undefined) return [];
  const { stream, schedulingPaused, unacknowledged, spill } = feed;
  const body: FeedPressureMessage = { kind: 'feed-pressure', feedStream: stream };
  const since = schedulingPaused
    ? `paused-${schedulingPaused.sinceMs}`
    : spill
      ? `spilled-${spill.sinceMs}`
      : `open-${String(unacknowledged?.sequence)}`;
  const name = `pressure-${sha256Base32(stream)}-${since}`;
  const delaySeconds = Math.min(DELAY_MAX_SECONDS, Math.ceil(delayMs / 1000));
  return [{ kind: 'send-message', name, queue: 'timers', body, delaySeconds }];
};

/**
 * Since when the oldest run that was sent and is not terminal is on its way, from a part of the feed's history; a run
 * that had been held back is so since it was sent.
 */
export const oldestSentMs = (
  { held }: Pick<ExistingFeed, 'held'>,
  events: readonly RecordedEvent[],
  terminal: TerminalRuns,
): number | undefined => {
  const acknowledged = asAcknowledged(terminal);
  const open = events.find(
    (event) =>
      event.type === 'TicksPlanned' &&
      event.sequence < (held?.fromSequence ?? Infinity) &&
      pendingRuns(event.data as TicksPlanned, acknowledged).length > 0,
  );
  if (!open) return undefined;
  const sent = events.find(
    ({ type, data }) =>
      type === 'HeldRunsDispatched' && (data as HeldRunsDispatched).throughSequence >= open.sequence,
  );
  return Math.max(open.occurredAtMs, sent?.occurredAtMs ?? 0);
};
