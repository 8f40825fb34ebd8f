/** How events of a feed's life, of its pauses and of its halted deliveries change its state. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { FeedStatus } from '#contracts/market/feed-health.ts';
import type {
  FeedResumed,
  HeldRunsDispatched,
  IngestionPaused,
  PublicationHalted,
  PublicationRecovered,
  SchedulingPaused,
} from '#contracts/market/feed.ts';
import { heldAfter } from '#domain/market/feed/flow-control.ts';
import { evolveHalts } from '#domain/market/feed/halts.ts';
import type { Halts } from '#domain/market/feed/halts.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';

/** The status that an event of a feed's life leaves it in. */
export const statusAfter = {
  FeedStarted: 'started',
  FeedDrained: 'drained',
  FeedStopped: 'stopped',
  FeedDegraded: 'degraded',
  FeedRecovered: 'started',
} as const satisfies Readonly<Record<string, FeedStatus>>;

type FlowEvent =
  'IngestionPaused' | 'IngestionResumed' | 'SchedulingPaused' | 'SchedulingResumed' | 'HeldRunsDispatched';

/** The feed after a pause, its end, or a dispatch of held runs. */
export const flowAfter = (feed: ExistingFeed, type: FlowEvent, event: RecordedEvent): ExistingFeed => {
  const sinceMs = event.occurredAtMs;
  switch (type) {
    case 'IngestionPaused':
      return { ...feed, ingestionPaused: { reason: (event.data as IngestionPaused).reason, sinceMs } };
    case 'IngestionResumed': {
      const { ingestionPaused: _paused, ...rest } = feed;
      return rest;
    }
    case 'SchedulingPaused':
      return { ...feed, schedulingPaused: { reason: (event.data as SchedulingPaused).reason, sinceMs } };
    case 'SchedulingResumed': {
      const { schedulingPaused: _paused, ...rest } = feed;
      return rest;
    }
    case 'HeldRunsDispatched': {
      const { held, ...rest } = feed;
      const left = heldAfter(held, (event.data as HeldRunsDispatched).throughSequence);
      return left ? { ...rest, held: left } : rest;
    }
  }
};

/** The halts after an event of theirs. */
export const haltsAfter = (halts: Halts, type: keyof typeof evolveHalts, event: RecordedEvent): Halts => {
  const atMs = event.occurredAtMs;
  switch (type) {
    case 'PublicationHalted':
      return evolveHalts[type](halts, event.data as PublicationHalted, atMs);
    case 'FeedResumed':
      return evolveHalts[type](halts, event.data as FeedResumed, atMs);
    case 'PublicationRecovered':
      return evolveHalts[type](halts, event.data as PublicationRecovered, atMs);
  }
};
