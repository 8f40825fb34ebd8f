/** Weighs whether a regime is sure enough, and has lasted long enough, to be acted on. */
import { valueOf } from '#domain/kernel/value-of.ts';
import type { AnalysisModule } from '#domain/market/analysis/module.ts';
import { persistenceSignal } from '#domain/market/analysis/modules/persistence-signal.ts';
import { regimeSignal } from '#domain/market/analysis/modules/regime-signal.ts';

const numberOr = (value: unknown, otherwise: number): number =>
  typeof value === 'number' ? value : otherwise;

/**
 * Evaluation `conviction`: `firm` from `min_confidence` (0.5 unless configured) and `min_count` runs (2) on, else
 * `weak`. A regime without a confidence is judged by its persistence alone.
 */
export const convictionRule: AnalysisModule = {
  id: 'rule.conviction',
  kind: 'rule',
  dependencies: [
    { moduleId: regimeSignal.id, artifactName: 'regime' },
    { moduleId: persistenceSignal.id, artifactName: 'persistence' },
  ],
  run: ({ artifacts, config }) => {
    const { confidence } = valueOf(artifacts, `${regimeSignal.id}:regime`);
    const { count } = valueOf(artifacts, `${persistenceSignal.id}:persistence`);
    const isSure = numberOr(confidence, Infinity) >= numberOr(config['min_confidence'], 0.5);
    const isLasting = numberOr(count, 0) >= numberOr(config['min_count'], 2);
    const payload = {
      verdict: isSure && isLasting ? 'firm' : 'weak',
      is_sure: isSure,
      is_lasting: isLasting,
    };
    return {
      artifacts: [
        {
          kind: 'evaluation',
          name: 'conviction',
          schema: 'conviction_evaluation',
          schemaVersion: '1',
          payload,
        },
      ],
    };
  },
};
