/**
 * Belief hysteresis: the anchor regime moves only when a candidate has enough mass for enough updates
 * (market reference, section 5.8). An update that does not count takes progress away instead of ending it.
 */
import { BeliefHysteresisConfig } from '#contracts/market/hysteresis.ts';
import type { HysteresisState } from '#contracts/market/hysteresis.ts';
import { regimes } from '#contracts/market/regime.ts';
import type { BeliefByRegime, Regime, RegimeState } from '#contracts/market/regime.ts';

/** What the reference does unless it is told otherwise. */
export const beliefDefaults: BeliefHysteresisConfig = BeliefHysteresisConfig.parse({});

/** The state after an update, or why the update was refused and nothing changed. */
export type BeliefResult =
  | { readonly kind: 'advanced'; readonly state: HysteresisState }
  | { readonly kind: 'refused'; readonly message: string };

/** The eligible candidate of an update if any, and why. */
interface Candidacy {
  readonly candidate?: Regime;
  readonly reasons: readonly string[];
}

/** How far a candidate has come. */
interface Progress {
  readonly candidate: Regime | null;
  readonly count: number;
}

/** Takes one belief of a symbol into account. Beliefs may come at equal times, never at earlier ones. */
export const advanceBelief = (
  belief: RegimeState,
  previous: HysteresisState | undefined,
  config: BeliefHysteresisConfig,
): BeliefResult => {
  const { engine_timestamp_ms: atMs } = belief;
  if (previous && atMs < previous.engine_timestamp_ms)
    return {
      kind: 'refused',
      message: `engine_timestamp_ms ${atMs} is before ${previous.engine_timestamp_ms}, the last one of ${belief.symbol}`,
    };
  const known = isForgotten(previous, atMs, config) ? undefined : previous;
  return { kind: 'advanced', state: advance(belief, known, config) };
};

/** True when the gap since the last update is too long for what it left to count. */
export const isForgotten = (
  previous: HysteresisState | undefined,
  atMs: number,
  { reset_max_gap_ms: maxGapMs }: BeliefHysteresisConfig,
): boolean => previous !== undefined && maxGapMs !== null && atMs - previous.engine_timestamp_ms > maxGapMs;

const advance = (
  belief: RegimeState,
  previous: HysteresisState | undefined,
  config: BeliefHysteresisConfig,
): HysteresisState => {
  const { belief_by_regime: mass, symbol, engine_timestamp_ms: atMs } = belief;
  const anchor = previous?.anchor_regime ?? belief.anchor_regime;
  const before = { candidate: previous?.candidate_regime ?? null, count: previous?.progress_current ?? 0 };
  const candidacy = candidacyOf(mass, anchor, config);
  const { progress, reason } = progressOf(before, candidacy.candidate, config);
  const commit = commitOf(mass, { anchor, progress }, config);
  const isSwitched = commit?.isSwitch === true;
  return {
    schema: 'hysteresis_state',
    schema_version: '1',
    symbol,
    engine_timestamp_ms: atMs,
    anchor_regime: isSwitched ? commit.candidate : anchor,
    candidate_regime: isSwitched ? null : progress.candidate,
    progress_current: isSwitched ? 0 : Math.min(progress.count, config.window_updates),
    progress_required: config.window_updates,
    last_commit_timestamp_ms: isSwitched ? atMs : (previous?.last_commit_timestamp_ms ?? null),
    reason_codes: [...candidacy.reasons, reason, ...(commit ? [commit.reason] : [])],
    debug: { belief_by_regime: mass },
  };
};

/** The allowed regime with the most mass, the first of equals; undefined when belief knows none of them. */
const topOf = (
  mass: BeliefByRegime,
  { allowed_regimes: allowed }: BeliefHysteresisConfig,
): Regime | undefined => {
  let top: Regime | undefined;
  let most = -Infinity;
  for (const regime of allowed ?? regimes) {
    const value = mass[regime];
    if (value !== undefined && value > most) [top, most] = [regime, value];
  }
  return top;
};

const massOf = (mass: BeliefByRegime, regime: Regime): number => mass[regime] ?? 0;

const candidacyOf = (mass: BeliefByRegime, anchor: Regime, config: BeliefHysteresisConfig): Candidacy => {
  const top = topOf(mass, config);
  if (top === undefined) return { reasons: ['CANDIDATE_NONE'] };
  if (top === anchor) return { reasons: ['CANDIDATE_SAME_AS_ANCHOR'] };
  const { enter_threshold: enter, min_lead_over_anchor: lead } = config;
  const failed = [
    ...(massOf(mass, top) < enter ? ['GATE_FAIL_ENTER_THRESHOLD'] : []),
    ...(lead !== null && massOf(mass, top) - massOf(mass, anchor) < lead ? ['GATE_FAIL_MIN_LEAD'] : []),
  ];
  const reasons = [`CANDIDATE_SELECTED:${top}`, ...failed];
  return failed.length > 0 ? { reasons } : { candidate: top, reasons };
};

const progressOf = (
  before: Progress,
  candidate: Regime | undefined,
  config: BeliefHysteresisConfig,
): { readonly progress: Progress; readonly reason: string } => {
  if (candidate !== undefined)
    return candidate === before.candidate
      ? {
          progress: { candidate, count: Math.min(before.count + 1, config.window_updates) },
          reason: 'PROGRESS_INC',
        }
      : { progress: { candidate, count: 1 }, reason: 'PROGRESS_RESET' };
  const count = Math.max(0, before.count - config.decay_step);
  return {
    progress: { candidate: count === 0 ? null : before.candidate, count },
    reason: before.count > 0 ? 'PROGRESS_DECAY' : 'PROGRESS_RESET',
  };
};

/** What happens to a candidate whose window is full, also when it was filled under a longer window. */
const commitOf = (
  mass: BeliefByRegime,
  { anchor, progress }: { readonly anchor: Regime; readonly progress: Progress },
  config: BeliefHysteresisConfig,
): { readonly isSwitch: boolean; readonly candidate: Regime; readonly reason: string } | undefined => {
  const { candidate, count } = progress;
  if (candidate === null || count < config.window_updates) return undefined;
  return massOf(mass, candidate) >= config.commit_threshold
    ? { isSwitch: true, candidate, reason: `COMMIT_SWITCH:${anchor}->${candidate}` }
    : { isSwitch: false, candidate, reason: 'COMMIT_BLOCKED_THRESHOLD' };
};
