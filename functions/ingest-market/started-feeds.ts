/** The started feeds of the workspace whose stream this function reads, from their read-model rows. */
import { FeedView } from '#contracts/market/feed.ts';
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import { feedList } from '#domain/market/feed/projection.ts';
import type { Row } from '#domain/kernel/projection.ts';
import type { ViewReader } from '#domain/ports/views.ts';

export interface StartedFeed {
  readonly feedId: string;
  readonly stream: string;
  readonly config: FeedConfig;
}

export interface StartedFeeds {
  /** The list, at most `keptMs` old. */
  readonly list: () => Promise<readonly StartedFeed[]>;
  /** The list read again, at most once in `freshMs` however many records ask. */
  readonly listAfresh: () => Promise<readonly StartedFeed[]>;
}

const KEPT_MS = 5_000;
const FRESH_MS = 200;
const FEEDS_PER_PAGE = 200;

/** Reads the list through a short memory. */
export const startedFeeds = (
  views: ViewReader,
  scope: { readonly tenantId: string; readonly workspaceId: string },
  nowMs: () => number,
): StartedFeeds => {
  let kept: Promise<readonly StartedFeed[]> | undefined;
  let readAtMs = 0;
  const list = (ageMs: number): Promise<readonly StartedFeed[]> => {
    if (!kept || nowMs() - readAtMs > ageMs) {
      readAtMs = nowMs();
      kept = read(views, scope);
      kept.catch(() => (kept = undefined));
    }
    return kept;
  };
  return { list: () => list(KEPT_MS), listAfresh: () => list(FRESH_MS) };
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
  return view.success && view.data.state === 'started'
    ? [{ feedId: view.data.feedId, stream: row.pk, config: view.data.config }]
    : [];
};
