import { describe, expect, it } from 'vitest';
import { BeliefHysteresisConfig, HysteresisState } from '#contracts/market/hysteresis.ts';
import type { BeliefByRegime, Regime, RegimeState } from '#contracts/market/regime.ts';
import { advanceBelief, beliefDefaults } from '#domain/market/hysteresis/belief.ts';
import {
  hysteresisDecisionLog,
  hysteresisResetLog,
  hysteresisTransitionLog,
} from '#domain/market/hysteresis/belief-log.ts';
import {
  hasAdvanced,
  hysteresisStoreLine,
  restoreHysteresis,
} from '#domain/market/hysteresis/belief-store.ts';

const believing = (belief: BeliefByRegime, atMs = 1_000, anchor: Regime = 'CHOP_BALANCED'): RegimeState => ({
  schema: 'regime_state',
  schema_version: '1',
  symbol: 'AAA',
  engine_timestamp_ms: atMs,
  belief_by_regime: belief,
  anchor_regime: anchor,
});
const sure = (regime: Regime): BeliefByRegime => ({ CHOP_BALANCED: 0, [regime]: 1 });
const config = (over: object = {}) => BeliefHysteresisConfig.parse(over);
/** Advances beliefs a second apart and answers every state. */
const follow = (beliefs: readonly BeliefByRegime[], over: object = {}, from?: HysteresisState) => {
  const states: HysteresisState[] = [];
  for (const belief of beliefs) {
    const before = states.at(-1) ?? from;
    const atMs = (before?.engine_timestamp_ms ?? 0) + 1_000;
    const result = advanceBelief(believing(belief, atMs), before, config(over));
    if (result.kind === 'refused') throw new Error(result.message);
    states.push(HysteresisState.parse(result.state));
  }
  return states;
};
const last = (states: readonly HysteresisState[]): HysteresisState => {
  const state = states.at(-1);
  if (!state) throw new Error('no state');
  return state;
};
const end = (beliefs: readonly BeliefByRegime[], over: object = {}, from?: HysteresisState) => {
  const { anchor_regime, candidate_regime, progress_current, reason_codes } = last(
    follow(beliefs, over, from),
  );
  return [anchor_regime, candidate_regime, progress_current, reason_codes];
};
const up = sure('SQUEEZE_UP');
const down = sure('SQUEEZE_DOWN');
const chop = sure('CHOP_BALANCED');

describe('belief hysteresis', () => {
  it('begins at the anchor of the belief itself', () => {
    expect(end([chop])).toEqual(['CHOP_BALANCED', null, 0, ['CANDIDATE_SAME_AS_ANCHOR', 'PROGRESS_RESET']]);
  });

  it('counts a candidate up and switches when its window is full', () => {
    expect(end([chop, up])).toEqual([
      'CHOP_BALANCED',
      'SQUEEZE_UP',
      1,
      ['CANDIDATE_SELECTED:SQUEEZE_UP', 'PROGRESS_RESET'],
    ]);
    expect(end([chop, up, up])[3]).toEqual(['CANDIDATE_SELECTED:SQUEEZE_UP', 'PROGRESS_INC']);
    const states = follow([chop, up, up, up]);
    expect(last(states)).toMatchObject({
      anchor_regime: 'SQUEEZE_UP',
      candidate_regime: null,
      progress_current: 0,
      last_commit_timestamp_ms: 4_000,
      reason_codes: [
        'CANDIDATE_SELECTED:SQUEEZE_UP',
        'PROGRESS_INC',
        'COMMIT_SWITCH:CHOP_BALANCED->SQUEEZE_UP',
      ],
    });
    expect(last(follow([chop, up, up, up, chop])).last_commit_timestamp_ms).toBe(4_000);
  });

  it('begins again with another candidate', () => {
    expect(end([chop, up, up, down]).slice(1, 3)).toEqual(['SQUEEZE_DOWN', 1]);
  });

  it('loses progress step by step and the candidate with the last of it', () => {
    expect(end([chop, up, up, chop])).toEqual([
      'CHOP_BALANCED',
      'SQUEEZE_UP',
      1,
      ['CANDIDATE_SAME_AS_ANCHOR', 'PROGRESS_DECAY'],
    ]);
    expect(end([chop, up, up, chop, chop]).slice(1, 3)).toEqual([null, 0]);
    expect(end([chop, up, up, chop], { decay_step: 5 }).slice(1, 3)).toEqual([null, 0]);
  });

  it('goes on with a candidate that was only interrupted', () => {
    expect(end([chop, up, up, chop, up]).slice(1, 3)).toEqual(['SQUEEZE_UP', 2]);
  });

  it('lets a candidate in at its threshold, not below it', () => {
    const mass = (value: number) => ({ CHOP_BALANCED: 1 - value, SQUEEZE_UP: value });

    expect(end([chop, mass(0.6)])[2]).toBe(1);
    expect(end([chop, mass(0.59)])[3]).toEqual([
      'CANDIDATE_SELECTED:SQUEEZE_UP',
      'GATE_FAIL_ENTER_THRESHOLD',
      'PROGRESS_RESET',
    ]);
  });

  it('asks for a lead over the anchor when it is told to, and lists both gates in order', () => {
    const half = { CHOP_BALANCED: 0.25, SQUEEZE_UP: 0.5, SQUEEZE_DOWN: 0.25 };

    expect(end([chop, half], { enter_threshold: 0.5, min_lead_over_anchor: 0.25 })[2]).toBe(1);
    expect(end([chop, half], { enter_threshold: 0.6, min_lead_over_anchor: 0.26 })[3]).toEqual([
      'CANDIDATE_SELECTED:SQUEEZE_UP',
      'GATE_FAIL_ENTER_THRESHOLD',
      'GATE_FAIL_MIN_LEAD',
      'PROGRESS_RESET',
    ]);
  });

  it('takes the lead over an anchor that belief does not know for the whole mass', () => {
    const states = follow([up]);

    expect(end([{ SQUEEZE_DOWN: 1 }], { min_lead_over_anchor: 1 }, last(states)).slice(1, 3)).toEqual([
      'SQUEEZE_DOWN',
      1,
    ]);
  });

  it('stays at the window while a commit is blocked', () => {
    const over = { window_updates: 1, enter_threshold: 0.5, commit_threshold: 0.9 };
    const most = { CHOP_BALANCED: 0.2, SQUEEZE_UP: 0.8 };

    expect(end([chop, most, most], over)).toEqual([
      'CHOP_BALANCED',
      'SQUEEZE_UP',
      1,
      ['CANDIDATE_SELECTED:SQUEEZE_UP', 'PROGRESS_INC', 'COMMIT_BLOCKED_THRESHOLD'],
    ]);
  });

  it('switches at once when the window is one update', () => {
    expect(end([chop, up], { window_updates: 1 })[0]).toBe('SQUEEZE_UP');
  });

  it('looks at a commit also after progress was lost, when the window has become shorter', () => {
    const long = last(follow([chop, up, up, up, up], { window_updates: 9 }));

    expect(end([{ CHOP_BALANCED: 0.7, SQUEEZE_UP: 0.3 }], { window_updates: 2 }, long)).toEqual([
      'CHOP_BALANCED',
      'SQUEEZE_UP',
      2,
      ['CANDIDATE_SAME_AS_ANCHOR', 'PROGRESS_DECAY', 'COMMIT_BLOCKED_THRESHOLD'],
    ]);
  });

  it('considers allowed regimes only, the first of equals, and none when belief knows none', () => {
    const even = { CHOP_BALANCED: 0.2, SQUEEZE_UP: 0.4, SQUEEZE_DOWN: 0.4 };
    const over = { allowed_regimes: ['SQUEEZE_DOWN', 'SQUEEZE_UP'], enter_threshold: 0.4 };

    expect(end([chop, even], over)[1]).toBe('SQUEEZE_DOWN');
    expect(end([chop, even], { ...over, allowed_regimes: null })[1]).toBe('SQUEEZE_UP');
    expect(end([chop], { allowed_regimes: ['TREND_EXHAUSTION'] })[3]).toEqual([
      'CANDIDATE_NONE',
      'PROGRESS_RESET',
    ]);
  });

  it('forgets its state after a gap longer than the bound, not after one as long', () => {
    const after = (gapMs: number) => {
      const before = last(follow([chop]));
      const result = advanceBelief(
        believing(up, 1_000 + gapMs, 'SQUEEZE_UP'),
        before,
        config({ reset_max_gap_ms: 5 }),
      );
      return result.kind === 'advanced' ? result.state.anchor_regime : undefined;
    };

    expect([after(5), after(6)]).toEqual(['CHOP_BALANCED', 'SQUEEZE_UP']);
  });

  it('takes a belief at the same instant and refuses one from before', () => {
    const before = last(follow([chop]));

    expect(advanceBelief(believing(up, 1_000), before, beliefDefaults).kind).toBe('advanced');
    expect(advanceBelief(believing(up, 999), before, beliefDefaults)).toEqual({
      kind: 'refused',
      message: 'engine_timestamp_ms 999 is before 1000, the last one of AAA',
    });
  });
});

describe('what is told of a step', () => {
  const log = (beliefs: readonly BeliefByRegime[], over: object = {}) => {
    const states = follow(beliefs, over);
    return hysteresisDecisionLog(last(states), states.at(-2), config(over));
  };

  it('has no prior anchor and no margin at the first step', () => {
    expect(log([{ CHOP_BALANCED: 0.2, SQUEEZE_UP: 0.8 }])).toMatchObject({
      prior_anchor_regime: null,
      candidate_regime: 'SQUEEZE_UP',
      decision: 'HOLD',
      belief_margin: null,
    });
  });

  it('has the margin of the candidate over the anchor before the step', () => {
    expect(log([chop, up])).toMatchObject({ belief_margin: 1, reason_code: 'CANDIDATE_SELECTED:SQUEEZE_UP' });
    expect(log([chop, chop])).toMatchObject({ candidate_regime: null, belief_margin: null });
  });

  it.each([
    ['a switch', [chop, up], { window_updates: 1 }, 'COMMIT_SWITCH:CHOP_BALANCED->SQUEEZE_UP'],
    ['a blocked commit', [chop, up], { window_updates: 1, commit_threshold: 2 }, 'COMMIT_BLOCKED_THRESHOLD'],
    ['a closed gate', [chop, up], { enter_threshold: 2 }, 'GATE_FAIL_ENTER_THRESHOLD'],
    ['nothing more', [chop], {}, 'CANDIDATE_SAME_AS_ANCHOR'],
  ])('gives the reason that explains %s', (_name, beliefs, over, reason) => {
    expect(log(beliefs, over).reason_code).toBe(reason);
  });

  it('says what switched', () => {
    const states = follow([chop, up], { window_updates: 1 });

    expect(log([chop, up], { window_updates: 1 }).decision).toBe('SWITCH');
    expect(hysteresisTransitionLog(last(states), states.at(-2))).toMatchObject({
      anchor_prev: 'CHOP_BALANCED',
      anchor_next: 'SQUEEZE_UP',
      committed: true,
    });
    expect(hysteresisTransitionLog(last(follow([chop])), undefined)).toMatchObject({
      anchor_prev: null,
      committed: false,
    });
  });

  it('says nothing of mass when the state came from a store, nor of a reason it does not know', () => {
    const states = follow([chop, up]);
    const bare = { ...last(states), debug: null };

    expect(hysteresisDecisionLog(bare, states.at(-2), config()).belief_margin).toBe(0);
    expect(hysteresisDecisionLog({ ...bare, reason_codes: [] }, states.at(-2), config())).toMatchObject({
      candidate_regime: null,
      reason_code: '',
    });
  });

  it('says what a gap was that made it forget', () => {
    const before = last(follow([chop]));
    const gap = (atMs: number) =>
      hysteresisResetLog(
        { symbol: 'AAA', engine_timestamp_ms: atMs },
        before,
        config({ reset_max_gap_ms: 5 }),
      );

    expect(gap(1_005)).toBeUndefined();
    expect(gap(1_006)).toEqual({
      symbol: 'AAA',
      engine_timestamp_ms: 1_006,
      prev_engine_timestamp_ms: 1_000,
      gap_ms: 6,
      trigger: 'time_gap',
    });
    expect(
      hysteresisResetLog(
        { symbol: 'AAA', engine_timestamp_ms: 1 },
        undefined,
        config({ reset_max_gap_ms: 0 }),
      ),
    ).toBeUndefined();
  });
});

describe('stored states', () => {
  it('are worth storing when something moved, or time has passed', () => {
    const [first, second, third] = follow([chop, chop, up]);
    if (!first || !second || !third) throw new Error('no states');

    expect([hasAdvanced(second, first), hasAdvanced(first, first), hasAdvanced(first, undefined)]).toEqual([
      true,
      false,
      true,
    ]);
    const moved = { ...first, engine_timestamp_ms: third.engine_timestamp_ms };
    expect(hasAdvanced({ ...moved, anchor_regime: 'SQUEEZE_UP' }, moved)).toBe(true);
    expect(hasAdvanced({ ...moved, candidate_regime: 'SQUEEZE_UP' }, moved)).toBe(true);
    expect(hasAdvanced({ ...moved, progress_current: 1 }, moved)).toBe(true);
  });

  it('are one line each, to the byte', () => {
    expect(hysteresisStoreLine(last(follow([chop, up])))).toBe(
      '{"anchor_regime":"CHOP_BALANCED","candidate_regime":"SQUEEZE_UP","engine_timestamp_ms":2000,' +
        '"last_commit_timestamp_ms":null,"progress_current":1,"schema":"hysteresis_store_record",' +
        '"schema_version":"1","symbol":"AAA"}',
    );
  });

  it('come back by symbol, the latest, the later line of equals, and skip what is no record', () => {
    const [first, second] = follow([chop, up]);
    if (!first || !second) throw new Error('no states');
    const later = hysteresisStoreLine(second);
    const equal = hysteresisStoreLine({ ...second, progress_current: 2 });
    const other = hysteresisStoreLine({ ...first, symbol: 'BBB' });
    const lines = [later, hysteresisStoreLine(first), 'no json', '{}', equal, other];

    const states = restoreHysteresis(config({ window_updates: 7 }));
    lines.forEach(states.hear);
    const restored = states.known;

    expect([...restored.keys()]).toEqual(['AAA', 'BBB']);
    expect(restored.get('AAA')).toEqual({
      ...second,
      progress_current: 2,
      progress_required: 7,
      reason_codes: [],
      debug: null,
    });
  });
});
