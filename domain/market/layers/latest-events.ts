/**
 * The events a dashboard is made of: of everything it was told of one symbol the few that its view goes by. Observing
 * them gives the view that observing all of them would.
 */
import type { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import type { StateGateEvent } from '#contracts/market/state-gate.ts';
import { initialDashboard, observe } from '#domain/market/dashboard/observation.ts';
import type { DashboardEvent, SymbolObservation } from '#domain/market/dashboard/observation.ts';

/** What is left of the events of one symbol, the older first; the first event of a run is how the orchestrator is known to live. */
export const latestEvents = (events: readonly DashboardEvent[]): readonly DashboardEvent[] =>
  [...events.reduce(observe, initialDashboard).symbols.values()].flatMap((seen) => keptOf(seen, events));

const keptOf = (seen: SymbolObservation, events: readonly DashboardEvent[]): readonly DashboardEvent[] => {
  const { completed, ended, stabilized, gate, analysis } = seen;
  const begun = events.filter((event) => isBegun(event) && event.run_id === seen.runId).slice(-1);
  const kept = [
    ...begun,
    stabilized?.before,
    stabilized?.event,
    completed?.event,
    ended?.event,
    gate && withoutEvidence(gate.event),
    ...analysis,
  ];
  return [...new Set(kept.filter((event) => event !== undefined))];
};

const isBegun = (event: DashboardEvent): event is OrchestratorEvent =>
  event.event_type === 'EngineRunStarted' || event.event_type === 'EngineRunSkipped';

/** A dashboard shows what the gate said; what it went by is in the other events. */
const withoutEvidence = (event: StateGateEvent): StateGateEvent =>
  event.event_type === 'GateEvaluated' ? { ...event, payload: null } : event;
