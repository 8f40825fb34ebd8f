/** Waiting that is bounded by standstill and not by time: what moves may take as long as it takes. */
import { CliError } from '#cli/cli-error.ts';
import { waitFor } from '#cli/wait-for.ts';

/** What a wait sees when it looks. */
export interface Look {
  readonly isOver: boolean;
  /** Differs from what it was whenever anything has moved. */
  readonly moved: string;
  /** What is missing, for people: `the feed demo in the list of feeds`. */
  readonly waitsFor: string;
}

/** How patient a wait is, and what ends it quietly. */
export interface Patience {
  /** Standstill that is borne; Infinity waits for ever. */
  readonly stallMaxMs: number;
  readonly signal: AbortSignal;
  readonly nowMs?: () => number;
  readonly sleep?: (waitMs: number, signal: AbortSignal) => Promise<void>;
}

const POLL_MS = 200;

/** Looks until it is over or the signal comes; throws `no_progress` when nothing has moved for too long. */
export const awaitOver = async (look: () => Promise<Look>, patience: Patience): Promise<void> => {
  const { stallMaxMs, signal, nowMs = () => performance.now(), sleep = waitFor } = patience;
  let moved: string | undefined;
  let movedAtMs = nowMs();
  while (!signal.aborted) {
    const seen = await look();
    if (seen.isOver) return;
    if (seen.moved !== moved) movedAtMs = nowMs();
    moved = seen.moved;
    const stalledMs = nowMs() - movedAtMs;
    if (stalledMs >= stallMaxMs) throw stalled(seen, stalledMs);
    await sleep(POLL_MS, signal);
  }
};

const stalled = ({ waitsFor }: Look, stalledMs: number): CliError =>
  new CliError(
    'no_progress',
    `nothing has moved for ${Math.round(stalledMs / 1000)} s while waiting for ${waitsFor}; ` +
      'see what the functions logged, or wait longer with --patience',
    { details: { waitsFor, stalledMs: Math.round(stalledMs) } },
  );
