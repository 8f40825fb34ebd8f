/** What a person is told of a run in one line. */
import { valueOf } from '#domain/kernel/value-of.ts';
import type { AnalysisModule } from '#domain/market/analysis/module.ts';
import { convictionRule } from '#domain/market/analysis/modules/conviction-rule.ts';
import { shiftDetector } from '#domain/market/analysis/modules/shift-detector.ts';

/** Output `headline`: the regime, whether it is new, and how firm it is. */
export const headlineOutput: AnalysisModule = {
  id: 'output.headline',
  kind: 'output',
  dependencies: [
    { moduleId: convictionRule.id, artifactName: 'conviction' },
    { moduleId: shiftDetector.id, artifactName: 'shift' },
  ],
  run: ({ symbol, artifacts }) => {
    const { verdict } = valueOf(artifacts, `${convictionRule.id}:conviction`);
    const { is_shift: isShift, from, to } = valueOf(artifacts, `${shiftDetector.id}:shift`);
    const change = isShift === true ? `${String(from)} has given way to ${String(to)}` : String(to);
    const payload = { headline: `${symbol}: ${change} (${String(verdict)})` };
    return {
      artifacts: [
        { kind: 'output', name: 'headline', schema: 'headline_output', schemaVersion: '1', payload },
      ],
    };
  },
};
