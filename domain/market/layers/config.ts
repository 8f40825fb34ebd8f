/** From the configuration of a feed to what the later layers of one of its symbols go by. */
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import { LayersConfig } from '#contracts/market/layers-config.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { sha256Base32 } from '#domain/kernel/hash.ts';
import type { AnalysisSetting } from '#domain/market/analysis/analyse.ts';
import { analysisModules } from '#domain/market/analysis/modules/registry.ts';
import { analysisSetting } from '#domain/market/analysis/setting.ts';
import type { GateSetting } from '#domain/market/state-gate/gate.ts';

/** What is wrong with the modules of a configuration, in the reference's words; undefined when nothing is. */
export const layersFault = ({ analysis_engine: config }: FeedConfig): string | undefined => {
  const result = analysisSetting(config, analysisModules);
  return result.kind === 'invalid' ? result.message : undefined;
};

/** The symbol's part of a configuration: it does not change when only others' parts do. */
export const layersOf = (
  { engine_options: options, state_gate, analysis_engine: analysis }: FeedConfig,
  symbol: string,
): LayersConfig => {
  const own = analysis.symbols.find((entry) => entry.symbol === symbol);
  const enabled = own?.enabled_modules ?? analysis.enabled_modules;
  return {
    hysteresis: options.hysteresis,
    state_gate,
    analysis_engine: {
      enabled_modules: enabled,
      module_configs: analysis.module_configs.filter(({ module_id: id }) => enabled.includes(id)),
    },
  };
};

/** What the layers go by while nothing else was recorded. */
export const defaultLayers: LayersConfig = LayersConfig.parse({});

/** A configuration as short text, to see whether it is another one. */
export const layersHash = (config: LayersConfig): string => sha256Base32(canonicalJson(config));

/** How a symbol's gate judges: it hears every run out. */
export const gateSetting = ({ hysteresis, state_gate: config }: LayersConfig): GateSetting => ({
  config,
  hysteresis,
  rule: 'whole_run',
});

/** How a symbol's runs are analysed. Throws when this version lacks a module that was configured. */
export const symbolAnalysisSetting = ({ analysis_engine: config }: LayersConfig): AnalysisSetting => {
  const result = analysisSetting({ ...config, symbols: [] }, analysisModules);
  if (result.kind === 'invalid') throw new Error(result.message);
  return result.setting;
};
