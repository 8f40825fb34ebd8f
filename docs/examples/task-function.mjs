/** A Lambda function that makes tasks: Sluice invokes it with the envelope of an attempt, and records what it answers. */

/** What is thrown fails the attempt as USER_CODE; an answer names its end, and no answer at all is a success. */
export const handler = async ({ taskKey, partitionKey, attempt, attemptId }) => {
  console.log(`making attempt ${attempt} of ${taskKey} (${attemptId})`);
  // An attempt may be made twice: write under its id, so that the second time changes nothing.
  const rowCount = await load(partitionKey);
  if (rowCount === 0)
    return { outcome: 'FAILED', error: { category: 'DATA_QUALITY', message: 'the source has no rows' } };
  return { outcome: 'SUCCEEDED', output: { rowCount, deltaTable: taskKey, deltaVersion: attempt } };
};

/** Stands for the work. */
const load = (partitionKey = '') => Promise.resolve(390 + partitionKey.length);
