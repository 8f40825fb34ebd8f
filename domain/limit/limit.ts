/** What a limit remembers: who holds a slot, and who waits for one, the next to go first. */
import type { RunId, TaskKey, TenantId, WorkspaceId } from '#contracts/ids.ts';
import type { LimitId } from '#contracts/runs/concurrency.ts';
import { concurrency } from '#contracts/runs/limits.ts';

/** The attempt that asks for a slot, holds it and gives it back. */
export interface Holder {
  readonly runId: RunId;
  readonly taskKey: TaskKey;
  readonly attempt: number;
}

export interface Waiter extends Holder {
  /** In the order of asking; never given twice. */
  readonly requestNo: number;
  /** 0 is the most urgent, 9 the least. */
  readonly priority: number;
  readonly requestedAtMs: number;
}

export interface Slot extends Holder {
  readonly requestNo: number;
  readonly grantedAtMs: number;
  /** When somebody looks whether the attempt is still under way. */
  readonly leaseUntilMs: number;
  /** How often the run was told. */
  readonly grantNo: number;
  /** Whether the run was seen to have taken it; until then it is told. */
  readonly isTaken: boolean;
}

export interface OpenLimit {
  readonly status: 'open';
  readonly tenantId: TenantId;
  readonly workspaceId: WorkspaceId;
  readonly limitId: LimitId;
  /** Absent, there is no limit. */
  readonly capacity?: number;
  /** Of the last word on the capacity; 0 before the first. */
  readonly changeNo: number;
  readonly lastRequestNo: number;
  readonly slots: readonly Slot[];
  readonly waiters: readonly Waiter[];
}

export type Limit = { readonly status: 'none' } | OpenLimit;

/** Slots that may be granted now; negative when the capacity was lowered below what is held. */
export const roomOf = ({ capacity = concurrency.slotsMax, slots }: OpenLimit): number =>
  capacity - slots.length;

/** Whether a request would be refused. */
export const isFull = (limit: Limit): boolean =>
  limit.status === 'open' && limit.waiters.length >= concurrency.waitersMax && roomOf(limit) <= 0;

/** Whether two name the same attempt. */
export const isSame = (left: Holder, right: Holder): boolean =>
  left.runId === right.runId && left.taskKey === right.taskKey && left.attempt === right.attempt;

/** The holder alone. */
export const holderOf = ({ runId, taskKey, attempt }: Holder): Holder => ({ runId, taskKey, attempt });

/** The place of an attempt in the queue, 1 for the next to go; undefined when it does not wait. */
export const positionOf = (limit: OpenLimit, holder: Holder): number | undefined => {
  const index = limit.waiters.findIndex((waiter) => isSame(waiter, holder));
  return index < 0 ? undefined : index + 1;
};
