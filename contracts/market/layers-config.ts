/** What the later layers of one symbol are configured with: the part of a feed's configuration that its stream holds. */
import * as z from 'zod';
import { AnalysisConfig } from '#contracts/market/analysis.ts';
import { StateGateConfig, stateGateDefault } from '#contracts/market/state-gate.ts';

/** The configuration of a symbol's state gate and analysis engine; what is left out has the reference's default. */
export const LayersConfig = z.strictObject({
  /** Whose hysteresis the gate hears. */
  hysteresis: z.enum(['decision', 'belief']).default('decision'),
  state_gate: StateGateConfig.default(stateGateDefault),
  /** The modules that run for this symbol, and their settings. */
  analysis_engine: AnalysisConfig.pick({ enabled_modules: true, module_configs: true }).default({
    enabled_modules: [],
    module_configs: [],
  }),
});
export type LayersConfig = z.infer<typeof LayersConfig>;
