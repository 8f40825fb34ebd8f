/** Starts functions when their schedules fire; firings missed while the process slept happen once. */
import type { Clock, Timer } from '#local/kernel/clock.ts';
import type { ScheduleSetting } from '#local/schedule/schedule-setting.ts';

/** What the scheduler is made of. */
export interface SchedulerParts {
  readonly schedules: readonly ScheduleSetting[];
  readonly clock: Clock;
  readonly invoke: (functionReference: string, event: unknown) => Promise<unknown>;
  readonly log: (text: string) => void;
  /** Every schedule also fires at once: after a stop, what should have moved meanwhile is looked for. */
  readonly firesAtStart?: boolean;
}

/** Schedules that are armed. */
export interface Scheduler {
  readonly firingCount: () => number;
  readonly stop: () => void;
}

/** Arms every schedule; each fires on the clock until stopped. */
export const startScheduler = ({
  schedules,
  clock,
  invoke,
  log,
  firesAtStart = false,
}: SchedulerParts): Scheduler => {
  const timers = new Map<string, Timer>();
  let firingCount = 0;
  let isStopped = false;

  const fire = (schedule: ScheduleSetting, atMs: number): void => {
    firingCount++;
    for (const target of schedule.targets) {
      invoke(target.functionReference, target.event(atMs)).catch((error: unknown) =>
        log(`schedule ${schedule.id} failed: ${error instanceof Error ? error.message : String(error)}`),
      );
    }
  };
  const arm = (schedule: ScheduleSetting): void => {
    const atMs = schedule.next(clock.nowMs());
    if (atMs === undefined || isStopped) return;
    timers.set(
      schedule.id,
      clock.at(atMs, () => {
        fire(schedule, atMs);
        arm(schedule);
      }),
    );
  };

  if (firesAtStart) for (const schedule of schedules) fire(schedule, clock.nowMs());
  schedules.forEach(arm);
  return {
    firingCount: () => firingCount,
    stop: () => {
      isStopped = true;
      for (const timer of timers.values()) clock.cancel(timer);
    },
  };
};
