/** The started feeds of the workspace whose stream this function reads, from their read-model rows. */
import { FeedView } from '#contracts/market/feed-view.ts';
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import { takesRecords } from '#domain/market/feed/lifecycle.ts';
import { feedList } from '#domain/market/feed/projection.ts';
import type { Row } from '#domain/kernel/projection.ts';
import type { ViewReader } from '#domain/ports/views.ts';

export interface StartedFeed {
  readonly feedId: string;
  readonly stream: string;
  readonly config: FeedConfig;
}

/** The started feeds as one batch sees them; nothing is kept from one batch to the next. */
export interface StartedFeeds {
  /** The list as it was when the batch first asked. */
  readonly list: () => Promise<readonly StartedFeed[]>;
  /** The list read once more, however many records ask; from then on it is the batch's list. */
  readonly listAfresh: () => Promise<readonly StartedFeed[]>;
}

const FEEDS_PER_PAGE = 200;

/** Answers the list for a new batch. */
export const startedFeeds =
  (views: ViewReader, scope: { readonly tenantId: string; readonly workspaceId: string }) =>
  (): StartedFeeds => {
    let first: Promise<readonly StartedFeed[]> | undefined;
    let again: Promise<readonly StartedFeed[]> | undefined;
    // An answer that failed is none: it is asked for again.
    const orForget = (answer: Promise<readonly StartedFeed[]>, forget: () => void) =>
      answer.catch((error: unknown) => {
        forget();
        throw error;
      });
    return {
      list: () => again ?? (first ??= orForget(read(views, scope), () => (first = undefined))),
      listAfresh: () => (again ??= orForget(read(views, scope), () => (again = undefined))),
    };
  };

const read = async (
  views: ViewReader,
  scope: { readonly tenantId: string; readonly workspaceId: string },
): Promise<readonly StartedFeed[]> => {
  const feeds: StartedFeed[] = [];
  let after: string | undefined;
  do {
    const page = await views.list({
      listKey: feedList(scope),
      limit: FEEDS_PER_PAGE,
      descending: false,
      ...(after === undefined ? {} : { after }),
    });
    feeds.push(...page.rows.flatMap(startedFeed));
    after = page.next;
  } while (after !== undefined);
  return feeds;
};

const startedFeed = (row: Row): readonly StartedFeed[] => {
  const view = FeedView.safeParse(row.data);
  return view.success && takesRecords({ status: view.data.state })
    ? [{ feedId: view.data.feedId, stream: row.pk, config: view.data.config }]
    : [];
};
