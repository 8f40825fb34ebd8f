/** What is said of an adapter. */
import type { Adapter } from '#domain/market/transport/adapter.ts';

/** The state the reference knows of an adapter: one that reconnects runs. */
export const adapterStatus = ({
  phase,
  quietSinceMs,
}: Adapter): 'created' | 'running' | 'stopped' | 'failed' => {
  if (phase.kind === 'stopped' || phase.kind === 'failed') return phase.kind;
  return isReading(phase) || quietSinceMs !== undefined ? 'running' : 'created';
};

/** Whether a connection is up and confirmed, held back or not. */
export const isReading = (phase: Adapter['phase']): boolean =>
  phase.kind === 'running' || (phase.kind === 'blocked' && phase.sinceMs !== undefined);

/** Whether an adapter does nothing more. */
export const hasEnded = ({ phase: { kind } }: Pick<Adapter, 'phase'>): boolean =>
  kind === 'stopped' || kind === 'failed';
