/** Reading what the later layers make of a feed: gates, analysis, regimes, dashboard. */
import { FeedLayersRow } from '#contracts/market/feed-layers.ts';
import { LayerQuery, RegimeQuery } from '#contracts/market/layers-view.ts';
import type { FeedDashboard } from '#contracts/market/layers-view.ts';
import { ListQuery } from '#contracts/runs/read.ts';
import { feedLayersPartition } from '#domain/market/feed-symbol/projection.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { feedRow } from '#domain/market/feed/projection.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import { analysisView, dashboardOf, gateView, regimeView } from '#domain/market/layers/views.ts';
import { feedStream } from '#domain/market/streams.ts';
import type { FeedRef } from '#domain/market/streams.ts';
import type { Row } from '#domain/kernel/projection.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { feedNotFound, feedOf } from '#functions/api-feeds/feed-path.ts';
import type { FeedOperation, FeedPorts } from '#functions/api-feeds/feed-view.ts';
import { parseQuery } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import { cursorOf, positionOf } from '#functions/shared/paging.ts';

/** One page of the symbols' gates, by name. */
export const listFeedGates =
  ({ views }: FeedPorts): FeedOperation =>
  async (request) => {
    const { rows, more } = await layersPage(views, feedOf(request), parseQuery(LayerQuery, request.query));
    return { status: 200, body: { gates: rows.map(gateView), ...more } };
  };

/** One page of what modules made of the symbols' runs, by name. */
export const listFeedAnalyses =
  ({ views }: FeedPorts): FeedOperation =>
  async (request) => {
    const { rows, more } = await layersPage(views, feedOf(request), parseQuery(LayerQuery, request.query));
    return { status: 200, body: { analyses: rows.map(analysisView), ...more } };
  };

/** One page of how the symbols' regimes behaved, by name. */
export const listFeedRegimes =
  ({ views }: FeedPorts): FeedOperation =>
  async (request) => {
    const { key, ...query } = parseQuery(RegimeQuery, request.query);
    const { rows, more } = await layersPage(views, feedOf(request), query);
    return { status: 200, body: { key, regimes: rows.map((row) => regimeView(row, key)), ...more } };
  };

/** The dashboard of one page of symbols as of now, which for a feed on its records' clock is how far its time has come. */
export const getFeedDashboard =
  (ports: FeedPorts): FeedOperation =>
  async (request) => {
    const { ledger, views, nowMs } = ports;
    const ref = feedOf(request);
    const { limit, cursor } = parseQuery(ListQuery, request.query);
    const { state: feed } = await loadStream(ledger, feedAggregate, feedStream(ref));
    if (feed.status === 'none') throw feedNotFound(ref.feedId);
    const { after } = positionOf(feedLayersPartition(ref), cursor);
    const asOfMs = feed.config.clock === 'record' ? feedTimeMs(feed) : nowMs();
    const windowMs = feed.config.dashboards.default_time_window_ms;
    const body = await reported(ports, async () => {
      const { shown, more } = await rowsAfter(views, ref, { after, limit });
      const rows = shown.flatMap((row) => readable(ports, row));
      const hasUnreadableRows = rows.length < shown.length;
      return { ...dashboardOf(rows, { asOfMs, windowMs, hasUnreadableRows }), ...more };
    });
    return { status: 200, body };
  };

/** Tells that a dashboard was made, how long it took and how old it is, or that it could not be made. */
const reported = async (
  { telemetry, nowMs }: Pick<FeedPorts, 'telemetry' | 'nowMs'>,
  make: () => Promise<FeedDashboard>,
): Promise<FeedDashboard> => {
  const startedMs = nowMs();
  try {
    const model = await make();
    const { as_of_ts_ms: asOfMs, source_engine_timestamp_ms: newestMs } = model;
    telemetry.count('dashboards.snapshots.produced');
    telemetry.count('dashboards.snapshot_latency_ms', nowMs() - startedMs);
    if (newestMs !== null) telemetry.count('dashboards.builder.lag_ms', Math.max(0, asOfMs - newestMs));
    telemetry.log('debug', 'dashboards.snapshot_produced', {
      run_id: model.source_run_id,
      engine_timestamp_ms: newestMs,
      count: model.symbols.length,
    });
    return model;
  } catch (error) {
    reportFailure(telemetry, 'unreadable_rows', error);
    throw error;
  }
};

/** A row as it is shown; one that cannot be read is told, and missing from a dashboard that says so. */
const readable = ({ telemetry }: Pick<FeedPorts, 'telemetry'>, { data }: Row): readonly FeedLayersRow[] => {
  const row = FeedLayersRow.safeParse(data);
  if (row.success) return [row.data];
  reportFailure(telemetry, 'unreadable_row', row.error);
  return [];
};

const DETAIL_MAX = 200;

const reportFailure = (telemetry: Telemetry, errorKind: string, error: unknown): void => {
  telemetry.count('dashboards.failures');
  telemetry.log('error', 'dashboards.ingest_failure', {
    error_kind: errorKind,
    error_detail: (error instanceof Error ? error.message : String(error)).slice(0, DETAIL_MAX),
  });
};

const feedTimeMs = ({ lastIngestTsMs, schedule }: ExistingFeed): number =>
  Math.max(lastIngestTsMs, schedule?.lastTickMs ?? 0);

interface More {
  readonly more: { readonly nextCursor?: string };
}

interface LayersPage extends More {
  readonly rows: readonly FeedLayersRow[];
}

const layersPage = async (
  views: ViewReader,
  ref: FeedRef,
  { limit, cursor, symbol }: LayerQuery,
): Promise<LayersPage> => {
  if (!(await views.get(feedRow(feedStream(ref))))) throw feedNotFound(ref.feedId);
  const pk = feedLayersPartition(ref);
  if (symbol !== undefined) {
    const row = await views.get({ pk, sk: symbol });
    return { rows: row ? [FeedLayersRow.parse(row.data)] : [], more: {} };
  }
  const { shown, more } = await rowsAfter(views, ref, { ...positionOf(pk, cursor), limit });
  return { rows: shown.map(({ data }) => FeedLayersRow.parse(data)), more };
};

const rowsAfter = async (
  views: ViewReader,
  ref: FeedRef,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<More & { readonly shown: readonly Row[] }> => {
  const pk = feedLayersPartition(ref);
  // One more than is shown: a table says only of a page that is not full that nothing follows.
  const { rows } = await views.partition(pk, after, limit + 1);
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return {
    shown,
    more: last ? cursorOf(pk, { next: last.sk }) : {},
  };
};
