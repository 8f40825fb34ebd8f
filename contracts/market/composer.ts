/** What the composer computes from a slice of market events (market reference, section 5.9). */
import * as z from 'zod';
import { BufferedMarketEvent } from '#contracts/market/buffer-record.ts';

const feature = z.number().nullable();

/** The features of a slice; null when the slice does not tell. */
export const Features = z.strictObject({
  aggressive_volume_ratio_3m: feature,
  atr_14: feature,
  atr_z_50: feature,
  cvd_3m: feature,
  open_interest_latest: feature,
  price_last: feature,
  vwap_3m: feature,
});
export type Features = z.infer<typeof Features>;

/** The features of one symbol at one engine timestamp. */
export const FeatureSnapshot = z.strictObject({
  schema: z.literal('feature_snapshot'),
  schema_version: z.literal('1'),
  symbol: z.string(),
  engine_timestamp_ms: z.int(),
  features: Features,
});
export type FeatureSnapshot = z.infer<typeof FeatureSnapshot>;

/** A run and the events of its cut, in ingest order, as a person writes them down; those of other symbols are none of its slice. */
export const ComposerMaterial = z.object({
  symbol: z.string().min(1),
  engine_timestamp_ms: z.int(),
  events: z.array(BufferedMarketEvent),
});
export type ComposerMaterial = z.infer<typeof ComposerMaterial>;
