/** Commands and streams for tests of limits. */
import type { RunId, TaskKey } from '#contracts/ids.ts';
import { LimitId } from '#contracts/runs/concurrency.ts';
import type { LimitCommand, Standing } from '#domain/limit/command.ts';
import type { Holder } from '#domain/limit/limit.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import { limitStream } from '#domain/limit/limit-stream.ts';
import { given } from '#test/support/decider.ts';
import { scope, START_MS } from '#test/support/run-fixtures.ts';

export const limitId = LimitId.parse('key:warehouse');
export const ofLimit = limitStream({ ...scope, limitId });

/** Attempt 1 of the task of a run, both by number. */
export const holder = (run: number, task = 1, attempt = 1): Holder => ({
  runId: `run_${String(run).padStart(26, '0')}` as RunId,
  taskKey: `m.t${task}` as TaskKey,
  attempt,
});

/** A request of a plan that knew this capacity by the first word on it. */
export const ask = (who: Holder, { priority = 5, capacity = 1, changeNo = 1 } = {}): LimitCommand => ({
  type: 'RequestSlot',
  holder: who,
  priority,
  known: { capacity, changeNo },
});

export const giveBack = (who: Holder): LimitCommand => ({ type: 'ReleaseSlot', holder: who });

export const setCapacity = (changeNo: number, capacity?: number): LimitCommand => ({
  type: 'SetCapacity',
  word: { changeNo, ...(capacity === undefined ? {} : { capacity }) },
});

export const look = (nowMs: number, ...seen: readonly (readonly [number, Standing])[]): LimitCommand => ({
  type: 'SweepLimit',
  nowMs,
  seen: seen.map(([requestNo, standing]) => ({ requestNo, standing })),
});

/** A limit nobody has asked for yet. */
export const aLimit = () => given(limitAggregate, { stream: ofLimit, nowMs: START_MS });
