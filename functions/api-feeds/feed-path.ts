/** The feed a request names, and the answer when there is none. */
import { FeedId } from '#contracts/ids.ts';
import type { FeedRef } from '#domain/market/streams.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import type { ApiRequest } from '#functions/shared/http.ts';
import { callerOf } from '#functions/shared/request.ts';

/** The feed of a request; refuses a name no feed can have. */
export const feedOf = (request: ApiRequest): FeedRef => {
  const { tenantId, workspaceId } = callerOf(request);
  const feedId = FeedId.safeParse(request.path['feedId']);
  if (!feedId.success)
    throw new ApiError('invalid_request', 'a feed is named with 1 to 63 characters of a-z, 0-9 and -');
  return { tenantId, workspaceId, feedId: feedId.data };
};

/** The refusal for a feed that does not exist. */
export const feedNotFound = (feedId: string): ApiError =>
  new ApiError('feed_not_found', `there is no feed ${feedId} in this workspace`);
