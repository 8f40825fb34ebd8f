/** What `layers gate` and `layers analyse` are configured with: the members of a feed's configuration its layers go by. */
import { AnalysisConfig, analysisDefault } from '#contracts/market/analysis.ts';
import { LayersConfig } from '#contracts/market/layers-config.ts';

/** A configuration of layers, in which symbols may have modules of their own. */
export const LayersFile = LayersConfig.extend({ analysis_engine: AnalysisConfig.default(analysisDefault) });
