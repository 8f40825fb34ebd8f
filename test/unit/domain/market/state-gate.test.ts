import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { StateGateConfig, StateGateEvent, StateGateRecord } from '#contracts/market/state-gate.ts';
import type { GateInputEvent } from '#domain/market/state-gate/assembly.ts';
import {
  gateAfterRecord,
  gateHealth,
  haltGate,
  initialGateState,
  passGate,
  resumeGate,
} from '#domain/market/state-gate/gate.ts';
import type { GateSetting, GateState } from '#domain/market/state-gate/gate.ts';
import { runIdOf, said, saidDecision, saidOutput, saidState } from '#test/support/said-events.ts';
import type { Over } from '#test/support/said-events.ts';

const event = (value: object): OrchestratorEvent => OrchestratorEvent.parse(value);
const started = (run: number, over: Over = {}) => event(said(run, 'EngineRunStarted', null, over));
const completed = (run: number, over: Over = {}, invalidations: readonly string[] = []) =>
  event(said(run, 'EngineRunCompleted', { regime_output: saidOutput({ invalidations }) }, over));
const failed = (run: number, over: Over = {}) =>
  event(said(run, 'EngineRunFailed', { error_kind: 'engine_failure', error_detail: 'boom' }, over));
const stabilizing = { engine_mode: 'hysteresis' };
const decided = (run: number, transition: Over = {}, over: Over = {}) =>
  event(
    said(
      run,
      'HysteresisDecisionPublished',
      { hysteresis_decision: saidDecision(transition) },
      { ...stabilizing, ...over },
    ),
  );
const believed = (run: number, progress_current = 0) =>
  event(
    said(
      run,
      'HysteresisStatePublished',
      { hysteresis_state: saidState({ engine_timestamp_ms: run * 1_000, progress_current }) },
      stabilizing,
    ),
  );
const input = (of: OrchestratorEvent): GateInputEvent => {
  if (of.event_type === 'EngineRunStarted' || of.event_type === 'EngineRunSkipped')
    throw new Error('no input');
  return of;
};

const setting = (config: object = {}, over: Partial<GateSetting> = {}): GateSetting => ({
  config: StateGateConfig.parse(config),
  hysteresis: 'decision',
  rule: 'whole_run',
  ...over,
});
/** Lets events through and answers everything that came of them. */
const gate = (events: readonly OrchestratorEvent[], of = setting(), from: GateState = initialGateState) => {
  let state = from;
  const said: StateGateEvent[] = [];
  const kept: StateGateRecord[] = [];
  for (const each of events) {
    const step = passGate(state, each, of);
    if (step.kind === 'refused') throw new Error(step.message);
    ({ state } = step);
    said.push(...step.events.map((one) => StateGateEvent.parse(one)));
    kept.push(...step.records.map((one) => StateGateRecord.parse(one)));
  }
  return { said, kept, state };
};
const verdicts = (events: readonly OrchestratorEvent[], of = setting()) =>
  gate(events, of).said.map((each) => [each.event_type, each.state_status, each.gate_status, each.reasons]);
const OPEN = ['GateEvaluated', 'READY', 'OPEN', []];

describe('a gate of truth runs', () => {
  it('opens on a completed run, once, and does not hear that it started', () => {
    expect(verdicts([started(1), completed(1), completed(1)])).toEqual([OPEN]);
  });

  it('closes on a failed run and opens again on the next', () => {
    expect(verdicts([failed(1), completed(2)])).toEqual([
      ['GateEvaluated', 'DEGRADED', 'CLOSED', ['run_failed']],
      OPEN,
    ]);
  });

  it('shows the output it opened on and nothing of a failure', () => {
    const { said, kept } = gate([completed(1), failed(2)]);

    expect(said.map(({ payload }) => payload)).toEqual([
      { regime_output: saidOutput(), hysteresis_decision: null },
      null,
    ]);
    expect(kept).toMatchObject([
      { source_event_type: 'EngineRunCompleted', regime_output: saidOutput(), reset_reason: null },
      { source_event_type: 'EngineRunFailed', regime_output: null, error_kind: null },
    ]);
  });

  it('names the member of its own hysteresis where it heard none', () => {
    const { said } = gate([completed(1)], setting({}, { hysteresis: 'belief' }));

    expect(said[0]?.payload).toEqual({ regime_output: saidOutput(), hysteresis_state: null });
  });

  it('holds back denied invalidations, each once, by name', () => {
    const of = setting({ denylisted_invalidations: ['b', 'a', 'c'] });

    expect(verdicts([completed(1, {}, ['b', 'x', 'a', 'b'])], of)).toEqual([
      ['GateEvaluated', 'HOLD', 'CLOSED', ['denylisted_invalidation:a', 'denylisted_invalidation:b']],
    ]);
    expect(verdicts([completed(1, {}, ['x'])], of)).toEqual([OPEN]);
  });

  it('ignores what is as old as the last judgement, or older, and other symbols go on', () => {
    const late = completed(9, { engine_timestamp_ms: 2_000 });

    expect(verdicts([completed(2), completed(1), late, completed(1, { symbol: 'BBB' })])).toEqual([
      OPEN,
      OPEN,
    ]);
  });

  it('forgets over a gap longer than the bound, not over one as long', () => {
    const after = (gapMs: number) =>
      verdicts(
        [completed(1), completed(2, { engine_timestamp_ms: 1_000 + gapMs })],
        setting({ max_gap_ms: 5_000 }),
      ).slice(1);

    expect(after(5_000)).toEqual([OPEN]);
    expect(after(5_001)).toEqual([['StateReset', 'BOOTSTRAP', 'CLOSED', ['reset_timestamp_gap']], OPEN]);
  });

  it('keeps a record of what it forgot before the record of the judgement', () => {
    const { kept } = gate(
      [completed(1), completed(2, { engine_timestamp_ms: 9_000_000 })],
      setting({ max_gap_ms: 5_000 }),
    );

    expect(kept.slice(1).map(({ state_status, reset_reason }) => [state_status, reset_reason])).toEqual([
      ['BOOTSTRAP', 'reset_timestamp_gap'],
      ['READY', null],
    ]);
  });
});

describe('a gate of stabilized runs', () => {
  const blocking = setting({ block_during_transition: true, denylisted_invalidations: ['bad'] });

  it('hears a run out, in whatever order', () => {
    const [first, second] = [decided(1), completed(1, stabilizing)];

    expect(gate([first]).said).toEqual([]);
    expect(verdicts([first, second])).toEqual([OPEN]);
    expect(verdicts([second, first])).toEqual([OPEN]);
    expect(gate([first, second]).said[0]).toMatchObject({
      input_event_type: 'HysteresisDecisionPublished',
      payload: { regime_output: saidOutput(), hysteresis_decision: { effective_confidence: 0.5 } },
    });
  });

  it('judges at once by the rule of the reference, whose denylist then sees no output', () => {
    const reference = { ...blocking, rule: 'first_hysteresis' } as const;
    const bad = completed(1, stabilizing, ['bad']);

    expect(verdicts([decided(1), bad], reference)).toEqual([OPEN]);
    expect(verdicts([decided(1), bad], blocking)).toEqual([
      ['GateEvaluated', 'HOLD', 'CLOSED', ['denylisted_invalidation:bad']],
    ]);
    expect(verdicts([bad, decided(1)], reference)).toEqual([
      ['GateEvaluated', 'HOLD', 'CLOSED', ['denylisted_invalidation:bad']],
    ]);
  });

  it('shows of a denied run the output alone', () => {
    const payloads = [decided(1), believed(1)].map(
      (hysteresis) => gate([hysteresis, completed(1, stabilizing, ['bad'])], blocking).said[0]?.payload,
    );

    expect(payloads).toEqual([
      { regime_output: saidOutput({ invalidations: ['bad'] }), hysteresis_decision: null },
      { regime_output: saidOutput({ invalidations: ['bad'] }), hysteresis_state: null },
    ]);
  });

  it.each([
    ['a decision in transition', decided(1, { transition_active: true }), 'hysteresis_decision'],
    ['a belief with progress', believed(1, 1), 'hysteresis_state'],
  ])('holds back %s when it is told to', (_name, hysteresis, member) => {
    const run = [hysteresis, completed(1, stabilizing)];

    expect(verdicts(run, blocking)).toEqual([['GateEvaluated', 'HOLD', 'CLOSED', ['transition_active']]]);
    expect(gate(run, blocking).said[0]?.payload).toMatchObject({
      regime_output: null,
      [member]: expect.anything(),
    });
    expect(verdicts(run)).toEqual([OPEN]);
  });

  it.each([
    ['a settled decision', decided(1)],
    ['a belief without progress', believed(1, 0)],
  ])('lets %s through', (_name, hysteresis) => {
    expect(verdicts([hysteresis, completed(1, stabilizing)], blocking)).toEqual([OPEN]);
  });

  it('forgets when the engine did, before it looks at the time', () => {
    const gap = decided(1, { reset_due_to_gap: true });

    expect(verdicts([gap, completed(1, stabilizing)])).toEqual([
      ['StateReset', 'BOOTSTRAP', 'CLOSED', ['reset_engine_gap']],
      OPEN,
    ]);
  });

  it('closes on a run that failed, with hysteresis or without', () => {
    expect(verdicts([failed(1, stabilizing)])[0]?.[1]).toBe('DEGRADED');
    expect(verdicts([decided(1), failed(1, stabilizing)])[0]?.[1]).toBe('DEGRADED');
  });

  it.each([
    ['symbol', { symbol: 'BBB' }, 'inconsistent symbol for run_id: expected AAA, got BBB'],
    ['time', { engine_timestamp_ms: 7 }, 'inconsistent engine_timestamp_ms for run_id: expected 1000, got 7'],
    ['mode', { engine_mode: 'truth' }, 'inconsistent engine_mode for run_id: expected hysteresis, got truth'],
  ])('refuses an event that gives its run another %s', (_name, over, message) => {
    const { state } = gate([decided(1)]);

    expect(passGate(state, completed(1, { ...stabilizing, ...over }), setting())).toEqual({
      kind: 'refused',
      message,
    });
  });

  it('forgets runs it never heard out once a later one was judged', () => {
    const { state } = gate([decided(1), decided(3), decided(2), completed(2, stabilizing)]);

    expect([...state.pending.keys()]).toEqual([runIdOf(3)]);
  });
});

describe('a gate that fails', () => {
  const narrow = setting({ max_gap_ms: 5_000, publish_limits: { max_pending: 1 } });
  const far = completed(9, { engine_timestamp_ms: 900_000 });

  it('halts a symbol when more is to be said than may wait, and is silent on it from then on', () => {
    const { said, kept, state } = gate(
      [completed(1), far, completed(99, { engine_timestamp_ms: 901_000 }), completed(1, { symbol: 'BBB' })],
      narrow,
    );

    expect(said.map(({ event_type, symbol }) => [event_type, symbol])).toEqual([
      ['GateEvaluated', 'AAA'],
      ['StateGateHalted', 'AAA'],
      ['GateEvaluated', 'BBB'],
    ]);
    expect(said[1]).toMatchObject({
      state_status: 'HALTED',
      gate_status: 'CLOSED',
      reasons: ['internal_failure'],
      payload: { error_kind: 'publish_blocked', error_detail: 'output publish backpressure exceeded' },
    });
    expect(kept[1]).toMatchObject({ state_status: 'HALTED', error_kind: 'publish_blocked' });
    expect(gateHealth(state)).toEqual({
      ready: false,
      halted: true,
      input_healthy: true,
      persistence_healthy: true,
      publish_healthy: false,
    });
  });

  it('halts a symbol whose runs wait for their end in too great a number', () => {
    const { said, state } = gate([decided(1), decided(2)], setting({ input_limits: { max_pending: 1 } }));

    expect(said).toMatchObject([{ event_type: 'StateGateHalted', payload: { error_kind: 'input_blocked' } }]);
    expect(gateHealth(state)).toMatchObject({ ready: false, input_healthy: false, publish_healthy: true });
  });

  it('counts the runs that wait of each symbol alone', () => {
    const one = setting({ input_limits: { max_pending: 1 } });
    const waiting = gate([decided(1), decided(2, {}, { symbol: 'BBB' })], one);

    expect(waiting.said).toEqual([]);
    expect(gate([decided(3)], one, waiting.state).said).toMatchObject([
      { event_type: 'StateGateHalted', symbol: 'AAA' },
    ]);
    expect(waiting.state.pending.size).toBe(2);
  });

  it('halts when its record could not be appended, and keeps none', () => {
    const { state, records, events } = haltGate(initialGateState, input(completed(1)), {
      error_kind: 'persistence_failure',
      error_detail: 'disk full',
    });

    expect(records).toEqual([]);
    expect(events).toMatchObject([{ event_type: 'StateGateHalted', payload: { error_detail: 'disk full' } }]);
    expect(gate([completed(2)], setting(), state).said).toEqual([]);
    expect(gateHealth(state)).toMatchObject({ persistence_healthy: false, publish_healthy: false });
    expect(state.symbols.size).toBe(0);
  });

  it('judges again once it is resumed', () => {
    const { state } = gate([completed(1), far], narrow);

    expect(
      gate([completed(10, { engine_timestamp_ms: 901_000 })], narrow, resumeGate(state, 'AAA')).said,
    ).toMatchObject([{ event_type: 'GateEvaluated', gate_status: 'OPEN' }]);
  });

  it('comes back from its records as it was, also when it was halted', () => {
    const { kept, state } = gate([completed(1), completed(1, { symbol: 'BBB' }), far], narrow);

    expect(kept.reduce(gateAfterRecord, initialGateState)).toEqual(state);
    const resumed = gate([completed(10, { engine_timestamp_ms: 901_000 })], narrow, resumeGate(state, 'AAA'));
    expect([...kept, ...resumed.kept].reduce(gateAfterRecord, initialGateState)).toEqual(resumed.state);
    expect(gateHealth(resumed.state)).toMatchObject({ ready: true });
    expect(gateHealth(initialGateState)).toMatchObject({ ready: true, publish_healthy: true });
  });
});

it('says the same of a run whatever order its events come in, and how often', () => {
  const story = fc.array(fc.constantFrom('completed', 'failed', 'transition'), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(story, fc.infiniteStream(fc.boolean()), (ends, coins) => {
      const flip = (): boolean => coins.next().value === true;
      const events = (isShuffled: boolean) =>
        ends.flatMap((end, index) => {
          const run = index + 1;
          const hysteresis = decided(run, { transition_active: end === 'transition' });
          const last = end === 'failed' ? failed(run, stabilizing) : completed(run, stabilizing);
          const pair = end === 'failed' ? [last] : [hysteresis, last];
          const ordered = isShuffled && flip() ? pair.toReversed() : pair;
          return isShuffled && flip() ? [...ordered, ...ordered] : ordered;
        });
      const of = setting({ block_during_transition: true });

      const expected = gate(events(false), of);

      expect(gate(events(true), of).said).toEqual(expected.said);
      expect(expected.said).toHaveLength(ends.length);
      expect(expected.said.filter(({ gate_status }) => gate_status === 'OPEN')).toHaveLength(
        ends.filter((end) => end === 'completed').length,
      );
    }),
  );
});
