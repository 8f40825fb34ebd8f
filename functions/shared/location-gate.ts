/** Whether execution locations take what is sent to them, as their workspace has them now. */
import type { ExecutionLocation } from '#contracts/runs/locations.ts';
import { manifestsAggregate } from '#domain/manifest/manifests.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { loadStream } from '#functions/shared/load.ts';
import { manifestsStream } from '#functions/shared/streams.ts';

/** A location of a workspace. */
export interface Gated {
  readonly tenantId: string;
  readonly workspaceId: string;
  readonly executionLocationId: string;
}

/** True for a location that takes messages; also for one that was removed, since runs stay with what held for them. */
export type LocationGate = (of: Gated) => Promise<boolean>;

/** How long what was read of a workspace is good: a location that is disabled may be sent to for as long. */
export const LOCATIONS_KEPT_MS = 5_000;
const WORKSPACES_MAX = 1_000;

interface Kept {
  readonly readAtMs: number;
  readonly byId: Readonly<Record<string, ExecutionLocation>>;
}

/** A gate that reads a workspace once in a while. */
export const locationGate = (ledger: LedgerReader, nowMs: () => number): LocationGate => {
  const kept = new Map<string, Kept>();
  const read = async (stream: string): Promise<Kept> => {
    const known = kept.get(stream);
    if (known && nowMs() < known.readAtMs + LOCATIONS_KEPT_MS) return known;
    const readAtMs = nowMs();
    const { state } = await loadStream(ledger, manifestsAggregate, stream);
    if (kept.size >= WORKSPACES_MAX) kept.clear();
    const fresh = { readAtMs, byId: state.locations.byId };
    kept.set(stream, fresh);
    return fresh;
  };
  return async ({ executionLocationId, ...workspace }) => {
    const { byId } = await read(manifestsStream(workspace));
    const lifecycle = byId[executionLocationId]?.lifecycle ?? 'active';
    return lifecycle === 'active' || lifecycle === 'draining';
  };
};
