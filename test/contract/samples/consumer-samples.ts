/** Who listens to a feed, fed with the demo tape: samples of what the state gate says and keeps. */
import { StateGateConfig } from '#contracts/market/state-gate.ts';
import type { StateGateEvent, StateGateRecord } from '#contracts/market/state-gate.ts';
import { truthSetting } from '#domain/market/execute-run.ts';
import { decisionDefaults } from '#domain/market/hysteresis/decision.ts';
import { initialGateState, passGate } from '#domain/market/state-gate/gate.ts';
import { told } from '#test/contract/samples/engine-samples.ts';
import { sampleFile } from '#test/contract/samples/sample.ts';
import type { Samples } from '#test/contract/samples/sample.ts';

const gateConfig = {
  max_gap_ms: 170_000,
  denylisted_invalidations: ['INVALID_EVIDENCE_SYMBOL_MISMATCH'],
  block_during_transition: true,
  publish_limits: { max_pending: 1 },
};

/** A gate that holds each run for late, so that it resets at each, and halts where only one event may wait. */
const gated = (
  maxPending: number,
): { readonly events: readonly StateGateEvent[]; readonly records: readonly StateGateRecord[] } => {
  const { events: inputs } = told({
    ...truthSetting,
    source: 'composer',
    hysteresis: { kind: 'decision', config: decisionDefaults },
  });
  const config = StateGateConfig.parse({ ...gateConfig, publish_limits: { max_pending: maxPending } });
  const events: StateGateEvent[] = [];
  const records: StateGateRecord[] = [];
  let state = initialGateState;
  for (const input of inputs) {
    const step = passGate(state, input, { config, hysteresis: 'decision', rule: 'whole_run' });
    if (step.kind === 'refused') throw new Error(step.message);
    ({ state } = step);
    events.push(...step.events);
    records.push(...step.records);
  }
  return { events, records };
};

/** Samples of the state gate. */
export const consumerSamples = (): Samples => {
  const open = gated(1_000);
  const samples: Record<string, unknown> = {};
  for (const event of [...open.events, ...gated(1).events])
    samples[sampleFile('state-gate-events', event.event_type)] ??= event;
  return {
    ...samples,
    [sampleFile('records', 'StateGateRecord')]: open.records.at(-1),
    [sampleFile('configuration', 'StateGateConfig')]: gateConfig,
  };
};
