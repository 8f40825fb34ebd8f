/** Messages on the `timers` queue: what feeds have to be told later. */
import * as z from 'zod';
import { RecoveryRef } from '#contracts/market/feed-recovery.ts';

/** Body of a message on the `timers` queue that lets a feed with clock `arrival` plan its next tick. */
export const FeedTimerMessage = z.strictObject({
  kind: z.literal('feed-tick'),
  feedStream: z.string().min(3),
  beforeMs: z.int().min(0),
});
export type FeedTimerMessage = z.infer<typeof FeedTimerMessage>;

/** Body of a message on the `timers` queue: the halt is over, so its execution may end. */
export const FeedResumedMessage = RecoveryRef.extend({
  kind: z.literal('feed-resumed'),
  feedStream: z.string().min(3),
});
export type FeedResumedMessage = z.infer<typeof FeedResumedMessage>;

/** Body of a message on the `timers` queue: look what the queue of engine runs means for a feed. */
export const FeedPressureMessage = z.strictObject({
  kind: z.literal('feed-pressure'),
  feedStream: z.string().min(3),
  /** The instant of this look of a watch that is on; absent for the first one. */
  dueMs: z.int().min(0).optional(),
});
export type FeedPressureMessage = z.infer<typeof FeedPressureMessage>;

/** Every message on the `timers` queue. */
export const TimerMessage = z.discriminatedUnion('kind', [
  FeedTimerMessage,
  FeedResumedMessage,
  FeedPressureMessage,
]);
