/** Whether the process lives, and whether it can do its work: the stores answer and every started feed is ready. */
import { FeedView } from '#contracts/market/feed-view.ts';
import type { FeedHealth } from '#contracts/market/feed-health.ts';
import { feedList, healthOf } from '#domain/market/feed/projection.ts';
import { takesRecords } from '#domain/market/feed/lifecycle.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import type { Operation } from '#functions/shared/http.ts';

/** Answers as long as functions run at all. */
export const getHealth: Operation = () => Promise.resolve({ status: 200, body: { status: 'ok' } });

interface ReadyPorts {
  readonly ledger: LedgerReader;
  readonly views: ViewReader;
  /** The workspace whose market stream this deployment reads. */
  readonly scope: { readonly tenantId: string; readonly workspaceId: string };
}

const PROBE = 'ready#probe';
const FEEDS_PER_PAGE = 200;

/** 200 when ledger and read models answer and no started feed is unready; 503 with the names of those that fail. */
export const getReady =
  ({ ledger, views, scope }: ReadyPorts): Operation =>
  async () => {
    const [ledgerAnswer, feedsAnswer] = await Promise.allSettled([
      ledger.tail(PROBE, 1),
      unreadyFeeds(views, feedList(scope)),
    ]);
    const failing = [
      ...(ledgerAnswer.status === 'rejected' ? ['ledger'] : []),
      ...(feedsAnswer.status === 'rejected' ? ['views'] : []),
    ];
    const feeds = feedsAnswer.status === 'fulfilled' ? feedsAnswer.value : undefined;
    return failing.length === 0 && feeds?.length === 0
      ? { status: 200, body: { status: 'ready' } }
      : { status: 503, body: { status: 'not_ready', failing, ...(feeds ? { feeds } : {}) } };
  };

type UnreadyFeed = FeedHealth & { readonly feedId: string };

/** The feeds that were started and are not ready; those that were drained or stopped are nobody's trouble. */
const unreadyFeeds = async (views: ViewReader, listKey: string): Promise<readonly UnreadyFeed[]> => {
  const unready: UnreadyFeed[] = [];
  let after: string | undefined;
  do {
    const place = { listKey, limit: FEEDS_PER_PAGE, descending: false };
    const page = await views.list(after === undefined ? place : { ...place, after });
    for (const { data } of page.rows) {
      const view = FeedView.safeParse(data);
      if (!view.success || !takesRecords({ status: view.data.state })) continue;
      const health = healthOf(view.data);
      if (!health.ready) unready.push({ feedId: view.data.feedId, ...health });
    }
    after = page.next;
  } while (after !== undefined);
  return unready;
};
