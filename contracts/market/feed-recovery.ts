/**
 * The wait of a feed for a person: an execution of `feed-recovery` per halt, which reminds and ends with the halt. A
 * halt is named by the event that began it, and an execution by that and its generation. No task token is among this
 * but in the call that hands it over.
 */
import * as z from 'zod';

/** Which execution: the event that began the halt, and how often an execution for it was started. */
export const RecoveryRef = z.strictObject({
  openedSequence: z.int().min(1),
  generation: z.int().min(1),
});
export type RecoveryRef = z.infer<typeof RecoveryRef>;

/** Operators were reminded that the feed waits; also the sign that its execution is alive. */
export const RecoveryReminded = RecoveryRef.extend({ reminderNo: z.int().min(1) });
export type RecoveryReminded = z.infer<typeof RecoveryReminded>;

/** An execution gave no sign in time or had ended; another one, of this generation, takes its place. */
export const RecoveryRestarted = RecoveryRef;
export type RecoveryRestarted = z.infer<typeof RecoveryRestarted>;

/** The halt is over and its execution has ended. */
export const RecoveryEnded = RecoveryRef;

/** Notes a reminder; it changes nothing when the halt is over, or another generation waits. */
export const RemindRecovery = RecoveryReminded.extend({ type: z.literal('RemindRecovery') });

/** Says that the execution of this generation is overdue. */
export const RestartRecovery = RecoveryRef.extend({ type: z.literal('RestartRecovery') });

/** Says that the execution of a halt that is over has ended, or is not waited for any longer. */
export const EndRecovery = RecoveryRef.extend({ type: z.literal('EndRecovery') });

const place = { tenantId: z.string().min(1), workspaceId: z.string().min(1), feedId: z.string().min(1) };

/** Input of the `feed-recovery` state machine. */
export const FeedRecoveryInput = RecoveryRef.extend({
  ...place,
  reminderSeconds: z.int().min(1),
  remindersMax: z.int().min(1),
});
export type FeedRecoveryInput = Readonly<z.infer<typeof FeedRecoveryInput>>;

/** What the state machine asks of its function: to keep its token, to remind, to end. */
export const FeedRecoveryCall = z.discriminatedUnion('kind', [
  RecoveryRef.extend({ ...place, kind: z.literal('wait'), taskToken: z.string().min(1).max(2_048) }),
  RecoveryRef.extend({ ...place, kind: z.literal('remind'), reminderNo: z.int().min(1) }),
  RecoveryRef.extend({ ...place, kind: z.literal('end') }),
]);
export type FeedRecoveryCall = Readonly<z.infer<typeof FeedRecoveryCall>>;
