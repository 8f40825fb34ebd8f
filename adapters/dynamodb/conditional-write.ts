/** Writes that are done only while a condition holds. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';

/** True when the write went through, false when its condition did not hold; other failures are thrown. */
export const whileConditionHolds = async (write: Promise<unknown>): Promise<boolean> => {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
};
