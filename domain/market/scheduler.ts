/** When runs are planned. Time is the feed's own and arrives as data; ticks never skip (market reference, 4.1). */
import type { CutKind } from '#contracts/market/engine-run.ts';
import type { FeedScheduler } from '#contracts/market/feed-config.ts';

/** Where a schedule stands: when it began, and the last tick it planned if any. */
export interface ScheduleState {
  readonly startMs: number;
  readonly lastTickMs?: number;
}

/** A run of consecutive ticks, both ends included. */
export interface TickRange {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly count: number;
}

const intervalOf = (scheduler: FeedScheduler): number =>
  scheduler.mode === 'timer' ? scheduler.timer_interval_ms : scheduler.boundary_interval_ms;

const firstTick = (scheduler: FeedScheduler, startMs: number): number => {
  if (scheduler.mode === 'timer') return startMs;
  const { boundary_interval_ms: interval, boundary_delay_ms: delay } = scheduler;
  return (Math.floor(Math.max(0, startMs - delay) / interval) + 1) * interval + delay;
};

/** The instant of the next tick, whether or not it is due. */
export const nextTick = (scheduler: FeedScheduler, { startMs, lastTickMs }: ScheduleState): number =>
  lastTickMs === undefined ? firstTick(scheduler, startMs) : lastTickMs + intervalOf(scheduler);

/** Every tick that is planned strictly before an instant; undefined when none is. */
export const dueTicks = (
  scheduler: FeedScheduler,
  state: ScheduleState,
  beforeMs: number,
): TickRange | undefined => {
  const firstMs = nextTick(scheduler, state);
  if (firstMs >= beforeMs) return undefined;
  const later = Math.floor((beforeMs - 1 - firstMs) / intervalOf(scheduler));
  return { firstMs, lastMs: firstMs + later * intervalOf(scheduler), count: later + 1 };
};

/** The timestamp a tick puts into its snapshots: its boundary, or in timer mode the tick itself. */
export const engineTimestamp = (scheduler: FeedScheduler, tickMs: number): number =>
  scheduler.mode === 'timer' ? tickMs : tickMs - scheduler.boundary_delay_ms;

/** The kind of cut a schedule makes. */
export const cutKindOf = (scheduler: FeedScheduler): CutKind => scheduler.mode;
