/** The analysis modules that ship. */
import type { AnalysisModule } from '#domain/market/analysis/module.ts';
import { convictionRule } from '#domain/market/analysis/modules/conviction-rule.ts';
import { headlineOutput } from '#domain/market/analysis/modules/headline-output.ts';
import { persistenceSignal } from '#domain/market/analysis/modules/persistence-signal.ts';
import { regimeSignal } from '#domain/market/analysis/modules/regime-signal.ts';
import { shiftDetector } from '#domain/market/analysis/modules/shift-detector.ts';

/** At least one of each kind; `signal.persistence` remembers. */
export const analysisModules: readonly AnalysisModule[] = [
  regimeSignal,
  persistenceSignal,
  shiftDetector,
  convictionRule,
  headlineOutput,
];
