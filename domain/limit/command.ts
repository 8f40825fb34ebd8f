/** What can be asked of a limit. All of it is JSON, so that a command can wait in a queue. */
import type { Holder } from '#domain/limit/limit.ts';

/** A word on the capacity; the one with the greatest number holds. */
export interface CapacityWord {
  /** Absent, there is no limit. */
  readonly capacity?: number;
  readonly changeNo: number;
}

/** An attempt asks for a slot; asking again changes nothing. */
export interface RequestSlot {
  readonly type: 'RequestSlot';
  readonly holder: Holder;
  readonly priority: number;
  /** What the plan of the run knew of the capacity. */
  readonly known: CapacityWord;
}

/** An attempt gives back its slot or its place in the queue; whoever has neither is answered the same. */
export interface ReleaseSlot {
  readonly type: 'ReleaseSlot';
  readonly holder: Holder;
}

/** The capacity has changed. */
export interface SetCapacity {
  readonly type: 'SetCapacity';
  readonly word: CapacityWord;
}

/** How an attempt stands to a slot of a limit: it waits for it, it has taken it, or it wants it no more. */
export type Standing = 'awaited' | 'taken' | 'over';

/** Repairs what should have moved by `nowMs`; `seen` says how the holders of overdue slots stand that were looked at. */
export interface SweepLimit {
  readonly type: 'SweepLimit';
  readonly nowMs: number;
  readonly seen: readonly { readonly requestNo: number; readonly standing: Standing }[];
}

export type LimitCommand = RequestSlot | ReleaseSlot | SetCapacity | SweepLimit;
