/** Where a tape continues after a restart: found by walking the stream and the tape side by side. */
import type { TapeRecord } from '#cli/tape/tape-record.ts';

const isSame = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && Buffer.compare(left, right) === 0;

/**
 * How many records of a tape are on a stream already. The stream is read from its beginning; what other producers
 * put there is passed over, and so is what was put twice. Works for one shard, or for what one shard gets.
 */
export const countPlayed = async (
  tape: AsyncIterable<TapeRecord>,
  streamed: AsyncIterable<Uint8Array>,
): Promise<number> => {
  const records = tape[Symbol.asyncIterator]();
  let next = await records.next();
  let played = 0;
  for await (const data of streamed) {
    if (next.done) break;
    if (isSame(next.value.data, data)) {
      played += 1;
      next = await records.next();
    }
  }
  return played;
};
