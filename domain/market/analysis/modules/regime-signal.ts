/** The regime of a run as a signal for other modules. */
import type { AnalysisModule } from '#domain/market/analysis/module.ts';
import { regimeOf } from '#domain/market/analysis/regime-of.ts';

/** Signal `regime`: which regime is in force, and how sure it is. Fails when the gate saw none. */
export const regimeSignal: AnalysisModule = {
  id: 'signal.regime',
  kind: 'signal',
  dependencies: [],
  run: ({ evidence }) => {
    const seen = regimeOf(evidence);
    if (!seen) throw new Error('the gate saw no regime');
    return {
      artifacts: [
        { kind: 'signal', name: 'regime', schema: 'regime_signal', schemaVersion: '1', payload: { ...seen } },
      ],
    };
  },
};
