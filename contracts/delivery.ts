/** Messages that ask for read models and outputs of one ledger stream to be brought up to its head. */
import * as z from 'zod';

const stream = z.string().min(3);

/** Body of a message on `compactions`: fold the stream into its read models. */
export const CompactionMessage = z.strictObject({ stream });
export type CompactionMessage = z.infer<typeof CompactionMessage>;

/** Body of a message on `publications`: deliver what the stream's outputs still owe. */
export const PublicationMessage = z.strictObject({
  stream,
  /** The try this message stands for, when delivery is blocked; absent, the stream is looked at once. */
  attempt: z.int().min(1).optional(),
  /** Set when a person has resumed a halted delivery: the instant since which it had been blocked. */
  resumedBlockMs: z.int().min(0).optional(),
});
export type PublicationMessage = z.infer<typeof PublicationMessage>;
