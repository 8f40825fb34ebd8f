/** From a configuration to plans: which modules run for which symbol. */
import type { AnalysisConfig } from '#contracts/market/analysis.ts';
import type { AnalysisSetting } from '#domain/market/analysis/analyse.ts';
import type { AnalysisModule } from '#domain/market/analysis/module.ts';
import { planModules } from '#domain/market/analysis/plan.ts';

/** A setting, or the message of the first thing that is wrong with the configuration. */
export type AnalysisSettingResult =
  | { readonly kind: 'valid'; readonly setting: AnalysisSetting }
  | { readonly kind: 'invalid'; readonly message: string };

/** Plans the modules of a configuration, for all symbols and for those that have their own. */
export const analysisSetting = (
  config: AnalysisConfig,
  registry: readonly AnalysisModule[],
): AnalysisSettingResult => {
  const configFault = moduleConfigFault(config, registry);
  if (configFault !== undefined) return { kind: 'invalid', message: configFault };
  const general = planModules(registry, config.enabled_modules);
  if (general.kind === 'invalid') return general;
  const plans = new Map<string, readonly AnalysisModule[]>();
  for (const { symbol, enabled_modules: enabled } of config.symbols) {
    const plan = planModules(registry, enabled);
    if (plan.kind === 'invalid') return plan;
    plans.set(symbol, plan.modules);
  }
  return {
    kind: 'valid',
    setting: { planOf: (symbol) => plans.get(symbol) ?? general.modules, config },
  };
};

const moduleConfigFault = (
  { module_configs: configs }: AnalysisConfig,
  registry: readonly AnalysisModule[],
): string | undefined => {
  const ids = configs.map(({ module_id: id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) return `duplicate module_id: ${twice}`;
  const unknown = ids.find((id) => !registry.some((module) => module.id === id));
  return unknown === undefined ? undefined : `unknown module_id: ${unknown}`;
};
