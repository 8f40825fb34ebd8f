/** The refusal of what was deleted: it names what is left. */
import { firstReplayableMs } from '#domain/market/feed/pruning.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import { readSome } from '#functions/shared/feed-acknowledgement.ts';

/** The error for a reader who asks for records of a feed that are gone. */
export const rangePruned = async (ledger: LedgerReader, feed: ExistingFeed): Promise<ApiError> => {
  const { seq, nextSequence } = feed.gone;
  const fromMs = firstReplayableMs(feed, await readSome(ledger, feed.stream, nextSequence));
  const left = fromMs === undefined ? 'no run can be replayed yet' : `replay from ${fromMs} on`;
  return new ApiError('range_pruned', `records up to ${seq} of the feed were deleted; ${left}`, {
    details: { firstSeqLeft: seq + 1, ...(fromMs === undefined ? {} : { replayableFromMs: fromMs }) },
  });
};
