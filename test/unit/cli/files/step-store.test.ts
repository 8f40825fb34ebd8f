import { expect, it } from 'vitest';
import { AnalysisEngineStep } from '#contracts/market/layer-steps.ts';
import type { openRecordFile } from '#cli/files/record-file.ts';
import { stepStore } from '#cli/files/step-store.ts';
import { analysedStep } from '#domain/market/analysis/steps.ts';
import { HeardGateEvent } from '#contracts/market/heard-events.ts';
import { runIdOf } from '#test/support/said-events.ts';

const judged = (run: number) =>
  HeardGateEvent.parse({
    schema: 'state_gate_event',
    schema_version: '1',
    event_type: 'GateEvaluated',
    symbol: 'AAA',
    engine_timestamp_ms: run,
    run_id: runIdOf(run),
    state_status: 'HOLD',
    gate_status: 'CLOSED',
    reasons: [],
    payload: null,
    input_event_type: 'EngineRunCompleted',
    engine_mode: 'truth',
  });
const skipped = (run: number, reason: string) =>
  AnalysisEngineStep.parse(
    analysedStep(judged(run), {
      records: [],
      events: [
        {
          schema: 'analysis_engine_event',
          schema_version: '1',
          event_type: 'AnalysisRunSkipped',
          symbol: 'AAA',
          run_id: judged(run).run_id,
          engine_timestamp_ms: run,
          engine_mode: 'truth',
          source_gate_reasons: [reason],
          payload: null,
        },
      ],
      state: new Map(),
    }),
  );

it('tells the latest steps again, each by what was told of it last', () => {
  const kept = [skipped(1, 'a'), skipped(2, 'b'), skipped(1, 'c'), skipped(3, 'd')];
  const open: typeof openRecordFile = (_file, { hear }) => {
    kept.forEach((step) => hear(JSON.stringify(step)));
    return { append: () => undefined, replace: () => undefined };
  };
  const store = stepStore('steps', {
    schema: AnalysisEngineStep,
    name: 'analysis_engine_step',
    hear: () => undefined,
    open,
    toldAgainMax: 2,
  });

  expect(store.toldBefore(judged(1))).toMatchObject([{ source_gate_reasons: ['c'] }]);
  expect(store.toldBefore(judged(3))).toMatchObject([{ source_gate_reasons: ['d'] }]);
  expect(store.toldBefore(judged(3))).toEqual([]);
  expect(store.toldBefore(judged(2))).toEqual([]);
});
