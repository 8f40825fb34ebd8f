/**
 * The frozen input of the engine. Every field is always there: with its value, or with the missing marker when
 * the source did not give it. Null is a value; absent is not null (market reference, sections 1.3 and 5.2).
 */
import { canonicalJson } from '#domain/kernel/canonical-json.ts';

/** The wire form of a leaf nobody gave. */
export const MISSING: Readonly<Record<string, true>> = Object.freeze({ __xray_missing__: true });

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** True for the marker: an object whose only key is the marker's. */
export const isMissing = (value: unknown): boolean => {
  if (!isObject(value)) return false;
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0] === '__xray_missing__';
};

/** The fields of each part, in the reference's order. */
export const snapshotFields = {
  market: [
    'price',
    'vwap',
    'atr',
    'atr_z',
    'range_expansion',
    'structure_levels',
    'acceptance_score',
    'sweep_score',
  ],
  derivatives: [
    'open_interest',
    'oi_slope_short',
    'oi_slope_med',
    'oi_accel',
    'funding_rate',
    'funding_slope',
    'funding_z',
    'liquidation_intensity',
  ],
  flow: ['cvd', 'cvd_slope', 'cvd_efficiency', 'aggressive_volume_ratio'],
  context: ['rs_vs_btc', 'beta_to_btc', 'alt_breadth', 'btc_regime', 'eth_regime'],
} as const;

/** A part of a snapshot. */
export type SnapshotPart = keyof typeof snapshotFields;

const PARTS = ['market', 'derivatives', 'flow', 'context'] as const satisfies readonly SnapshotPart[];

/** What the engine is asked about: one symbol at one engine timestamp in milliseconds. */
export type RegimeInputSnapshot = Readonly<Record<SnapshotPart, Readonly<Record<string, unknown>>>> & {
  readonly symbol: string;
  readonly timestamp: number;
};

const buildPart = (part: SnapshotPart, given: unknown): Readonly<Record<string, unknown>> => {
  const values = isObject(given) ? given : {};
  return Object.fromEntries(
    snapshotFields[part].map((field) => [field, Object.hasOwn(values, field) ? values[field] : MISSING]),
  );
};

/** The snapshot of a run from the `normalized` of a SnapshotInputs: unknown members are dropped. */
export const buildSnapshot = (
  run: { readonly symbol: string; readonly engineTimestampMs: number },
  normalized: Readonly<Record<string, unknown>>,
): RegimeInputSnapshot => ({
  symbol: run.symbol,
  timestamp: run.engineTimestampMs,
  market: buildPart('market', normalized['market']),
  derivatives: buildPart('derivatives', normalized['derivatives']),
  flow: buildPart('flow', normalized['flow']),
  context: buildPart('context', normalized['context']),
});

/** One line of JSON, keys sorted, no blanks, from which the snapshot can be read back exactly. */
export const encodeSnapshot = (snapshot: RegimeInputSnapshot): string => canonicalJson(snapshot);

const pathsWithin = (value: unknown, path: string): readonly string[] => {
  if (isMissing(value)) return [path];
  if (Array.isArray(value)) return value.flatMap((item, index) => pathsWithin(item, `${path}[${index}]`));
  if (!isObject(value)) return [];
  return Object.keys(value)
    .sort()
    .flatMap((key) => pathsWithin(value[key], `${path}.${key}`));
};

/** Dotted paths of everything missing, sorted by key at each level. */
export const missingPaths = (snapshot: RegimeInputSnapshot): readonly string[] =>
  [...PARTS].sort().flatMap((part) => pathsWithin(snapshot[part], part));

/** The nominal distance of engine timestamps: three minutes. */
const ALIGNMENT_MS = 180_000;

/** What is wrong with an engine timestamp that is not aligned; the engine itself takes any. */
export const alignmentFault = (timestampMs: number): string | undefined =>
  timestampMs % ALIGNMENT_MS === 0 ? undefined : `timestamp_ms must be 3m-aligned (ms): got ${timestampMs}`;
