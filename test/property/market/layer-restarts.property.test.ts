import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { AnalysisConfig } from '#contracts/market/analysis.ts';
import { AnalysisEngineStep } from '#contracts/market/layer-steps.ts';
import { StateGateEvent } from '#contracts/market/state-gate.ts';
import { gateLines } from '#cli/files/gate-lines.ts';
import type { openRecordFile } from '#cli/files/record-file.ts';
import { analyse, resumeAnalysis } from '#domain/market/analysis/analyse.ts';
import type { AnalysisState } from '#domain/market/analysis/analyse.ts';
import { analysisModules } from '#domain/market/analysis/modules/registry.ts';
import { analysisSetting } from '#domain/market/analysis/setting.ts';
import { analysedStep, analysisAfterStep, resumedStep } from '#domain/market/analysis/steps.ts';
import { said, saidDecision, saidOutput } from '#test/support/said-events.ts';

/** Small bounds, so that any few lines reset, halt and wait. */
const config = {
  state_gate: { max_gap_ms: 2_000, publish_limits: { max_pending: 1 }, input_limits: { max_pending: 2 } },
};

const event = fc
  .record({
    run: fc.integer({ min: 1, max: 9 }),
    kind: fc.constantFrom('completed', 'completed', 'failed', 'decided', 'started'),
    engine_mode: fc.constantFrom('truth', 'hysteresis'),
    symbol: fc.constantFrom('AAA', 'AAA', 'BBB'),
  })
  .map(({ run, kind, engine_mode, symbol }) => {
    const over = { engine_mode, symbol };
    switch (kind) {
      case 'completed':
        return said(run, 'EngineRunCompleted', { regime_output: { ...saidOutput(), symbol } }, over);
      case 'failed':
        return said(run, 'EngineRunFailed', { error_kind: 'engine_failure', error_detail: 'x' }, over);
      case 'decided':
        return said(run, 'HysteresisDecisionPublished', { hysteresis_decision: saidDecision() }, over);
      case 'started':
        return said(run, 'EngineRunStarted', null, over);
    }
  });
const resumption = fc.constantFrom({ resume: 'AAA' }, { resume: 'BBB' });
const story = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: event },
    { weight: 1, arbitrary: resumption },
    { weight: 1, arbitrary: fc.constant('{') },
  ),
  { minLength: 1, maxLength: 24 },
);

/** A store in memory, which is there for the next process. */
const memory = (): typeof openRecordFile => {
  const kept: string[] = [];
  return (_file, kind) => {
    if (!kept.every(kind.hear)) throw new Error('a kept line is no step');
    return { append: (lines) => kept.push(...lines), replace: () => undefined };
  };
};

/** What is told, each event once: a line that comes again may be answered again. */
const distinctEvents = (told: readonly unknown[]): readonly string[] => [
  ...new Set(
    told.filter((each) => StateGateEvent.safeParse(each).success).map((each) => JSON.stringify(each)),
  ),
];

it('a gate with a store tells the same and is as well however often it is started anew', () => {
  fc.assert(
    fc.property(story, fc.uniqueArray(fc.nat({ max: 23 })), fc.boolean(), (lines, restarts, isTold) => {
      const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
      const whole = gateLines(config);
      const expected = texts.flatMap((text, index) => whole.answer({ line: index, text }));

      const open = memory();
      const start = () => gateLines(config, { store: 'memory', open });
      let gate = start();
      const told = texts.flatMap((text, index) => {
        const first = gate.answer({ line: index, text });
        if (!restarts.includes(index)) return first;
        // The process ends, before or after it told what it kept, and its last line is delivered again.
        gate = start();
        return [...(isTold ? first : []), ...gate.answer({ line: index, text })];
      });

      expect(distinctEvents(told)).toEqual(distinctEvents(expected));
      expect(gate.health()).toEqual(whole.health());
      expect(start().health()).toEqual(whole.health());
    }),
    { numRuns: 150 },
  );
});

it('an analysis engine that folds its steps is the one that made them', () => {
  const result = analysisSetting(
    AnalysisConfig.parse({ enabled_modules: analysisModules.map(({ id }) => id) }),
    analysisModules,
  );
  if (result.kind === 'invalid') throw new Error(result.message);
  fc.assert(
    fc.property(story, (lines) => {
      const gate = gateLines(config);
      let state: AnalysisState = new Map();
      const steps: string[] = [];
      const keep = (step: AnalysisEngineStep) => steps.push(JSON.stringify(step));
      for (const line of lines) {
        if (typeof line === 'object' && 'resume' in line) {
          const resumed = resumeAnalysis(state, line.resume);
          if (resumed !== state) keep(resumedStep(line.resume));
          state = resumed;
        }
        const text = typeof line === 'string' ? line : JSON.stringify(line);
        for (const answer of gate.answer({ line: 1, text })) {
          const { data } = StateGateEvent.safeParse(answer);
          const step = data && analyse(state, data, result.setting);
          if (!step || step.state === state) continue;
          keep(analysedStep(data, step));
          ({ state } = step);
        }
      }

      const folded = steps.reduce<AnalysisState>(
        (before, text) => analysisAfterStep(before, AnalysisEngineStep.parse(JSON.parse(text))),
        new Map(),
      );
      expect(folded).toEqual(state);
    }),
  );
});
