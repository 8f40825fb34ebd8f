/** The life of an orchestrator, and what becomes of it when a domain of failure gives up (sections 6.1, 6.4, 6.5). */
import type { LifecycleCall, OrchestratorHealth, OrchestratorState } from '#contracts/market/operation.ts';

/** The state after a call, or why it cannot be made. */
export type LifecycleResult =
  | { readonly kind: 'changed'; readonly state: OrchestratorState }
  | { readonly kind: 'refused'; readonly message: string };

const changed = (state: OrchestratorState): LifecycleResult => ({ kind: 'changed', state });

/** Start from init or drained, drain from running, stop and degrade from anywhere. */
export const changeState = (state: OrchestratorState, call: LifecycleCall): LifecycleResult => {
  const refused: LifecycleResult = { kind: 'refused', message: `cannot ${call} from ${state}` };
  switch (call) {
    case 'start':
      return state === 'init' || state === 'drained' ? changed('running') : refused;
    case 'drain':
      return state === 'running' ? changed('drained') : refused;
    case 'stop':
      return changed('stopped');
    case 'degrade':
      return changed('degraded');
  }
};

/** What health is made of. */
export type Standing = Omit<OrchestratorHealth, 'ready'>;

/** Ready is running with nothing paused. */
export const healthOf = (standing: Standing): OrchestratorHealth => ({
  ready: standing.state === 'running' && !standing.ingestion_paused && !standing.scheduling_paused,
  ...standing,
});

/** Where something can fail for good. */
export type FailureDomain = 'ingest' | 'buffer' | 'engine' | 'publish';

/** What is said of a domain whose retries are exhausted, and how the orchestrator stands then. */
export interface Exhaustion {
  readonly error: string;
  readonly message: string;
  readonly standing: Standing;
}

/**
 * A feed that cannot be heard or an engine that fails pauses nothing; a buffer that cannot be written stops ingestion,
 * and outputs that cannot be published stop planning, so that nothing is dropped.
 */
export const exhausted = (domain: FailureDomain, standing: Standing): Exhaustion => {
  switch (domain) {
    case 'ingest':
      return { error: 'IngestionFailure', message: 'ingestion retries exhausted', standing };
    case 'buffer':
      return {
        error: 'BufferAppendFailure',
        message: 'buffer append retries exhausted',
        standing: { ...standing, state: 'degraded', ingestion_paused: true },
      };
    case 'engine':
      return { error: 'EngineRunFailure', message: 'engine run retries exhausted', standing };
    case 'publish':
      return {
        error: 'PublishFailure',
        message: 'publish retries exhausted',
        standing: { ...standing, scheduling_paused: true },
      };
  }
};
