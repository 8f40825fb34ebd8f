/** How long the regime of a symbol has been in force: the one module that remembers. */
import { valueOf } from '#domain/kernel/value-of.ts';
import type { AnalysisModule } from '#domain/market/analysis/module.ts';
import { regimeSignal } from '#domain/market/analysis/modules/regime-signal.ts';

/** Signal `persistence`: for how many analysed runs the regime has stayed, and which one it followed. */
export const persistenceSignal: AnalysisModule = {
  id: 'signal.persistence',
  kind: 'signal',
  dependencies: [{ moduleId: regimeSignal.id, artifactName: 'regime' }],
  stateSchema: { id: 'regime_persistence', version: '1' },
  run: ({ artifacts, state }) => {
    const regime = valueOf(artifacts, `${regimeSignal.id}:regime`)['regime'];
    const isSame = state?.['regime'] === regime;
    const count = isSame ? Number(state?.['count']) + 1 : 1;
    const previous = isSame ? state?.['previous_regime'] : (state?.['regime'] ?? null);
    const next = { regime, count, previous_regime: previous };
    return {
      artifacts: [
        {
          kind: 'signal',
          name: 'persistence',
          schema: 'persistence_signal',
          schemaVersion: '1',
          payload: next,
        },
      ],
      state: next,
    };
  },
};
