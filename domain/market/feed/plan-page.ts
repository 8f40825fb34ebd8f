/** Planned runs page by page, in the order of the plan: tick by tick, and by symbol within a tick. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { PlannedRun } from '#contracts/market/engine-run.ts';
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import { feedEvents } from '#contracts/market/feed.ts';
import type { CutChunks, TicksPlanned } from '#contracts/market/feed.ts';
import { plannedRuns } from '#domain/market/feed/run-messages.ts';

/** A place in a plan: an event of the feed, and a run among those the event planned, counted from 0. */
export interface PlanPlace {
  readonly sequence: number;
  readonly index: number;
}

/** A planned run with everything it takes to compute it again. */
export interface PlannedStep {
  readonly place: PlanPlace;
  readonly symbol: string;
  readonly run: PlannedRun;
  readonly chunks: CutChunks;
  /** The configuration under which it was planned. */
  readonly config: FeedConfig;
}

/** Which runs a page takes: engine timestamps from, to and with these, and so many at most. */
export interface PlanWindow {
  readonly place: PlanPlace;
  /** The configuration in force at the place; absent at the beginning of the feed. */
  readonly config: FeedConfig | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  readonly runsMax: number;
}

/** Some events of a feed in order, and whether the feed has no more. */
export interface EventRange {
  readonly events: readonly RecordedEvent[];
  readonly isWhole: boolean;
}

/** Runs of a page, and where the next one begins unless this one ends with the window or the feed. */
export interface PlanPage {
  readonly steps: readonly PlannedStep[];
  readonly next?: PlanPlace;
}

/** The runs of a window among events of a feed that begin at its place. */
export const planPage = (
  { events, isWhole }: EventRange,
  { place, config: before, fromMs, toMs, runsMax }: PlanWindow,
): PlanPage => {
  let config = before;
  const steps: PlannedStep[] = [];
  for (const event of events) {
    config = configAfter(config, event);
    if (event.type !== 'TicksPlanned' || !config) continue;
    for (const step of stepsOf(event, config)) {
      if (step.place.sequence === place.sequence && step.place.index < place.index) continue;
      // Engine timestamps never decrease in a plan: behind the window is nothing more of it.
      if (step.run.engineTimestampMs > toMs) return { steps };
      if (step.run.engineTimestampMs < fromMs) continue;
      if (steps.length === runsMax) return { steps, next: step.place };
      steps.push(step);
    }
  }
  const last = events.at(-1);
  return last && !isWhole ? { steps, next: { sequence: last.sequence + 1, index: 0 } } : { steps };
};

/** The configuration once an event has happened. */
export const configAfter = (config: FeedConfig | undefined, event: RecordedEvent): FeedConfig | undefined => {
  switch (event.type) {
    case 'FeedCreated':
    case 'FeedConfigured':
      return feedEvents[event.type].parse(event.data).config;
    default:
      return config;
  }
};

const stepsOf = ({ sequence, data }: RecordedEvent, config: FeedConfig): readonly PlannedStep[] => {
  const planned = data as TicksPlanned;
  return plannedRuns(planned).map(({ symbol, run }, index) => ({
    place: { sequence, index },
    symbol,
    run,
    chunks: planned.chunks,
    config,
  }));
};
