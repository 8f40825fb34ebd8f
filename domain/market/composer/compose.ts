/**
 * Composes the snapshot of a run from raw market events: features, opinions on them, and a shell around both
 * (market reference, section 4.4). Snapshot inputs are welcome and not needed.
 */
import type { Features, FeatureSnapshot } from '#contracts/market/composer.ts';
import { featuresOf } from '#domain/market/composer/features.ts';
import type { Known } from '#domain/market/composer/features.ts';
import { neutralSnapshot } from '#domain/market/composer/neutral.ts';
import { opinionsOn } from '#domain/market/composer/observers.ts';
import { EVIDENCE_KEY, isObject } from '#domain/market/engine/evidence.ts';
import type { Opinion } from '#domain/market/engine/evidence.ts';
import { NEUTRAL_EVIDENCE_KEY } from '#domain/market/engine/neutral-evidence.ts';
import { buildSnapshot, isMissing } from '#domain/market/engine/snapshot.ts';
import type { RegimeInputSnapshot } from '#domain/market/engine/snapshot.ts';
import type { SnapshotInputs } from '#domain/market/slice.ts';

/** What may be chosen about the composer; with nothing chosen it does as the reference does. */
export interface ComposerOptions {
  /** Whether an observer that knows none of its inputs has an opinion all the same. */
  readonly noData: 'opinion' | 'reason';
  /** Whether neutral evidence is embedded beside the opinions. */
  readonly embedsNeutral: boolean;
}

/** The run that is composed for. */
interface Run {
  readonly symbol: string;
  readonly engineTimestampMs: number;
}

/** What is there to compose from. */
export interface Material extends Known {
  readonly inputs: SnapshotInputs | undefined;
}

/** The snapshot of a run, with the composer's opinions embedded. */
export const compose = (run: Run, material: Material, options: ComposerOptions): RegimeInputSnapshot => {
  const features = featuresOf(material, run.engineTimestampMs);
  const shell = buildSnapshot(run, material.inputs ?? shellOf(features));
  const opinions = opinionsOn(features).filter(
    ({ confidence }) => options.noData === 'opinion' || confidence > 0,
  );
  return embed(shell, {
    [EVIDENCE_KEY]: opinions.length > 0 ? evidenceOf(run, opinions) : undefined,
    ...(options.embedsNeutral ? { [NEUTRAL_EVIDENCE_KEY]: neutralSnapshot(run, features) } : {}),
  });
};

/** The features of a run alone, as other programs read them. */
export const featureSnapshot = (run: Run, known: Known): FeatureSnapshot => ({
  schema: 'feature_snapshot',
  schema_version: '1',
  symbol: run.symbol,
  engine_timestamp_ms: run.engineTimestampMs,
  features: featuresOf(known, run.engineTimestampMs),
});

/** Members that have a value; the others are missing. */
const given = (members: Readonly<Record<string, number | null>>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );

const shellOf = (features: Features): SnapshotInputs => ({
  market: {
    ...given({
      price: features.price_last,
      vwap: features.vwap_3m,
      atr: features.atr_14,
      atr_z: features.atr_z_50,
    }),
    structure_levels: {},
  },
  derivatives: given({ open_interest: features.open_interest_latest }),
  flow: given({ cvd: features.cvd_3m }),
  context: { btc_regime: null, eth_regime: null },
});

const evidenceOf = (run: Run, opinions: readonly Opinion[]): object => ({
  symbol: run.symbol,
  engine_timestamp_ms: run.engineTimestampMs,
  opinions,
});

/** What the levels held under the composer's keys was another's word and goes; the rest stays. */
const embed = (
  shell: RegimeInputSnapshot,
  embedding: Readonly<Record<string, unknown>>,
): RegimeInputSnapshot => {
  const levels = shell.market['structure_levels'];
  const others = isObject(levels) && !isMissing(levels) ? levels : {};
  const kept = Object.entries(others).filter(([key]) => !Object.hasOwn(embedding, key));
  const said = Object.entries(embedding).filter(([, evidence]) => evidence !== undefined);
  return {
    ...shell,
    market: { ...shell.market, structure_levels: Object.fromEntries([...kept, ...said]) },
  };
};

/** What a composed snapshot carries: who has an opinion, and whether neutral evidence stands beside them. */
export interface Composed {
  readonly sources: readonly string[];
  readonly hasNeutral: boolean;
}

/** What `compose` put into a snapshot, which nobody else writes under its keys. */
export const composedOf = ({ market }: RegimeInputSnapshot): Composed => {
  const levels = market['structure_levels'] as Readonly<Record<string, unknown>>;
  const evidence = levels[EVIDENCE_KEY] as { readonly opinions: readonly Opinion[] } | undefined;
  return {
    sources: evidence?.opinions.map(({ source }) => source) ?? [],
    hasNeutral: levels[NEUTRAL_EVIDENCE_KEY] !== undefined,
  };
};
