/**
 * What is worth telling of the layers of a symbol when a run was folded, in the names of the market reference, section
 * 7. Its labels are fields of the lines: metrics have few dimensions (docs/api/metrics.md).
 */
import type { AnalysisEngineEvent } from '#contracts/market/analysis.ts';
import type { FeedLayersRow } from '#contracts/market/feed-layers.ts';
import type { StateGateEvent } from '#contracts/market/state-gate.ts';
import type { MetricName } from '#contracts/metrics.ts';
import type { Remark } from '#domain/kernel/projection.ts';
import type { FoldedRun } from '#domain/market/layers/symbol-layers.ts';

/** Metrics and lines of one run, given the layers before it. */
export const layerRemarks = (
  before: FeedLayersRow,
  { layers, gateEvents, analysisEvents }: FoldedRun,
): readonly Remark[] => [
  ...transitions(before, gateEvents),
  ...gateEvents.flatMap((event) => gateRemarks(before, event)),
  metric('state_gate.halted', layers.gate.halted === null ? 0 : 1),
  ...analysisEvents.flatMap(analysisRemarks),
];

const metric = (name: MetricName, value = 1): Remark => ({ kind: 'metric', metric: name, value });

const transitions = ({ gate }: FeedLayersRow, events: readonly StateGateEvent[]): readonly Remark[] => {
  const statuses = [gate.last?.state_status ?? 'BOOTSTRAP', ...events.map((event) => event.state_status)];
  const count = statuses.filter((status, index) => index > 0 && status !== statuses[index - 1]).length;
  return count > 0 ? [metric('state_gate.transitions', count)] : [];
};

const gateRemarks = ({ gate: { last } }: FeedLayersRow, event: StateGateEvent): readonly Remark[] => {
  const line = gateLine(event);
  switch (event.event_type) {
    case 'GateEvaluated':
      return [
        metric('state_gate.gate_decisions', Math.max(1, event.reasons.length)),
        ...(last
          ? [metric('state_gate.processing_lag_ms', event.engine_timestamp_ms - last.engine_timestamp_ms)]
          : []),
        line,
      ];
    case 'StateReset':
      return [metric('state_gate.resets'), line];
    case 'StateGateHalted':
      return [metric('state_gate.failures'), line];
  }
};

const gateLine = (event: StateGateEvent): Remark => ({
  kind: 'line',
  level: event.event_type === 'StateGateHalted' ? 'warn' : 'debug',
  message: `state_gate.${event.event_type}`,
  fields: {
    symbol: event.symbol,
    run_id: event.run_id,
    engine_timestamp_ms: event.engine_timestamp_ms,
    state_status: event.state_status,
    gate_status: event.gate_status,
    reasons: event.reasons,
    ...(event.event_type === 'StateReset' ? { reset_reason: event.payload.reset_reason } : {}),
    ...(event.event_type === 'StateGateHalted' ? { error_kind: event.payload.error_kind } : {}),
  },
});

const analysisRemarks = (event: AnalysisEngineEvent): readonly Remark[] => {
  switch (event.event_type) {
    case 'AnalysisRunStarted':
      return [];
    case 'ArtifactEmitted': {
      const { module_id, artifact_kind } = event.payload;
      return [metric('analysis_engine.artifacts'), analysisLine(event, { module_id, artifact_kind })];
    }
    case 'ModuleFailed': {
      const { module_id, error_kind } = event.payload;
      return [
        metric('analysis_engine.module_failures'),
        analysisLine(event, { module_id, error_kind }, 'warn'),
      ];
    }
    case 'AnalysisRunSkipped':
      return [
        metric('analysis_engine.idempotency_skips'),
        analysisLine(event, { status: 'SKIPPED', reason: 'gate_closed' }),
      ];
    case 'AnalysisRunCompleted':
    case 'AnalysisRunFailed':
      return [metric('analysis_engine.run_status'), analysisLine(event, { status: event.payload.status })];
  }
};

const analysisLine = (
  { event_type, symbol, run_id, engine_timestamp_ms }: AnalysisEngineEvent,
  fields: Readonly<Record<string, string>>,
  level: 'debug' | 'warn' = 'debug',
): Remark => ({
  kind: 'line',
  level,
  message: 'analysis_engine.event',
  fields: { event_type, symbol, run_id, engine_timestamp_ms, ...fields },
});
