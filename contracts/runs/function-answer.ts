/** What a Lambda function that is an execution location answers: how the attempt it was invoked for has ended. */
import * as z from 'zod';
import { completion } from '#contracts/runs/callbacks.ts';

/** A completion without the members that say whose it is. No answer at all, or `null`, is a success without an output. */
export const FunctionAnswer = z.strictObject(completion).omit({ result: true }).readonly();
export type FunctionAnswer = z.infer<typeof FunctionAnswer>;
