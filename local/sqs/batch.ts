/** Batches: each entry is done on its own, and a refused one does not hold back the others. */
import type { Json } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import { faultOf, queryCode } from './refusal.ts';

/** Does every entry in order and answers which succeeded and which were refused, and why. */
export const doEach = (entries: readonly Json[], act: (entry: Json) => Json): Json => {
  const successful: Json[] = [];
  const failed: Json[] = [];
  for (const entry of entries) {
    try {
      successful.push({ Id: entry['Id'], ...act(entry) });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      failed.push({
        Id: entry['Id'],
        SenderFault: faultOf(error) === 'Sender',
        Code: queryCode(error),
        Message: error.message,
      });
    }
  }
  return { Successful: successful, ...(failed.length > 0 ? { Failed: failed } : {}) };
};
