/** The layers of a feed as its routes answer them, from the rows of its symbols. */
import type { FeedLayersRow } from '#contracts/market/feed-layers.ts';
import type { RegimeKey } from '#contracts/market/regime-evaluation.ts';
import type { DashboardViewModel } from '#contracts/market/dashboard.ts';
import type { FeedAnalysisView, FeedGateView, FeedRegimeView } from '#contracts/market/layers-view.ts';
import { initialDashboard, noteIngestFailure, observe } from '#domain/market/dashboard/observation.ts';
import { dashboardViewModel } from '#domain/market/dashboard/view-model.ts';
import { regimeBehaviour } from '#domain/market/evaluation/metrics.ts';

/** How a symbol stands with the gate. What was halted stays so until the next judgement. */
export const gateView = ({ symbol, gate: { last, halted, history } }: FeedLayersRow): FeedGateView => ({
  symbol,
  run_id: last?.run_id ?? null,
  engine_timestamp_ms: last?.engine_timestamp_ms ?? null,
  state_status: last?.state_status ?? 'BOOTSTRAP',
  gate_status: last?.gate_status ?? 'CLOSED',
  reasons: last?.reasons ?? [],
  halted,
  history,
});

/** What modules made of a symbol's last analysed run. */
export const analysisView = ({
  symbol,
  analysis: { halted, history },
  latest,
}: FeedLayersRow): FeedAnalysisView => {
  const last = history.at(-1);
  return {
    symbol,
    run_id: last?.run_id ?? null,
    engine_timestamp_ms: last?.engine_timestamp_ms ?? null,
    status: last?.status ?? null,
    halted,
    artifacts: latest.flatMap((event) => (event.event_type === 'ArtifactEmitted' ? [event.payload] : [])),
    module_failures: latest.flatMap((event) => (event.event_type === 'ModuleFailed' ? [event.payload] : [])),
    history,
  };
};

/** How the regimes of a symbol behaved over the runs that are kept. */
export const regimeView = ({ symbol, regimes: log }: FeedLayersRow, key: RegimeKey): FeedRegimeView => {
  const behaviour = regimeBehaviour(log, key);
  return {
    symbol,
    regime: behaviour.runs.at(-1)?.regime ?? null,
    engine_timestamp_ms: log.at(-1)?.timestamp ?? null,
    from_number: log[0]?.number ?? null,
    to_number: log.at(-1)?.number ?? null,
    ...behaviour,
  };
};

/** How a dashboard is made: as of an instant, and whether rows are missing that could not be read. */
export interface DashboardView {
  readonly asOfMs: number;
  readonly windowMs: number;
  readonly hasUnreadableRows?: boolean;
}

/** The dashboard of a feed over all its symbols. */
export const dashboardOf = (
  rows: readonly FeedLayersRow[],
  { asOfMs, windowMs, hasUnreadableRows = false }: DashboardView,
): DashboardViewModel => {
  const seen = rows.flatMap(({ latest }) => latest).reduce(observe, initialDashboard);
  return dashboardViewModel(hasUnreadableRows ? noteIngestFailure(seen) : seen, asOfMs, { windowMs });
};
