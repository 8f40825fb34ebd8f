/**
 * Facts of a limit's stream `limit#tenant/workspace/limitId`. An attempt has one slot at a time under its `requestNo`,
 * which is never given twice.
 */
import * as z from 'zod';
import { RunId, TaskKey, TenantId, WorkspaceId } from '#contracts/ids.ts';
import { Capacity, LimitId } from '#contracts/runs/concurrency.ts';

const event = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.strictObject({
    type: z.literal(type),
    idempotencyKey: z.string(),
    data: z.strictObject(shape).readonly(),
  });

const requestNo = z.int().min(1);
const holder = { runId: RunId, taskKey: TaskKey, attempt: z.int().min(1) };
const instantMs = z.int().min(0);

/** Somebody asked for the limit, or set it, for the first time. Key `limit:{limitId}`. */
export const LimitOpened = event('LimitOpened', {
  tenantId: TenantId,
  workspaceId: WorkspaceId,
  limitId: LimitId,
});

/** A word on the capacity that is newer than the last; absent, there is no limit. Key `capacity:{limitId}:{changeNo}`. */
export const LimitCapacitySet = event('LimitCapacitySet', {
  capacity: Capacity.optional(),
  changeNo: z.int().min(1),
});

/** An attempt waits for a slot. Key `slot_requested:{requestNo}`. */
export const SlotRequested = event('SlotRequested', {
  ...holder,
  requestNo,
  /** 0 is the most urgent, 9 the least. */
  priority: z.int(),
});

/** There were too many waiters. Written by earlier versions; now the run records `TaskSlotRefused`. Key `slot_refused:{dispatchId}:{waitingCount}`. */
export const SlotRefused = event('SlotRefused', { ...holder, waitingCount: z.int().min(1) });

/** A waiter has a slot. Key `slot_granted:{requestNo}`. */
export const SlotGranted = event('SlotGranted', { requestNo, leaseUntilMs: instantMs });

/**
 * The holder of an overdue slot was looked at, and its attempt goes on or has not heard of the slot yet; then it is told
 * again, under the next `grantNo`. Key `slot_renewed:{requestNo}:{leaseUntilMs}`.
 */
export const SlotRenewed = event('SlotRenewed', {
  requestNo,
  leaseUntilMs: instantMs,
  grantNo: z.int().min(1),
  isTaken: z.boolean(),
});

/** An attempt has ended, or is not wanted any more: it gives back its slot or its place. Key `slot_released:{requestNo}`. */
export const SlotReleased = event('SlotReleased', { ...holder, requestNo, wasHeld: z.boolean() });

/** The holder of an overdue slot was looked at, and its attempt is over. Key `slot_expired:{requestNo}`. */
export const SlotExpired = event('SlotExpired', { ...holder, requestNo });

/**
 * Everything a limit knows, once in a thousand events, so that a fold may begin with it. Key `restated:{sequence}`. Run ids
 * and task keys stand in `texts` once each; a row names them by their places.
 */
export const LimitRestated = event('LimitRestated', {
  tenantId: TenantId,
  workspaceId: WorkspaceId,
  limitId: LimitId,
  capacity: Capacity.optional(),
  changeNo: z.int().min(0),
  lastRequestNo: z.int().min(0),
  texts: z.array(z.string()).readonly(),
  /** Of each slot: run, task, attempt, requestNo, grantedAtMs, length of its lease in ms, grantNo, 1 once it was taken. */
  held: z.array(z.array(z.int()).length(8).readonly()).readonly(),
  /** Of each waiter, the next to go first: run, task, attempt, requestNo, priority, requestedAtMs. */
  queue: z.array(z.array(z.int()).length(6).readonly()).readonly(),
});

/** Every fact a limit's stream may hold. */
export const LimitEvent = z.discriminatedUnion('type', [
  LimitOpened,
  LimitCapacitySet,
  SlotRequested,
  SlotRefused,
  SlotGranted,
  SlotRenewed,
  SlotReleased,
  SlotExpired,
  LimitRestated,
]);
export type LimitEvent = z.infer<typeof LimitEvent>;
export type LimitEventType = LimitEvent['type'];
export type LimitEventData<Type extends LimitEventType> = Extract<
  LimitEvent,
  { readonly type: Type }
>['data'];
