/** Notices that the regime of a symbol has changed. */
import { valueOf } from '#domain/kernel/value-of.ts';
import type { AnalysisModule } from '#domain/market/analysis/module.ts';
import { persistenceSignal } from '#domain/market/analysis/modules/persistence-signal.ts';

/** Detection `shift`: whether this run brought another regime, and from which to which. */
export const shiftDetector: AnalysisModule = {
  id: 'detector.shift',
  kind: 'detector',
  dependencies: [{ moduleId: persistenceSignal.id, artifactName: 'persistence' }],
  run: ({ artifacts }) => {
    const {
      regime,
      count,
      previous_regime: previous,
    } = valueOf(artifacts, `${persistenceSignal.id}:persistence`);
    const payload = { is_shift: count === 1 && previous !== null, from: previous, to: regime };
    return {
      artifacts: [
        { kind: 'detection', name: 'shift', schema: 'shift_detection', schemaVersion: '1', payload },
      ],
    };
  },
};
